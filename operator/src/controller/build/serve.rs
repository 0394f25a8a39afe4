//! The Deployment of an embedded pipeline: one pod that is API and worker, with its data on a volume.

use extraction_contract::{env, subcommand};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStrategy};
use k8s_openapi::api::core::v1::{ConfigMap, PodTemplateSpec};

use super::api;
use super::deployment::{build_deployment, name};
use super::metadata::Component;
use super::pod::{self, Parts, variable};
use super::volume::{self, Mounted};
use super::volume_claim;
use super::worker::{self, GRACE_SECONDS};
use crate::controller::validate::{Embedded, Pipeline, Volume};

const DATA_DIR: &str = "/var/lib/extraction";

/// Builds the one pod. The old one ends before a new one starts: two must never write the same SQLite file.
pub(super) fn build_serve(
    pipeline: &Pipeline,
    embedded: &Embedded,
    config_map: &ConfigMap,
) -> Deployment {
    let recreate = DeploymentStrategy {
        type_: Some("Recreate".to_owned()),
        rolling_update: None,
    };
    let template = template(pipeline, embedded, config_map);
    let mut deployment = build_deployment(pipeline, Component::Serve, recreate, template);
    deployment.spec.get_or_insert_default().replicas = Some(1);
    deployment
}

fn template(pipeline: &Pipeline, embedded: &Embedded, config_map: &ConfigMap) -> PodTemplateSpec {
    let pods = &pipeline.worker_pods;
    let grace_seconds = pod::grace_seconds(pods, GRACE_SECONDS);
    let mut environment = pod::listen_addresses(true);
    environment.push(variable(env::DATA_DIR, DATA_DIR));
    environment.push(api::trusted_proxies(pipeline));
    environment.push(worker::concurrency(pipeline));
    environment.push(pod::shutdown_grace(grace_seconds));
    let mut parts = Parts {
        component: Component::Serve,
        arguments: vec![subcommand::SERVE.to_owned()],
        environment,
        volumes: vec![data(pipeline, embedded)],
        resources: pods.resources.clone(),
        grace_seconds,
    };
    api::add_keys(&mut parts, pipeline);
    let mut pod = parts.pod(pipeline, name(pipeline, Component::Serve));
    api::serve_http(&mut pod);
    pod::finish(pod, pipeline, Component::Serve, config_map, pods)
}

fn data(pipeline: &Pipeline, embedded: &Embedded) -> Mounted {
    match &embedded.volume {
        Volume::Claim { .. } => volume::claim("data", DATA_DIR, volume_claim::name(pipeline)),
        Volume::Temporary { size } => volume::temporary("data", DATA_DIR, size.clone()),
    }
}
