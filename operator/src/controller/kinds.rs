//! The kinds of children, in one table: what is listed, watched, applied and pruned.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::ApiResource;

/// Label with the name of the pipeline, on every child and pod.
pub const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";
/// Label with the part of the pipeline that a child or pod belongs to.
pub const COMPONENT_LABEL: &str = "app.kubernetes.io/component";
/// Selects everything that this operator made.
pub const OURS: &str = "app.kubernetes.io/managed-by=extraction-operator";

/// A kind of child. Secrets are missing on purpose: they are read and made by name only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `ServiceAccount`
    ServiceAccount,
    /// `ConfigMap`
    ConfigMap,
    /// `PersistentVolumeClaim`
    PersistentVolumeClaim,
    /// `NetworkPolicy`
    NetworkPolicy,
    /// `Job`
    Job,
    /// `Deployment`
    Deployment,
    /// `Service`
    Service,
    /// `Ingress`
    Ingress,
    /// `HorizontalPodAutoscaler`
    HorizontalPodAutoscaler,
    /// `PodDisruptionBudget`
    PodDisruptionBudget,
}

impl Kind {
    /// Every kind of child.
    pub const ALL: [Self; 10] = [
        Self::ServiceAccount,
        Self::ConfigMap,
        Self::PersistentVolumeClaim,
        Self::NetworkPolicy,
        Self::Job,
        Self::Deployment,
        Self::Service,
        Self::Ingress,
        Self::HorizontalPodAutoscaler,
        Self::PodDisruptionBudget,
    ];

    /// How the API server names the kind.
    pub fn resource(self) -> ApiResource {
        match self {
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::PersistentVolumeClaim => ApiResource::erase::<PersistentVolumeClaim>(&()),
            Self::NetworkPolicy => ApiResource::erase::<NetworkPolicy>(&()),
            Self::Job => ApiResource::erase::<Job>(&()),
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::Ingress => ApiResource::erase::<Ingress>(&()),
            Self::HorizontalPodAutoscaler => ApiResource::erase::<HorizontalPodAutoscaler>(&()),
            Self::PodDisruptionBudget => ApiResource::erase::<PodDisruptionBudget>(&()),
        }
    }

    /// Whether a change of nothing but the child's status is worth a reconcile.
    pub fn wakes_on_status(self) -> bool {
        matches!(self, Self::Job | Self::Deployment)
    }

    /// Whether the operator deletes children of this kind that it no longer builds. A volume with data is
    /// deleted by a person, or with its pipeline.
    pub fn is_pruned(self) -> bool {
        self != Self::PersistentVolumeClaim
    }
}
