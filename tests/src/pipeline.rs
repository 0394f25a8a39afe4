//! Pipelines as users see them: untyped, so that a test sets, changes and unsets what it likes.

use std::time::Duration;

use anyhow::Result;
use futures::StreamExt;
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};
use std::pin::pin;

/// Longest time until a status tells what is wrong.
const UNREADY: Duration = Duration::from_secs(120);

/// The kind `ExtractionPipeline`.
pub fn resource() -> ApiResource {
    let kind = GroupVersionKind::gvk("extraction.dev", "v1alpha1", "ExtractionPipeline");
    ApiResource::from_gvk_with_plural(&kind, "extractionpipelines")
}

/// The pipelines of a namespace.
pub fn pipelines(client: &Client, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &resource())
}

/// Applies a pipeline as a field manager of its own, so that a field left out the next time is unset.
pub async fn apply(
    client: &Client,
    namespace: &str,
    name: &str,
    spec: &Value,
) -> Result<DynamicObject> {
    let object = json!({
        "apiVersion": "extraction.dev/v1alpha1", "kind": "ExtractionPipeline",
        "metadata": { "name": name, "namespace": namespace }, "spec": spec,
    });
    let parameters = PatchParams::apply("extraction-tests").force();
    Ok(pipelines(client, namespace)
        .patch(name, &parameters, &Patch::Apply(object))
        .await?)
}

/// Applies a new pipeline whose status says that its database is migrated, so that the first reconcile makes all its
/// children although no migration runs.
pub async fn apply_migrated(
    client: &Client,
    namespace: &str,
    name: &str,
    spec: &Value,
) -> Result<()> {
    apply(client, namespace, name, spec).await?;
    let migrated = json!({ "status": { "observedGeneration": 1, "conditions": [{
        "type": "DatabaseMigrated", "status": "True", "reason": "Migrated", "message": "",
        "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z",
    }] } });
    pipelines(client, namespace)
        .patch_status(name, &PatchParams::default(), &Patch::Merge(migrated))
        .await?;
    Ok(())
}

/// One condition of the status: `status`, `reason`, `message` and the generation it speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// CamelCase code.
    pub reason: String,
    /// Cause and next step.
    pub message: String,
    /// Generation of the spec that it was worked out for.
    pub observed_generation: i64,
}

impl Condition {
    /// Checks the reason, and that the message names what is to be mended.
    pub fn names(&self, reasons: &[&str], what: &str) -> Result<()> {
        anyhow::ensure!(
            reasons.contains(&self.reason.as_str()) && self.message.contains(what),
            "{reasons:?} with {what} was expected: {self:?}"
        );
        Ok(())
    }
}

/// The condition of that type, if the status has it.
pub fn condition(pipeline: &DynamicObject, kind: &str) -> Option<Condition> {
    let conditions = pipeline.data.pointer("/status/conditions")?.as_array()?;
    let found = conditions
        .iter()
        .find(|condition| condition["type"] == kind)?;
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    Some(Condition {
        status: text("status"),
        reason: text("reason"),
        message: text("message"),
        observed_generation: found["observedGeneration"].as_i64().unwrap_or_default(),
    })
}

/// Waits until a condition has a status that speaks of the current generation.
pub async fn until_condition(
    client: &Client,
    namespace: &str,
    name: &str,
    kind: &str,
    status: &str,
    within: Duration,
) -> Result<Condition> {
    let mut seen = None;
    let watch = async {
        let selection = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut changes = pin!(
            watcher(pipelines(client, namespace), selection)
                .default_backoff()
                .applied_objects()
        );
        while let Some(change) = changes.next().await {
            let Ok(pipeline) = change else { continue };
            let found = condition(&pipeline, kind).unwrap_or_default();
            let current = Some(found.observed_generation) >= pipeline.metadata.generation;
            let done = current && found.status == status;
            seen = Some(pipeline);
            if done {
                return Some(found);
            }
        }
        None
    };
    if let Ok(Some(found)) = tokio::time::timeout(within, watch).await {
        return Ok(found);
    }
    let last = seen
        .and_then(|pipeline| pipeline.data.get("status").cloned())
        .unwrap_or(Value::Null);
    anyhow::bail!("{name}: {kind}={status}: not within {within:?}; last status: {last:#}")
}

/// Waits until `Ready` is False for that reason.
pub async fn unready(
    client: &Client,
    namespace: &str,
    name: &str,
    reason: &str,
) -> Result<Condition> {
    let expectation = format!("{name} is not Ready because of {reason}");
    crate::wait::poll(&expectation, UNREADY, || async {
        let found = pipelines(client, namespace).get(name).await?;
        let ready = condition(&found, "Ready").unwrap_or_default();
        let is_so = ready.status == "False" && ready.reason == reason;
        Ok(is_so.then_some(ready))
    })
    .await
}
