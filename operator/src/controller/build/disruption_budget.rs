//! PodDisruptionBudgets: a drained node may take a few pods at a time, never all, and is never blocked for ever.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::metadata::{self, Component};
use crate::controller::validate::{Mode, Pipeline};

/// Builds the budgets; one pod alone has none, since it would either be no limit or stop every drain.
pub(super) fn build_disruption_budgets(pipeline: &Pipeline) -> Vec<PodDisruptionBudget> {
    match &pipeline.mode {
        Mode::Cluster(_) => vec![
            budget(pipeline, Component::Api, IntOrString::Int(1)),
            budget(
                pipeline,
                Component::Worker,
                IntOrString::String("25%".to_owned()),
            ),
        ],
        Mode::Embedded(_) => Vec::new(),
    }
}

fn budget(
    pipeline: &Pipeline,
    component: Component,
    max_unavailable: IntOrString,
) -> PodDisruptionBudget {
    let name = metadata::child_name(pipeline, component.as_str());
    PodDisruptionBudget {
        metadata: metadata::of(pipeline, component, name),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(max_unavailable),
            selector: Some(metadata::selector(pipeline, component)),
            // A pod that isn't ready serves nobody: a drain need not wait for it.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            min_available: None,
        }),
        status: None,
    }
}
