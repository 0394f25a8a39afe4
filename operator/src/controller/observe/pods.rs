//! Why pods of a pipeline do not run, in words that do not change from second to second, and their addresses.

mod problem;

pub use problem::PodProblem;

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};
use serde::Deserialize;

use super::{Error, read};
use crate::controller::kinds::{COMPONENT_LABEL, INSTANCE_LABEL, OURS};
use crate::crd::ExtractionPipeline;

/// What the pods of a pipeline tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pods {
    /// Problems, the most telling first.
    pub problems: Vec<PodProblem>,
    /// Where those that run are.
    pub addresses: Addresses,
    /// What the last failed pod of the migration said.
    pub migration_report: Option<MigrationReport>,
}

/// Addresses of running pods, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Pods that serve the API.
    pub api: Vec<IpAddr>,
    /// Workers.
    pub workers: Vec<IpAddr>,
}

/// The line that a failed `extractor migrate` leaves in its termination message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MigrationReport {
    /// One CamelCase word.
    pub reason: String,
    /// The migration that failed, if it got that far.
    #[serde(default)]
    pub migration: Option<String>,
    /// The cause in words, without secrets.
    #[serde(default)]
    pub message: String,
}

/// Lists the pipeline's pods and sums them up.
pub(super) async fn observe(client: &Client, pipeline: &ExtractionPipeline) -> Result<Pods, Error> {
    let api: Api<Pod> = Api::namespaced(client.clone(), &pipeline.namespace().unwrap_or_default());
    let selector = format!("{OURS},{INSTANCE_LABEL}={}", pipeline.name_any());
    let pods = read("pods", api.list(&ListParams::default().labels(&selector))).await?;
    Ok(summary(&pods.items))
}

fn summary(pods: &[Pod]) -> Pods {
    let alive = || {
        pods.iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none())
    };
    let mut problems: Vec<PodProblem> = alive().filter_map(problem::of).collect();
    problems.sort();
    problems.dedup();
    let addresses = |components: &[&str]| {
        let mut found: Vec<IpAddr> = alive()
            .filter(|pod| components.contains(&component(pod)))
            .filter_map(address)
            .collect();
        found.sort();
        found
    };
    let last_failed = pods
        .iter()
        .filter(|pod| component(pod) == "migrate")
        .filter_map(|pod| Some((pod.creation_timestamp()?, migration_report(pod)?)))
        .max_by_key(|(created, _)| created.0);
    Pods {
        problems,
        addresses: Addresses {
            api: addresses(&["api", "serve"]),
            workers: addresses(&["worker"]),
        },
        migration_report: last_failed.map(|(_, report)| report),
    }
}

/// The part of the pipeline that a pod belongs to.
fn component(pod: &Pod) -> &str {
    pod.labels().get(COMPONENT_LABEL).map_or("", String::as_str)
}

fn address(pod: &Pod) -> Option<IpAddr> {
    let status = pod.status.as_ref()?;
    (status.phase.as_deref() == Some("Running")).then(|| status.pod_ip.as_ref()?.parse().ok())?
}

fn migration_report(pod: &Pod) -> Option<MigrationReport> {
    let containers = pod.status.as_ref()?.container_statuses.as_ref()?;
    let ended = containers
        .iter()
        .find_map(|container| container.state.as_ref()?.terminated.as_ref())?;
    if ended.exit_code == 0 {
        return None;
    }
    let report = |reason: &str, message| MigrationReport {
        reason: reason.to_owned(),
        migration: None,
        message,
    };
    if let Some(why) = problem::not_started(ended) {
        return Some(report(problem::NOT_STARTED, why));
    }
    let text = ended.message.as_deref().unwrap_or_default();
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    let said = line.and_then(|line| serde_json::from_str(line).ok());
    Some(said.unwrap_or_else(|| {
        report(
            "MigrationFailed",
            format!(
                "the migration ended with exit code {}; its log says why",
                ended.exit_code
            ),
        )
    }))
}

#[cfg(test)]
#[path = "pods_tests.rs"]
mod tests;
