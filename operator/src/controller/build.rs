//! Third step, pure: the complete set of children of a pipeline. It can't fail and knows no client.

mod access;
mod api;
mod autoscaler;
mod config_map;
mod deployment;
mod disruption_budget;
mod ingress;
mod metadata;
mod migration;
mod network_policy;
mod pod;
mod probe;
mod secret;
mod serve;
mod service;
mod service_account;
mod volume;
mod volume_claim;
mod worker;

pub use ingress::INGRESS_CLASS_ANNOTATION;
pub(super) use secret::GENERATED;
pub use secret::GeneratedSecret;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;

use super::validate::{Mode, Pipeline};

/// Every child that a pipeline is to have; what is `None` or not in a list must not exist.
#[derive(Debug, Clone, PartialEq)]
pub struct Resources {
    pub service_accounts: Vec<ServiceAccount>,
    /// Secrets whose value is made once, when they do not exist yet.
    pub generated_secrets: Vec<GeneratedSecret>,
    pub config_map: ConfigMap,
    pub volume_claim: Option<PersistentVolumeClaim>,
    pub network_policies: Vec<NetworkPolicy>,
    /// Brings the database to the schema of the image; must succeed before the Deployments are applied.
    pub migration: Option<Job>,
    /// The API, then the workers; or the one pod of an embedded pipeline.
    pub deployments: Vec<Deployment>,
    pub service: Service,
    pub ingress: Option<Ingress>,
    pub autoscalers: Vec<HorizontalPodAutoscaler>,
    pub disruption_budgets: Vec<PodDisruptionBudget>,
}

/// Builds every child of the pipeline.
pub fn build(pipeline: &Pipeline) -> Resources {
    let config_map = config_map::build_config_map(pipeline);
    Resources {
        service_accounts: service_account::build_service_accounts(pipeline),
        generated_secrets: secret::build_generated_secrets(pipeline),
        volume_claim: volume_claim::build_volume_claim(pipeline),
        network_policies: network_policy::build_network_policies(pipeline),
        migration: migration::build_migration(pipeline),
        deployments: build_deployments(pipeline, &config_map),
        service: service::build_service(pipeline),
        ingress: ingress::build_ingress(pipeline),
        autoscalers: autoscaler::build_autoscalers(pipeline),
        disruption_budgets: disruption_budget::build_disruption_budgets(pipeline),
        config_map,
    }
}

fn build_deployments(pipeline: &Pipeline, config_map: &ConfigMap) -> Vec<Deployment> {
    match &pipeline.mode {
        Mode::Cluster(cluster) => vec![
            api::build_api(pipeline, cluster, config_map),
            worker::build_worker(pipeline, cluster, config_map),
        ],
        Mode::Embedded(embedded) => vec![serve::build_serve(pipeline, embedded, config_map)],
    }
}

#[cfg(test)]
mod tests;
