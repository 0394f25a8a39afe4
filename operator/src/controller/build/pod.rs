//! What all pods of a pipeline have in common: one container of the extractor, allowed by the `restricted`
//! Pod Security Standard, with the user's overlay on top.

use std::collections::BTreeMap;

use extraction_contract::{env, port};
use k8s_openapi::DeepMerge;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapEnvSource, Container, ContainerPort, EnvFromSource, EnvVar,
    PodSecurityContext, PodSpec, PodTemplateSpec, ResourceRequirements, SeccompProfile,
    SecurityContext, TopologySpreadConstraint,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::config_map;
use super::metadata::{self, Component};
use super::volume::{self, Mounted};
use crate::controller::validate::{Pipeline, Pods};
use crate::crd::{Compute, Resources};

/// Name of the port of the public API.
pub(super) const API_PORT: &str = "http";
/// Name of the port of metrics, dependencies and the worker's health.
pub(super) const METRICS_PORT: &str = "metrics";
/// Seconds during which a pod that is to stop still serves, so that every proxy has taken it out first.
pub(super) const DRAIN_SECONDS: i64 = 5;
/// Longest time that the extractor takes for it.
const LONGEST_SHUTDOWN: i64 = 7200;
/// User and group of the image.
const USER: i64 = 65532;
/// Largest amount of temporary files: a few of the largest documents.
const TEMPORARY_SIZE: &str = "1Gi";

/// One extractor container and the files it needs.
pub(super) struct Parts {
    pub(super) component: Component,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<EnvVar>,
    pub(super) volumes: Vec<Mounted>,
    pub(super) resources: Resources,
    /// Seconds from the request to stop until the pod is killed.
    pub(super) grace_seconds: i64,
}

impl Parts {
    /// The container alone, named after its component.
    fn container(&self, pipeline: &Pipeline) -> Container {
        Container {
            name: self.component.as_str().to_owned(),
            image: Some(pipeline.image.clone()),
            image_pull_policy: Some(pipeline.pull_policy.clone()),
            args: Some(self.arguments.clone()),
            env: Some(self.environment.clone()),
            resources: Some(requirements(&self.resources)),
            security_context: Some(container_security()),
            volume_mounts: Some(self.volumes.iter().map(|item| item.mount.clone()).collect()),
            ..Container::default()
        }
    }

    /// The pod with a writable `/tmp` and nothing else writable but its own volumes.
    pub(super) fn pod(mut self, pipeline: &Pipeline, service_account: String) -> PodTemplateSpec {
        let size = Quantity(TEMPORARY_SIZE.to_owned());
        self.volumes.push(volume::temporary("tmp", "/tmp", size));
        let spec = PodSpec {
            automount_service_account_token: Some(false),
            containers: vec![self.container(pipeline)],
            enable_service_links: Some(false),
            security_context: Some(pod_security()),
            service_account_name: Some(service_account),
            termination_grace_period_seconds: Some(self.grace_seconds),
            volumes: Some(self.volumes.into_iter().map(|item| item.volume).collect()),
            ..PodSpec::default()
        };
        PodTemplateSpec {
            metadata: Some(ObjectMeta {
                labels: Some(metadata::pod_labels(pipeline, self.component)),
                ..ObjectMeta::default()
            }),
            spec: Some(spec),
        }
    }
}

/// Makes `pod` one that serves for ever: settings, a hash that replaces it when they change, spread over nodes
/// and zones, and the user's overlay last.
pub(super) fn finish(
    mut pod: PodTemplateSpec,
    pipeline: &Pipeline,
    component: Component,
    config_map: &ConfigMap,
    pods: &Pods,
) -> PodTemplateSpec {
    let hash = (
        "extraction.dev/config-hash".to_owned(),
        config_map::hash(config_map),
    );
    pod.metadata.get_or_insert_default().annotations = Some(BTreeMap::from([hash]));
    let spec = pod.spec.get_or_insert_default();
    spec.topology_spread_constraints = Some(
        ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
            .map(|key| spread(pipeline, component, key))
            .into(),
    );
    for container in &mut spec.containers {
        container.env_from = Some(vec![EnvFromSource {
            config_map_ref: Some(ConfigMapEnvSource {
                name: pipeline.name.clone(),
                optional: None,
            }),
            ..EnvFromSource::default()
        }]);
        container.termination_message_policy = Some("FallbackToLogsOnError".to_owned());
    }
    pod.merge_from(pods.overlay.clone());
    pod
}

/// An environment variable. Values are never secret.
pub(super) fn variable(name: &str, value: impl Into<String>) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: Some(value.into()),
        value_from: None,
    }
}

/// What the user's overlay says the pod has from the request to stop until it is killed, else `default`.
pub(super) fn grace_seconds(pods: &Pods, default: i64) -> i64 {
    let overlaid = pods.overlay.spec.as_ref();
    let overlaid = overlaid.and_then(|spec| spec.termination_grace_period_seconds);
    overlaid.unwrap_or(default)
}

/// The environment variable that says how long jobs in hand may take once the pod is to stop: a little less than
/// the pod has, and less the time in which it still serves.
pub(super) fn shutdown_grace(grace_seconds: i64) -> EnvVar {
    let seconds = (grace_seconds - DRAIN_SECONDS - 5).clamp(0, LONGEST_SHUTDOWN);
    variable(env::SHUTDOWN_GRACE_SECONDS, seconds.to_string())
}

/// The environment variables that name the ports.
pub(super) fn listen_addresses(has_api: bool) -> Vec<EnvVar> {
    let any = |port: u16| format!("0.0.0.0:{port}");
    let api = has_api.then(|| variable(env::LISTEN_ADDRESS, any(port::API)));
    let metrics = variable(env::METRICS_ADDRESS, any(port::METRICS));
    api.into_iter().chain([metrics]).collect()
}

/// The ports of a container.
pub(super) fn ports(has_api: bool) -> Vec<ContainerPort> {
    let open = |name: &str, number: u16| ContainerPort {
        name: Some(name.to_owned()),
        container_port: number.into(),
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    };
    let api = has_api.then(|| open(API_PORT, port::API));
    (api.into_iter())
        .chain([open(METRICS_PORT, port::METRICS)])
        .collect()
}

fn spread(pipeline: &Pipeline, component: Component, key: &str) -> TopologySpreadConstraint {
    TopologySpreadConstraint {
        label_selector: Some(metadata::selector(pipeline, component)),
        match_label_keys: Some(vec!["pod-template-hash".to_owned()]),
        max_skew: 1,
        topology_key: key.to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        ..TopologySpreadConstraint::default()
    }
}

fn requirements(resources: &Resources) -> ResourceRequirements {
    let amounts = |compute: &Option<Compute>| {
        let compute = compute.as_ref()?;
        let cpu = compute.cpu.clone().map(|cpu| ("cpu".to_owned(), cpu));
        let memory = compute
            .memory
            .clone()
            .map(|memory| ("memory".to_owned(), memory));
        Some(cpu.into_iter().chain(memory).collect())
    };
    ResourceRequirements {
        requests: amounts(&resources.requests),
        limits: amounts(&resources.limits),
        claims: None,
    }
}

fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        fs_group: Some(USER),
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        run_as_group: Some(USER),
        run_as_non_root: Some(true),
        run_as_user: Some(USER),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            localhost_profile: None,
        }),
        ..PodSecurityContext::default()
    }
}

fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities {
            add: None,
            drop: Some(vec!["ALL".to_owned()]),
        }),
        read_only_root_filesystem: Some(true),
        ..SecurityContext::default()
    }
}
