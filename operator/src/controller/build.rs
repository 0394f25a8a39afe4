//! Third step, pure: the complete set of children of a pipeline. It can't fail and knows no client.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

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

/// A Secret of one key with a random value, made by the apply step only.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratedSecret {
    pub metadata: ObjectMeta,
    /// The key that holds the value.
    pub key: &'static str,
}
