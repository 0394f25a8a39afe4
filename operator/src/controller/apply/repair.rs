//! The way out when server-side apply cannot undo an edit by hand. It leaves members that others added; and in lists merged
//! by a key, an edited key makes a second element beside ours, which may be invalid together.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Map, Value, json};

use super::ensure::write;
use super::{Error, FIELD_MANAGER};
use crate::controller::kinds::Kind;
use crate::controller::strangers::{self, Strangers};

/// A manager of its own, so that its record can be taken away again.
const REPAIR_MANAGER: &str = "extraction-operator-repair";

/// Takes `removal` out of a child, as it is right after it was `applied`.
pub(super) async fn remove(
    api: &Api<DynamicObject>,
    kind: Kind,
    applied: &DynamicObject,
    mut removal: Value,
) -> Result<(), Error> {
    // Lists are replaced as a whole, so nobody may have written since.
    removal["metadata"]["resourceVersion"] = json!(applied.resource_version());
    let name = applied.name_any();
    let action = format!("take what is not ours out of {kind:?} '{name}'");
    let params = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    write(&action, api.patch(&name, &params, &Patch::Merge(removal))).await?;
    Ok(())
}

/// The merge patch that takes strangers out of a child's specification, and their writers off its record.
pub(super) fn strange_members(kind: Kind, applied: &DynamicObject, strangers: &Strangers) -> Value {
    let mut removal = strangers::removal(&applied.data, strangers).unwrap_or(json!({}));
    let record = strangers::forgotten(kind, applied.managed_fields());
    removal["metadata"] = json!({ "managedFields": record });
    removal
}

/// The merge patch that takes foreign members out of a ConfigMap.
pub(super) fn strange_data(live: &Value, wanted: &Value) -> Option<Value> {
    let strangers: Map<String, Value> = (live["data"].as_object().into_iter().flatten())
        .filter(|(member, _)| wanted["data"].get(*member).is_none())
        .map(|(member, _)| (member.clone(), Value::Null))
        .collect();
    (!strangers.is_empty()).then(|| json!({ "data": strangers }))
}

/// Brings a Deployment back from zero, where its autoscaler leaves it for ever. The number stays the autoscaler's:
/// were it applied, giving it up later would set it to one.
pub(super) async fn wake(api: &Api<DynamicObject>, name: &str, replicas: i32) -> Result<(), Error> {
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    let action = format!("scale Deployment '{name}' up from zero");
    write(&action, api.patch(name, &PatchParams::default(), &patch)).await?;
    Ok(())
}

/// Puts the specification of `wanted` in the place of that of `live`, and leaves no trace of having owned it: two owners
/// would keep a member that one of them gives up.
pub(super) async fn replace(
    api: &Api<DynamicObject>,
    name: &str,
    live: &Value,
    wanted: &Value,
) -> Result<(), Error> {
    let params = PatchParams {
        field_manager: Some(REPAIR_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let action = format!("repair '{name}'");
    let patch = Patch::Merge(json!({ "spec": strangers::replacement(live, wanted) }));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_foreign_member_is_taken_out_of_a_config_map() {
        let wanted = json!({ "data": { "a": "1" } });
        let live = json!({ "data": { "a": "1", "b": "2" } });
        let removal = json!({ "data": { "b": null } });
        assert_eq!(strange_data(&live, &wanted), Some(removal));
        assert_eq!(strange_data(&wanted, &wanted), None);
    }
}
