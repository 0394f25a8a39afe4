//! NetworkPolicies: the pipeline's pods may talk to nobody, except for what each kind of pod needs.

use std::net::IpAddr;

use extraction_contract::port;
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::metadata::{self, Component};
use crate::controller::validate::{Aws, Cluster, Credentials, Mode, Pipeline};

/// Namespace that may read metrics besides the operator's own.
const MONITORING_NAMESPACE: &str = "monitoring";
/// Of a Service, and of the pods behind it in OpenShift: most networks look at the address of the pod.
const DNS: [i32; 2] = [53, 5353];
const HTTPS: i32 = 443;
/// Where a node or EKS Pod Identity hands out credentials, over plain HTTP.
const AMBIENT_CREDENTIALS: [&str; 2] = ["169.254.169.254/32", "169.254.170.23/32"];

/// Builds the policies: one that denies everything to every pod, then one per component with what it needs.
pub(super) fn build_network_policies(pipeline: &Pipeline) -> Vec<NetworkPolicy> {
    let components = match &pipeline.mode {
        Mode::Cluster(cluster) => {
            let database = || vec![dns(), database(cluster)];
            let services: Vec<_> = (database().into_iter()).chain(aws(&cluster.aws)).collect();
            vec![
                (
                    Component::Api,
                    vec![from_clients(), metrics(pipeline)],
                    services.clone(),
                ),
                (Component::Worker, vec![metrics(pipeline)], services),
                (Component::Migrate, Vec::new(), database()),
            ]
        }
        Mode::Embedded(_) => vec![(
            Component::Serve,
            vec![from_clients(), metrics(pipeline)],
            Vec::new(),
        )],
    };
    let allowed = components
        .into_iter()
        .map(|(component, ingress, egress)| allow(pipeline, component, ingress, egress));
    [deny_all(pipeline)].into_iter().chain(allowed).collect()
}

fn deny_all(pipeline: &Pipeline) -> NetworkPolicy {
    let name = metadata::child_name(pipeline, "default-deny");
    let pods = LabelSelector {
        match_labels: Some(metadata::instance_labels(pipeline)),
        ..LabelSelector::default()
    };
    NetworkPolicy {
        metadata: metadata::recording(pipeline, name),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(pods),
            policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
            // Empty and not left out: a rule that somebody adds by hand is an edit to undo.
            ingress: Some(Vec::new()),
            egress: Some(Vec::new()),
        }),
    }
}

fn allow(
    pipeline: &Pipeline,
    component: Component,
    ingress: Vec<NetworkPolicyIngressRule>,
    egress: Vec<NetworkPolicyEgressRule>,
) -> NetworkPolicy {
    let name = metadata::child_name(pipeline, component.as_str());
    let types = [
        ("Ingress", ingress.is_empty()),
        ("Egress", egress.is_empty()),
    ];
    NetworkPolicy {
        metadata: metadata::of(pipeline, component, name),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(metadata::selector(pipeline, component)),
            policy_types: Some(
                (types.into_iter())
                    .filter(|(_, is_empty)| !is_empty)
                    .map(|(name, _)| name.to_owned())
                    .collect(),
            ),
            ingress: Some(ingress),
            egress: Some(egress),
        }),
    }
}

/// Anybody may call the API: where the ingress controller's pods come from isn't ours to know, and every route
/// asks for a key.
fn from_clients() -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule {
        from: None,
        ports: Some(vec![tcp(port::API.into())]),
    }
}

fn metrics(pipeline: &Pipeline) -> NetworkPolicyIngressRule {
    let namespaces = LabelSelectorRequirement {
        key: "kubernetes.io/metadata.name".to_owned(),
        operator: "In".to_owned(),
        values: Some(vec![
            pipeline.operator_namespace.clone(),
            MONITORING_NAMESPACE.to_owned(),
        ]),
    };
    NetworkPolicyIngressRule {
        from: Some(vec![NetworkPolicyPeer {
            namespace_selector: Some(LabelSelector {
                match_expressions: Some(vec![namespaces]),
                ..LabelSelector::default()
            }),
            ..NetworkPolicyPeer::default()
        }]),
        ports: Some(vec![tcp(port::METRICS.into())]),
    }
}

fn dns() -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule {
        ports: Some(
            DNS.map(|port| [transport("UDP", port), transport("TCP", port)])
                .concat(),
        ),
        to: None,
    }
}

fn database(cluster: &Cluster) -> NetworkPolicyEgressRule {
    let address = &cluster.database_address;
    to(&address.host, address.port)
}

/// AWS itself has no fixed addresses; a service in its place has.
fn aws(aws: &Aws) -> Vec<NetworkPolicyEgressRule> {
    let everywhere = NetworkPolicyEgressRule {
        ports: Some(vec![tcp(HTTPS)]),
        to: None,
    };
    let mut rules = match &aws.endpoint {
        Some(endpoint) => vec![to(&endpoint.host, endpoint.port)],
        None => vec![everywhere.clone()],
    };
    match &aws.credentials {
        Credentials::Role(_) if aws.endpoint.is_some() => rules.push(everywhere),
        Credentials::Ambient => rules.push(NetworkPolicyEgressRule {
            ports: Some(vec![tcp(80)]),
            to: Some(AMBIENT_CREDENTIALS.map(block).into()),
        }),
        Credentials::Role(_) | Credentials::Secret(_) => {}
    }
    rules
}

/// A policy can't hold a host name, so a name allows its port everywhere and an address only itself.
fn to(host: &str, port: u16) -> NetworkPolicyEgressRule {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let cidr = address.map(|address| match address {
        IpAddr::V4(address) => format!("{address}/32"),
        IpAddr::V6(address) => format!("{address}/128"),
    });
    NetworkPolicyEgressRule {
        ports: Some(vec![tcp(port.into())]),
        to: cidr.map(|cidr| vec![block(&cidr)]),
    }
}

fn block(cidr: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        ip_block: Some(IPBlock {
            cidr: cidr.to_owned(),
            except: None,
        }),
        ..NetworkPolicyPeer::default()
    }
}

fn tcp(port: i32) -> NetworkPolicyPort {
    transport("TCP", port)
}

fn transport(protocol: &str, port: i32) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(port)),
        protocol: Some(protocol.to_owned()),
        end_port: None,
    }
}
