//! The Deployment of the API.

use extraction_contract::{env, secret_key, subcommand};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{
    ConfigMap, EnvVar, Lifecycle, LifecycleHandler, PodTemplateSpec, SleepAction,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::deployment::{build_deployment, name, rolling};
use super::metadata::{self, Component};
use super::pod::{self, Parts, variable};
use super::{access, probe, secret, volume};
use crate::controller::validate::{Cluster, Pipeline};

/// Seconds for requests in flight, after those for proxies to notice.
const GRACE_SECONDS: i64 = 60;
const ADMIN_KEY_DIR: &str = "/etc/extraction/admin-key";
const TOKEN_SIGNING_KEY_DIR: &str = "/etc/extraction/token-signing-key";

/// Builds the API. A new version takes over pod by pod; the number of ready pods never falls.
pub(super) fn build_api(
    pipeline: &Pipeline,
    cluster: &Cluster,
    config_map: &ConfigMap,
) -> Deployment {
    let template = template(pipeline, cluster, config_map);
    build_deployment(
        pipeline,
        Component::Api,
        rolling(IntOrString::Int(0)),
        template,
    )
}

fn template(pipeline: &Pipeline, cluster: &Cluster, config_map: &ConfigMap) -> PodTemplateSpec {
    let mut environment = pod::listen_addresses(true);
    environment.push(trusted_proxies(pipeline));
    let grace_seconds = pod::grace_seconds(&cluster.api_pods, GRACE_SECONDS);
    environment.push(pod::shutdown_grace(grace_seconds));
    let mut parts = Parts {
        component: Component::Api,
        arguments: vec![subcommand::API.to_owned()],
        environment,
        volumes: Vec::new(),
        resources: cluster.api_pods.resources.clone(),
        grace_seconds,
    };
    add_keys(&mut parts, pipeline);
    access::add_database(&mut parts, cluster);
    access::add_aws(&mut parts, cluster);
    let mut pod = parts.pod(pipeline, name(pipeline, Component::Api));
    serve_http(&mut pod);
    pod::finish(pod, pipeline, Component::Api, config_map, &cluster.api_pods)
}

/// The ingress controller is one proxy, whose word about the client's address counts.
pub(super) fn trusted_proxies(pipeline: &Pipeline) -> EnvVar {
    let proxies = u8::from(pipeline.ingress.is_some());
    variable(env::TRUSTED_PROXIES, proxies.to_string())
}

/// Lets the pod read the generated keys.
pub(super) fn add_keys(parts: &mut Parts, pipeline: &Pipeline) {
    for (name, variable_name, directory, key) in [
        (
            secret::ADMIN_KEY,
            env::ADMIN_KEY_FILE,
            ADMIN_KEY_DIR,
            secret_key::ADMIN_KEY,
        ),
        (
            secret::TOKEN_SIGNING_KEY,
            env::TOKEN_SIGNING_KEY_FILE,
            TOKEN_SIGNING_KEY_DIR,
            secret_key::TOKEN_SIGNING_KEY,
        ),
    ] {
        let file = format!("{directory}/{key}");
        parts.environment.push(variable(variable_name, file));
        let secret = metadata::child_name(pipeline, name);
        parts
            .volumes
            .push(volume::secret(name, directory, &secret, None));
    }
}

/// Opens the ports of the API, probes them, and drains before stopping.
pub(super) fn serve_http(pod: &mut PodTemplateSpec) {
    for container in &mut pod.spec.get_or_insert_default().containers {
        container.ports = Some(pod::ports(true));
        probe::add_probes(container, pod::API_PORT);
        container.lifecycle = Some(Lifecycle {
            pre_stop: Some(LifecycleHandler {
                sleep: Some(SleepAction {
                    seconds: pod::DRAIN_SECONDS,
                }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        });
    }
}
