//! The way out when server-side apply cannot undo an edit by hand: in lists merged by a key, an edited key makes a
//! second element beside ours, which may be invalid together.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Map, Value, json};

use super::Error;
use super::ensure::write;

/// A manager of its own, so that its record can be taken away again.
const REPAIR_MANAGER: &str = "extraction-operator-repair";

/// Takes members out of a ConfigMap that are not ours: apply leaves them, and pods would read them as settings.
pub(super) async fn remove_members(
    api: &Api<DynamicObject>,
    name: &str,
    live: &Value,
    wanted: &Value,
) -> Result<(), Error> {
    let strangers: Map<String, Value> = (live["data"].as_object().into_iter().flatten())
        .filter(|(member, _)| wanted["data"].get(*member).is_none())
        .map(|(member, _)| (member.clone(), Value::Null))
        .collect();
    if strangers.is_empty() {
        return Ok(());
    }
    let patch = Patch::Merge(json!({ "data": strangers }));
    let action = format!("take foreign settings out of ConfigMap '{name}'");
    write(&action, api.patch(name, &PatchParams::default(), &patch)).await?;
    Ok(())
}

/// Brings a Deployment back from zero, where its autoscaler leaves it for ever. The number stays the autoscaler's:
/// were it applied, giving it up later would set it to one.
pub(super) async fn wake(api: &Api<DynamicObject>, name: &str, replicas: i32) -> Result<(), Error> {
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    let action = format!("scale Deployment '{name}' up from zero");
    write(&action, api.patch(name, &PatchParams::default(), &patch)).await?;
    Ok(())
}

/// Puts the lists of `wanted` in the place of those that are there, and leaves no trace of having owned them:
/// two owners would keep a member that one of them gives up.
pub(super) async fn replace_lists(
    api: &Api<DynamicObject>,
    name: &str,
    wanted: &Value,
) -> Result<(), Error> {
    let params = PatchParams {
        field_manager: Some(REPAIR_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let action = format!("repair '{name}'");
    let patch = Patch::Merge(json!({ "spec": wanted["spec"] }));
    let repaired = write(&action, api.patch(name, &params, &patch)).await?;
    let others: Vec<&ManagedFieldsEntry> = repaired
        .managed_fields()
        .iter()
        .filter(|entry| entry.manager.as_deref() != Some(REPAIR_MANAGER))
        .collect();
    let patch = Patch::Merge(json!({ "metadata": {
        "resourceVersion": repaired.resource_version(),
        "managedFields": others,
    } }));
    write(&action, api.patch(name, &params, &patch)).await?;
    Ok(())
}
