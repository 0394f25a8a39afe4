//! What the Deployments of a pipeline have in common. They have no `replicas`: those belong to their autoscalers.

use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment,
};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::metadata::{self, Component};
use crate::controller::validate::Pipeline;

/// How many old ReplicaSets are kept to roll back to.
const HISTORY: i32 = 3;

/// Builds the Deployment of one component; its name is also that of its ServiceAccount.
pub(super) fn build_deployment(
    pipeline: &Pipeline,
    component: Component,
    strategy: DeploymentStrategy,
    template: PodTemplateSpec,
) -> Deployment {
    Deployment {
        metadata: metadata::of(pipeline, component, name(pipeline, component)),
        spec: Some(DeploymentSpec {
            revision_history_limit: Some(HISTORY),
            selector: metadata::selector(pipeline, component),
            strategy: Some(strategy),
            template,
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

/// `<pipeline>-<component>`.
pub(super) fn name(pipeline: &Pipeline, component: Component) -> String {
    metadata::child_name(pipeline, component.as_str())
}

/// New pods take over from old ones, a quarter at a time.
pub(super) fn rolling(max_unavailable: IntOrString) -> DeploymentStrategy {
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(IntOrString::String("25%".to_owned())),
            max_unavailable: Some(max_unavailable),
        }),
    }
}
