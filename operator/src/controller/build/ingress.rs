//! The Ingress of the API.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec, IngressTLS, ServiceBackendPort,
};

use super::metadata::{self, Component};
use super::{pod, service};
use crate::controller::validate::Pipeline;
use crate::crd;

/// Says that the class is the user's choice: taken back, the cluster's own is only given to a new Ingress.
pub const INGRESS_CLASS_ANNOTATION: &str = "extraction.dev/ingress-class";

/// Builds the Ingress; `None` for a pipeline that stays inside the cluster.
pub(super) fn build_ingress(pipeline: &Pipeline) -> Option<Ingress> {
    let spec = pipeline.ingress.as_ref()?;
    let component = Component::serving_api(&pipeline.mode);
    let mut metadata = metadata::of(pipeline, component, pipeline.name.clone());
    metadata.annotations = annotations(spec);
    Some(Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: spec.class_name.clone(),
            rules: Some(vec![IngressRule {
                host: Some(spec.host.clone()),
                http: Some(HTTPIngressRuleValue {
                    paths: vec![whole_api(pipeline)],
                }),
            }]),
            tls: tls_secret(pipeline, spec).map(|secret| {
                vec![IngressTLS {
                    hosts: Some(vec![spec.host.clone()]),
                    secret_name: Some(secret),
                }]
            }),
            default_backend: None,
        }),
        status: None,
    })
}

/// Name of the Secret with the certificate: the user's, or the one that cert-manager is to make.
pub(super) fn tls_secret(pipeline: &Pipeline, spec: &crd::Ingress) -> Option<String> {
    let is_issued = spec.cluster_issuer.is_some() || spec.issuer.is_some();
    let issued = is_issued.then(|| metadata::child_name(pipeline, "tls"));
    spec.tls_secret_name.clone().or(issued)
}

fn annotations(spec: &crd::Ingress) -> Option<BTreeMap<String, String>> {
    let cluster = spec.cluster_issuer.as_ref();
    let cluster = cluster.map(|name| ("cert-manager.io/cluster-issuer", name));
    let local = spec.issuer.as_ref();
    let local = local.map(|name| ("cert-manager.io/issuer", name));
    let class = spec.class_name.as_ref();
    let class = class.map(|name| (INGRESS_CLASS_ANNOTATION, name));
    let all: BTreeMap<_, _> = (cluster.or(local).into_iter().chain(class))
        .map(|(key, name)| (key.to_owned(), name.clone()))
        .collect();
    Some(all).filter(|all| !all.is_empty())
}

fn whole_api(pipeline: &Pipeline) -> HTTPIngressPath {
    HTTPIngressPath {
        path: Some("/".to_owned()),
        path_type: "Prefix".to_owned(),
        backend: IngressBackend {
            service: Some(IngressServiceBackend {
                name: service::name(pipeline),
                port: Some(ServiceBackendPort {
                    name: Some(pod::API_PORT.to_owned()),
                    number: None,
                }),
            }),
            resource: None,
        },
    }
}
