//! The way out when server-side apply cannot undo an edit by hand. It leaves members that others added, also those that
//! pods would read as settings; and in lists merged by a key, an edited key makes a second element beside ours, which
//! may be invalid together.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Map, Value, json};

use super::Error;
use super::difference::strange_settings;
use super::ensure::write;
use crate::controller::kinds::Kind;

/// A manager of its own, so that its record can be taken away again.
const REPAIR_MANAGER: &str = "extraction-operator-repair";

/// Takes settings out of a ConfigMap or a Deployment that are not ours.
pub(super) async fn remove_strangers(
    api: &Api<DynamicObject>,
    kind: Kind,
    name: &str,
    live: &Value,
    wanted: &Value,
) -> Result<(), Error> {
    let removal = match kind {
        Kind::ConfigMap => strange_data(live, wanted).map(Patch::Merge),
        Kind::Deployment => strange_variables(live, wanted).map(Patch::Strategic),
        _ => None,
    };
    let Some(patch) = removal else {
        return Ok(());
    };
    let action = format!("take foreign settings out of {kind:?} '{name}'");
    write(&action, api.patch(name, &PatchParams::default(), &patch)).await?;
    Ok(())
}

/// The merge patch that takes foreign members out of a ConfigMap.
fn strange_data(live: &Value, wanted: &Value) -> Option<Value> {
    let strangers: Map<String, Value> = (live["data"].as_object().into_iter().flatten())
        .filter(|(member, _)| wanted["data"].get(*member).is_none())
        .map(|(member, _)| (member.clone(), Value::Null))
        .collect();
    (!strangers.is_empty()).then(|| json!({ "data": strangers }))
}

/// The strategic patch that takes foreign settings of the extractor out of a Deployment's containers.
fn strange_variables(live: &Value, wanted: &Value) -> Option<Value> {
    let containers = |object: &Value| {
        let found = &object["spec"]["template"]["spec"]["containers"];
        found.as_array().cloned().unwrap_or_default()
    };
    let live = containers(live);
    let changed = containers(wanted).into_iter().filter_map(|wanted| {
        let name = &wanted["name"];
        let live = live.iter().find(|live| live["name"] == *name)?;
        let (live, wanted) = (live["env"].as_array()?, wanted["env"].as_array()?);
        let removals: Vec<Value> = strange_settings(live, wanted)
            .map(|variable| json!({ "name": variable["name"], "$patch": "delete" }))
            .collect();
        (!removals.is_empty()).then(|| json!({ "name": name, "env": removals }))
    });
    let changed: Vec<Value> = changed.collect();
    (!changed.is_empty())
        .then(|| json!({ "spec": { "template": { "spec": { "containers": changed } } } }))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(env: &[&str]) -> Value {
        let env: Vec<Value> = env.iter().map(|name| json!({ "name": name })).collect();
        let containers = json!([{ "name": "mesh" }, { "name": "worker", "env": env }]);
        json!({ "spec": { "template": { "spec": { "containers": containers } } } })
    }

    #[test]
    fn only_settings_of_the_extractor_are_taken_out_of_a_deployment() {
        let wanted = deployment(&["EXTRACTION_LOG"]);
        let live = deployment(&["EXTRACTION_LOG", "RESTARTED_BY", "EXTRACTION_BUCKET"]);
        let removal = json!([{ "name": "worker", "env": [{ "name": "EXTRACTION_BUCKET", "$patch": "delete" }] }]);
        let patch = strange_variables(&live, &wanted).unwrap();
        assert_eq!(patch["spec"]["template"]["spec"]["containers"], removal);
        assert_eq!(strange_variables(&wanted, &wanted), None);
    }

    #[test]
    fn every_foreign_member_is_taken_out_of_a_config_map() {
        let wanted = json!({ "data": { "a": "1" } });
        let live = json!({ "data": { "a": "1", "b": "2" } });
        let removal = json!({ "data": { "b": null } });
        assert_eq!(strange_data(&live, &wanted), Some(removal));
        assert_eq!(strange_data(&wanted, &wanted), None);
    }
}
