//! The Deployment of the workers.

use extraction_contract::{env, subcommand};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::config_map::JOB_TIMEOUT_SECONDS;
use super::deployment::{build_deployment, name, rolling};
use super::metadata::Component;
use super::pod::{self, Parts, variable};
use super::{access, probe};
use crate::controller::validate::{Cluster, Pipeline};

/// A worker that is to stop may finish its longest job and store the result.
pub(super) const GRACE_SECONDS: i64 = JOB_TIMEOUT_SECONDS + 30;

/// Builds the workers. During a change of version a quarter may be missing: the queue keeps the work.
pub(super) fn build_worker(
    pipeline: &Pipeline,
    cluster: &Cluster,
    config_map: &ConfigMap,
) -> Deployment {
    let quarter = IntOrString::String("25%".to_owned());
    let template = template(pipeline, cluster, config_map);
    build_deployment(pipeline, Component::Worker, rolling(quarter), template)
}

fn template(pipeline: &Pipeline, cluster: &Cluster, config_map: &ConfigMap) -> PodTemplateSpec {
    let pods = &pipeline.worker_pods;
    let grace_seconds = pod::grace_seconds(pods, GRACE_SECONDS);
    let mut environment = pod::listen_addresses(false);
    environment.push(concurrency(pipeline));
    environment.push(pod::shutdown_grace(grace_seconds));
    let mut parts = Parts {
        component: Component::Worker,
        arguments: vec![subcommand::WORKER.to_owned()],
        environment,
        volumes: Vec::new(),
        resources: pods.resources.clone(),
        grace_seconds,
    };
    access::add_database(&mut parts, cluster);
    access::add_aws(&mut parts, cluster);
    let mut pod = parts.pod(pipeline, name(pipeline, Component::Worker));
    for container in &mut pod.spec.get_or_insert_default().containers {
        container.ports = Some(pod::ports(false));
        probe::add_probes(container, pod::METRICS_PORT);
    }
    pod::finish(pod, pipeline, Component::Worker, config_map, pods)
}

/// Said in the pod and not in the ConfigMap, so that changing it leaves the API pods alone.
pub(super) fn concurrency(pipeline: &Pipeline) -> k8s_openapi::api::core::v1::EnvVar {
    let value = pipeline.worker_concurrency.to_string();
    variable(env::WORKER_CONCURRENCY, value)
}
