//! Writes the status, when it changed, and an event when the cause changed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Patch, PatchParams};
use kube::runtime::events::{Event, EventType, Recorder};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;
use tokio::time::timeout;
use tracing::{info, warn};

use super::dependency::NOT_USED_YET;
use super::find;
use crate::controller::apply::FIELD_MANAGER;
use crate::controller::observe::CALL_LIMIT;
use crate::crd::{ConditionType, ExtractionPipeline, ExtractionPipelineStatus};

/// The API server takes no longer text in an event.
const LONGEST_NOTE: usize = 1000;

/// Why the status could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server did not answer in time.
    #[error("cannot write the status: the API server did not answer in time")]
    Timeout,
    /// The API server refused.
    #[error("cannot write the status: {0}")]
    Write(#[from] kube::Error),
}

/// Writes `status` unless the pipeline already has it.
pub async fn report(
    client: &Client,
    recorder: &Recorder,
    pipeline: &ExtractionPipeline,
    status: &ExtractionPipelineStatus,
) -> Result<(), Error> {
    let before = pipeline.status.clone().unwrap_or_default();
    if before == *status {
        return Ok(());
    }
    write(client, pipeline, status).await?;
    for event in events(&before.conditions, &status.conditions) {
        publish(recorder, pipeline, &event).await;
    }
    Ok(())
}

async fn write(
    client: &Client,
    pipeline: &ExtractionPipeline,
    status: &ExtractionPipelineStatus,
) -> Result<(), Error> {
    let ExtractionPipelineStatus {
        observed_generation,
        conditions,
        image,
        api,
        workers,
    } = status;
    // Null removes a member; the uid keeps the status off a pipeline that was made anew meanwhile.
    let patch = Patch::Merge(json!({
        "metadata": { "uid": pipeline.uid() },
        "status": {
            "observedGeneration": observed_generation, "conditions": conditions, "image": image,
            "api": api, "workers": workers,
        },
    }));
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let namespace = pipeline.namespace().unwrap_or_default();
    let pipelines: Api<ExtractionPipeline> = Api::namespaced(client.clone(), &namespace);
    let name = pipeline.name_any();
    let written = timeout(CALL_LIMIT, pipelines.patch_status(&name, &params, &patch));
    written.await.map_err(|_| Error::Timeout)??;
    Ok(())
}

/// An event that cannot be published is no failure: the status says the same.
async fn publish(recorder: &Recorder, pipeline: &ExtractionPipeline, event: &Event) {
    info!(
        namespace = pipeline.namespace(),
        pipeline = pipeline.name_any(),
        reason = event.reason,
        note = event.note,
        "condition changed"
    );
    match timeout(
        CALL_LIMIT,
        recorder.publish(event, &pipeline.object_ref(&())),
    )
    .await
    {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(%error, "cannot publish an event"),
        Err(_) => warn!("cannot publish an event: the API server did not answer in time"),
    }
}

/// An event for each summary whose cause changed. Other conditions are causes of `Ready` and would say the same.
fn events(before: &[Condition], after: &[Condition]) -> Vec<Event> {
    [ConditionType::Ready, ConditionType::DataDurable]
        .into_iter()
        .filter_map(|type_| {
            let now = find(after, type_)?;
            let is_same = find(before, type_)
                .is_some_and(|then| then.reason == now.reason && then.status == now.status);
            (!is_same).then(|| event(now))
        })
        .collect()
}

fn event(condition: &Condition) -> Event {
    let is_progress = matches!(
        condition.reason.as_str(),
        "Migrating" | "Starting" | "NotCreated" | "NoAnswer" | NOT_USED_YET | "NoVolumeYet"
    );
    let is_good = condition.status == "True" || is_progress;
    Event {
        type_: if is_good {
            EventType::Normal
        } else {
            EventType::Warning
        },
        reason: condition.reason.clone(),
        note: Some(condition.message.chars().take(LONGEST_NOTE).collect()),
        action: "Reconcile".to_owned(),
        secondary: None,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    fn ready(status: &str, reason: &str, message: &str) -> Condition {
        Condition {
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
            message: message.to_owned(),
            observed_generation: Some(1),
            reason: reason.to_owned(),
            status: status.to_owned(),
            type_: "Ready".to_owned(),
        }
    }

    fn reasons(before: &[Condition], after: &[Condition]) -> Vec<String> {
        events(before, after)
            .into_iter()
            .map(|event| event.reason)
            .collect()
    }

    #[test]
    fn a_changed_cause_makes_one_event() {
        let (a, b) = (
            ready("False", "SecretMissing", "x"),
            ready("True", "Ready", ""),
        );
        assert_eq!(reasons(&[], std::slice::from_ref(&a)), ["SecretMissing"]);
        assert_eq!(reasons(&[a], &[b]), ["Ready"]);
    }

    #[test]
    fn what_belongs_to_every_start_is_no_warning() {
        let is_warning = |status, reason| {
            let event = event(&ready(status, reason, ""));
            matches!(event.type_, EventType::Warning)
        };
        assert!(!is_warning("Unknown", NOT_USED_YET));
        assert!(!is_warning("False", "Starting"));
        assert!(is_warning("False", "Timeout"));
    }

    #[test]
    fn a_changed_text_makes_no_event() {
        let (a, b) = (
            ready("False", "Unschedulable", "1 node"),
            ready("False", "Unschedulable", "2 nodes"),
        );
        assert!(reasons(&[a], &[b]).is_empty());
    }
}
