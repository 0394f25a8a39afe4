//! The children that exist, found by label and owner.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, OwnerReference};
use kube::api::{DynamicObject, ListParams, ObjectMeta, Request};
use kube::{Client, Resource, ResourceExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Error, read};
use crate::controller::kinds::{INSTANCE_LABEL, Kind, OURS};
use crate::controller::strangers;
use crate::crd::ExtractionPipeline;

/// A child as the API server has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Child {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// The whole object as JSON.
    pub object: Value,
    /// Somebody else put members into what is the operator's to say.
    pub has_strangers: bool,
}

/// The pipeline's children by kind and name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Children(pub BTreeMap<(Kind, String), Child>);

impl Children {
    /// The child of this kind and name.
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Child> {
        self.0.get(&(kind, name.to_owned()))
    }

    /// Whether there is a child of the kind whose name ends with one of these.
    pub fn has_any(&self, kind: Kind, ends: &[&str]) -> bool {
        let mut all = self.0.keys();
        all.any(|(found, name)| *found == kind && ends.iter().any(|end| name.ends_with(end)))
    }

    /// The child of this kind and name as its own type.
    pub fn typed<T: DeserializeOwned>(&self, kind: Kind, name: &str) -> Option<T> {
        serde_json::from_value(self.get(kind, name)?.object.clone()).ok()
    }
}

/// Lists each kind by the pipeline's labels. What another controller owns is left out.
pub(super) async fn observe(
    client: &Client,
    pipeline: &ExtractionPipeline,
) -> Result<Children, Error> {
    let name = pipeline.name_any();
    let namespace = pipeline.namespace().unwrap_or_default();
    let selector = format!("{OURS},{INSTANCE_LABEL}={name}");
    let uid = pipeline.uid().unwrap_or_default();
    let lists = Kind::ALL.map(|kind| list(client, kind, &namespace, &selector));
    let mut children = Children::default();
    for (kind, item) in try_join_all(lists).await?.into_iter().flatten() {
        if let Some(child) = item.child(kind)
            && is_ours(&child.metadata, &uid)
        {
            let name = child.metadata.name.clone().unwrap_or_default();
            children.0.insert((kind, name), child);
        }
    }
    Ok(children)
}

async fn list(
    client: &Client,
    kind: Kind,
    namespace: &str,
    selector: &str,
) -> Result<Vec<(Kind, Item)>, Error> {
    let resource = kind.resource();
    let request = Request::new(DynamicObject::url_path(&resource, Some(namespace)))
        .list(&ListParams::default().labels(selector))
        .map_err(kube::Error::BuildRequest);
    let call = async { client.request::<Items>(request?).await };
    let found = read(&resource.plural, call).await?;
    Ok(found.items.into_iter().map(|item| (kind, item)).collect())
}

/// A list as the API server sends it.
#[derive(Deserialize)]
struct Items {
    items: Vec<Item>,
}

/// An object of a list; it comes without its kind.
#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Metadata; the record of who wrote which field is not kept: it is half of an object and would be half of our memory.
#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "managedFields", default)]
    managed_fields: Vec<ManagedFieldsEntry>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Item {
    fn child(self, kind: Kind) -> Option<Child> {
        let resource = kind.resource();
        let has_strangers = strangers::of(kind, &self.metadata.managed_fields).is_some();
        let metadata = Value::Object(self.metadata.rest);
        let mut object = self.rest;
        object.insert("apiVersion".to_owned(), resource.api_version.into());
        object.insert("kind".to_owned(), resource.kind.into());
        object.insert("metadata".to_owned(), metadata.clone());
        Some(Child {
            metadata: serde_json::from_value(metadata).ok()?,
            object: Value::Object(object),
            has_strangers,
        })
    }
}

/// Owned by the pipeline with this uid, or by nobody (as after a restore of a backup).
pub(in crate::controller) fn is_ours(metadata: &ObjectMeta, uid: &str) -> bool {
    let is_controller = |owner: &&OwnerReference| owner.controller == Some(true);
    metadata
        .owner_references
        .iter()
        .flatten()
        .find(is_controller)
        .is_none_or(|owner| owner.uid == uid)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_child_is_the_object_with_its_kind_and_without_the_record_of_its_writers() {
        let metadata = json!({ "name": "x", "uid": "u", "labels": { "a": "b" } });
        let mut listed = json!({ "metadata": metadata, "data": { "k": "v" } });
        listed["metadata"]["managedFields"] =
            json!([{ "manager": "m", "fieldsV1": { "f:data": {} } }]);
        let item: Item = serde_json::from_value(listed).unwrap();
        let child = item.child(Kind::ConfigMap).unwrap();
        assert_eq!(child.metadata.uid.as_deref(), Some("u"));
        assert_eq!(
            child.object,
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { "k": "v" } })
        );
    }
}
