//! HorizontalPodAutoscalers of API and workers. They own the number of pods from the first to the last day, also
//! where fewest and most are the same: a Deployment that gets `replicas` back would fall to one pod first.

use k8s_openapi::api::autoscaling::v2::{
    ContainerResourceMetricSource, CrossVersionObjectReference, HPAScalingRules,
    HorizontalPodAutoscaler, HorizontalPodAutoscalerBehavior, HorizontalPodAutoscalerSpec,
    MetricSpec, MetricTarget,
};

use super::metadata::{self, Component};
use crate::controller::validate::{Mode, Pipeline, Replicas};

/// Seconds that a smaller number must have been enough before pods are taken away.
const SCALE_IN_SECONDS: i32 = 300;
/// Seconds that a larger number of API pods must have been needed: less than it takes for clients to notice, more
/// than a burst of uploads.
const API_SCALE_OUT_SECONDS: i32 = 60;
const CPU_PERCENT: i32 = 70;
const MEMORY_PERCENT: i32 = 80;

/// Builds the autoscalers; an embedded pipeline has none, since its data belongs to one pod.
pub(super) fn build_autoscalers(pipeline: &Pipeline) -> Vec<HorizontalPodAutoscaler> {
    let Mode::Cluster(cluster) = &pipeline.mode else {
        return Vec::new();
    };
    let api = [("cpu", CPU_PERCENT), ("memory", MEMORY_PERCENT)];
    // Memory says nothing about workers: models take the same with and without work.
    let worker = [("cpu", CPU_PERCENT)];
    vec![
        autoscaler(
            pipeline,
            Component::Api,
            cluster.api_replicas,
            API_SCALE_OUT_SECONDS,
            &api,
        ),
        autoscaler(
            pipeline,
            Component::Worker,
            pipeline.worker_replicas,
            0,
            &worker,
        ),
    ]
}

fn autoscaler(
    pipeline: &Pipeline,
    component: Component,
    replicas: Replicas,
    scale_out_seconds: i32,
    targets: &[(&str, i32)],
) -> HorizontalPodAutoscaler {
    let name = metadata::child_name(pipeline, component.as_str());
    let after = |seconds: i32| HPAScalingRules {
        stabilization_window_seconds: Some(seconds),
        ..HPAScalingRules::default()
    };
    HorizontalPodAutoscaler {
        metadata: metadata::of(pipeline, component, name.clone()),
        spec: Some(HorizontalPodAutoscalerSpec {
            behavior: Some(HorizontalPodAutoscalerBehavior {
                scale_down: Some(after(SCALE_IN_SECONDS)),
                scale_up: Some(after(scale_out_seconds)),
            }),
            max_replicas: replicas.max,
            metrics: Some(
                (targets.iter())
                    .map(|&(resource, percent)| utilization(component, resource, percent))
                    .collect(),
            ),
            min_replicas: Some(replicas.min),
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name,
            },
        }),
        status: None,
    }
}

/// Measures our container alone, so that a sidecar without requests doesn't stop the autoscaler.
fn utilization(component: Component, resource: &str, percent: i32) -> MetricSpec {
    MetricSpec {
        type_: "ContainerResource".to_owned(),
        container_resource: Some(ContainerResourceMetricSource {
            container: component.as_str().to_owned(),
            name: resource.to_owned(),
            target: MetricTarget {
                type_: "Utilization".to_owned(),
                average_utilization: Some(percent),
                ..MetricTarget::default()
            },
        }),
        ..MetricSpec::default()
    }
}
