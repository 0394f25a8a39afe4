//! Makes a single child what it is to be, remembers it as wanted, and prunes what is not.

use std::collections::BTreeSet;
use std::future::Future;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{DeleteParams, DynamicObject, ListParams, Preconditions};
use kube::{Api, Resource, ResourceExt};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;
use tracing::info;

use super::current::{HELD_BACK, WANTED_ANNOTATION, hold_back, is_current, is_stamped};
use super::difference::digest;
use super::writer::{Place, Writer};
use super::{Error, repair};
use crate::controller::kinds::Kind;
use crate::controller::observe::{CALL_LIMIT, Child, Children, is_ours};
use crate::crd::ExtractionPipeline;

/// Whether what pods are made of, or live on, follows what is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Template {
    /// The child becomes what is built.
    Follows,
    /// An existing child goes back to what was applied last, and no further.
    Held,
    /// An existing child stays as it is, so that no pod restarts.
    Frozen,
}

pub(super) struct Ensurer<'a> {
    writer: &'a Writer,
    pipeline: ObjectReference,
    children: &'a Children,
    wanted: BTreeSet<(Kind, String)>,
}

impl<'a> Ensurer<'a> {
    pub(super) fn new(
        writer: &'a Writer,
        pipeline: &ExtractionPipeline,
        children: &'a Children,
    ) -> Self {
        Self {
            writer,
            pipeline: pipeline.object_ref(&()),
            children,
            wanted: BTreeSet::new(),
        }
    }

    pub(super) fn live(&self, kind: Kind, name: &str) -> Option<&'a Child> {
        self.children.get(kind, name)
    }

    /// Whether there is a child of the kind besides `name`.
    pub(super) fn has_other(&self, kind: Kind, name: &str) -> bool {
        let mut others = self.children.0.keys();
        others.any(|(found, other)| *found == kind && other != name)
    }

    /// Marks a child as wanted without making it.
    pub(super) fn keep(&mut self, kind: Kind, name: &str) {
        self.wanted.insert((kind, name.to_owned()));
    }

    pub(super) async fn all<T: Serialize>(
        &mut self,
        kind: Kind,
        objects: impl IntoIterator<Item = T>,
    ) -> Result<(), Error> {
        for object in objects {
            self.one(kind, object, Template::Follows).await?;
        }
        Ok(())
    }

    /// Makes one child, unless it already is what it is to be.
    pub(super) async fn one<T: Serialize>(
        &mut self,
        kind: Kind,
        object: T,
        template: Template,
    ) -> Result<(), Error> {
        let mut wanted = serde_json::to_value(object)?;
        let name = wanted["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        self.keep(kind, &name);
        let live = self.children.get(kind, &name);
        let mut stamp = digest(&wanted);
        let is_free = match template {
            Template::Follows => true,
            Template::Held => live.is_none_or(|live| is_stamped(live, &stamp)),
            Template::Frozen => live.is_none(),
        };
        if let (Some(live), false) = (live, is_free) {
            hold_back(kind, &mut wanted, &live.object);
            HELD_BACK.clone_into(&mut stamp);
        }
        match live {
            Some(live) if live.metadata.deletion_timestamp.is_some() => return Ok(()),
            Some(live) if is_current(live, &wanted, &stamp) => return Ok(()),
            Some(_) => {}
            None => self.refuse_foreign(kind, &name).await?,
        }
        self.write(kind, &name, wanted, &stamp).await
    }

    /// Brings a Deployment that somebody scaled to zero back to the least that its autoscaler may ask for.
    pub(super) async fn wake(&self, name: &str, least: i32) -> Result<(), Error> {
        let live = self.live(Kind::Deployment, name);
        if least == 0 || live.is_none_or(|live| live.object["spec"]["replicas"] != 0) {
            return Ok(());
        }
        repair::wake(&self.api(Kind::Deployment), name, least).await
    }

    /// Deletes a child that cannot be changed and makes it anew.
    pub(super) async fn replace<T: Serialize>(
        &mut self,
        kind: Kind,
        live: &Child,
        object: T,
    ) -> Result<(), Error> {
        let wanted = serde_json::to_value(object)?;
        let name = wanted["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        self.keep(kind, &name);
        self.delete(kind, &name, live).await?;
        let stamp = digest(&wanted);
        self.write(kind, &name, wanted, &stamp).await
    }

    async fn write(
        &self,
        kind: Kind,
        name: &str,
        mut wanted: Value,
        stamp: &str,
    ) -> Result<(), Error> {
        wanted["metadata"]["annotations"][WANTED_ANNOTATION] = json!(stamp);
        let place = Place {
            pipeline: &self.pipeline,
            kind,
            name,
            live: self.live(kind, name).map(|live| &live.object),
            is_held_back: stamp == HELD_BACK,
        };
        self.writer.make(&place, &wanted).await
    }

    /// An object that our list did not show may still be there: ours with its labels edited away, or a stranger's.
    async fn refuse_foreign(&self, kind: Kind, name: &str) -> Result<(), Error> {
        let action = format!("look for {kind:?} '{name}'");
        let by_name = ListParams::default().fields(&format!("metadata.name={name}"));
        let found = write(&action, self.api(kind).list_metadata(&by_name)).await?;
        let Some(found) = found.items.into_iter().next() else {
            return Ok(());
        };
        // Labels prove nothing: every chart has the one for the instance.
        let mut owners = found.metadata.owner_references.iter().flatten();
        let uid = self.pipeline.uid.as_deref().unwrap_or_default();
        if owners.any(|owner| owner.uid == uid)
            || is_ours(&found.metadata, uid) && found.annotations().contains_key(WANTED_ANNOTATION)
        {
            return Ok(());
        }
        Err(Error::NameTaken {
            kind: format!("{kind:?}"),
            name: name.to_owned(),
        })
    }

    /// Deletes a child, as it was seen.
    pub(super) async fn delete(&self, kind: Kind, name: &str, child: &Child) -> Result<(), Error> {
        let preconditions = Preconditions {
            uid: child.metadata.uid.clone(),
            resource_version: None,
        };
        let params = DeleteParams {
            preconditions: Some(preconditions),
            ..DeleteParams::background()
        };
        let api = self.api(kind);
        match write(
            &format!("delete {kind:?} '{name}'"),
            api.delete(name, &params),
        )
        .await
        {
            Err(Error::Write {
                source: kube::Error::Api(status),
                ..
            }) if status.is_not_found() || status.is_conflict() => {}
            outcome => drop(outcome?),
        }
        info!(
            namespace = self.pipeline.namespace,
            pipeline = self.pipeline.name,
            ?kind,
            name,
            "deleted"
        );
        Ok(())
    }

    /// Deletes children that were not wanted this time; old migrations only once the new one is through.
    pub(super) async fn prune(&self, is_migrated: bool) -> Result<(), Error> {
        for ((kind, name), child) in &self.children.0 {
            let is_wanted = self.wanted.contains(&(*kind, name.clone()));
            let is_going = child.metadata.deletion_timestamp.is_some();
            let is_held = *kind == Kind::Job && !is_migrated;
            if !is_wanted && !is_going && !is_held && kind.is_pruned() {
                self.delete(*kind, name, child).await?;
            }
        }
        Ok(())
    }

    fn api(&self, kind: Kind) -> Api<DynamicObject> {
        let namespace = self.pipeline.namespace.as_deref().unwrap_or_default();
        self.writer.api(namespace, kind)
    }
}

/// One call to the API server, with a time limit.
pub(super) async fn write<T>(
    action: &str,
    call: impl Future<Output = kube::Result<T>>,
) -> Result<T, Error> {
    match timeout(CALL_LIMIT, call).await {
        Err(_) => Err(Error::Timeout {
            action: action.to_owned(),
        }),
        Ok(Err(source)) => Err(Error::Write {
            action: action.to_owned(),
            source,
        }),
        Ok(Ok(value)) => Ok(value),
    }
}
