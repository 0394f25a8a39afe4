//! The Job that brings the database to the schema of the image.

use extraction_contract::{env, subcommand};
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::access;
use super::metadata::{self, Component, short_hash};
use super::pod::{Parts, variable};
use crate::controller::observe::DatabaseAddress;
use crate::controller::validate::{Cluster, Mode, Pipeline};
use crate::crd::{Compute, Resources};

/// Attempts after the first; a database that comes up late needs some, a broken migration needs none.
const RETRIES: i32 = 4;
/// Seconds after which all attempts together have failed: one that waits for a database that went away would wait for ever.
const DEADLINE_SECONDS: i64 = 3600;
/// Seconds that a migration may be asked to stop in; each runs in one transaction.
const GRACE_SECONDS: i64 = 30;

/// Builds the Job; `None` for an embedded pipeline, which migrates its own file when it starts.
///
/// A Job can't be changed, so its name ends in a hash of its pod and of where the database is: another image or
/// another database is another Job, and the old one is no longer built.
pub(super) fn build_migration(pipeline: &Pipeline) -> Option<Job> {
    let Mode::Cluster(cluster) = &pipeline.mode else {
        return None;
    };
    let template = template(pipeline, cluster);
    let name = format!("migrate-{}", hash(&template, cluster));
    Some(Job {
        metadata: metadata::of(
            pipeline,
            Component::Migrate,
            metadata::child_name(pipeline, &name),
        ),
        spec: Some(JobSpec {
            backoff_limit: Some(RETRIES),
            active_deadline_seconds: Some(DEADLINE_SECONDS),
            template,
            ..JobSpec::default()
        }),
        status: None,
    })
}

fn hash(template: &PodTemplateSpec, cluster: &Cluster) -> String {
    let template = serde_json::to_string(template).expect("a pod template is JSON");
    let DatabaseAddress { host, port, name } = &cluster.database_address;
    short_hash(&format!("{template}{host}:{port}/{name}"))
}

fn template(pipeline: &Pipeline, cluster: &Cluster) -> PodTemplateSpec {
    let mut parts = Parts {
        component: Component::Migrate,
        arguments: vec![subcommand::MIGRATE.to_owned()],
        environment: vec![variable(env::LOG, "info")],
        volumes: Vec::new(),
        resources: resources(),
        grace_seconds: GRACE_SECONDS,
    };
    access::add_database(&mut parts, cluster);
    let account = metadata::child_name(pipeline, Component::Api.as_str());
    let mut pod = parts.pod(pipeline, account);
    let spec = pod.spec.get_or_insert_default();
    spec.restart_policy = Some("Never".to_owned());
    if let Some(overlay) = &cluster.api_pods.overlay.spec {
        place_like_api(spec, overlay);
    }
    pod
}

/// Whatever lets API pods start at all, this pod needs too.
fn place_like_api(spec: &mut PodSpec, overlay: &PodSpec) {
    spec.image_pull_secrets = overlay.image_pull_secrets.clone();
    spec.node_selector = overlay.node_selector.clone();
    spec.priority_class_name = overlay.priority_class_name.clone();
    spec.runtime_class_name = overlay.runtime_class_name.clone();
    spec.tolerations = overlay.tolerations.clone();
}

fn resources() -> Resources {
    let compute = |cpu: &str, memory: &str| Compute {
        cpu: Some(Quantity(cpu.to_owned())),
        memory: Some(Quantity(memory.to_owned())),
    };
    Resources {
        requests: Some(compute("50m", "64Mi")),
        limits: Some(compute("500m", "256Mi")),
    }
}
