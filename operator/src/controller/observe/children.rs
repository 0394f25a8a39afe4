//! The children that exist, found by label and owner.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DynamicObject, ListParams, ObjectMeta, TypeMeta};
use kube::{Api, Client, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Error, read};
use crate::controller::kinds::{INSTANCE_LABEL, Kind, OURS};
use crate::crd::ExtractionPipeline;

/// A child as the API server has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Child {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// The whole object as JSON.
    pub object: Value,
}

/// The pipeline's children by kind and name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Children(pub BTreeMap<(Kind, String), Child>);

impl Children {
    /// The child of this kind and name.
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Child> {
        self.0.get(&(kind, name.to_owned()))
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
    for (kind, mut object) in try_join_all(lists).await?.into_iter().flatten() {
        if !is_ours(&object.metadata, &uid) {
            continue;
        }
        object.metadata.managed_fields = None;
        // Items of a list come without their kind.
        object.types = Some(type_meta(kind));
        let name = object.name_any();
        let metadata = object.metadata.clone();
        if let Ok(object) = serde_json::to_value(object) {
            children.0.insert((kind, name), Child { metadata, object });
        }
    }
    Ok(children)
}

fn type_meta(kind: Kind) -> TypeMeta {
    let resource = kind.resource();
    TypeMeta {
        api_version: resource.api_version,
        kind: resource.kind,
    }
}

async fn list(
    client: &Client,
    kind: Kind,
    namespace: &str,
    selector: &str,
) -> Result<Vec<(Kind, DynamicObject)>, Error> {
    let resource = kind.resource();
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let found = read(
        &resource.plural,
        api.list(&ListParams::default().labels(selector)),
    )
    .await?;
    Ok(found
        .items
        .into_iter()
        .map(|object| (kind, object))
        .collect())
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
