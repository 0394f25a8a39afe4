//! Which pipelines to reconcile: turns changes of pipelines and their children into requests. Only metadata
//! is watched. Deletions always count; a child's changes count unless nothing but its status changed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DynamicObject, ObjectMeta, PartialObjectMeta};
use kube::runtime::controller::ReconcileRequest;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{WatchStreamExt, reflector};
use kube::{Api, Client, Resource, ResourceExt};
use tracing::warn;

use super::kinds::{INSTANCE_LABEL, Kind, OURS};
use crate::crd::ExtractionPipeline;
use crate::metrics::Metrics;

/// A pipeline as the watch knows it: its metadata.
pub(super) type Target = PartialObjectMeta<ExtractionPipeline>;
/// Stream of pipelines to reconcile.
pub(super) type Requests = BoxStream<'static, ReconcileRequest<Target>>;

/// After this many seconds a watch is opened anew, so that a dead connection is noticed.
const WATCH_SECONDS: u32 = 120;

/// Watches pipelines and children in `namespace`, or everywhere; keeps `store` current.
pub(super) fn requests(
    client: &Client,
    namespace: Option<&str>,
    store: Writer<Target>,
    metrics: &Metrics,
) -> Requests {
    let mut all = vec![pipelines(scoped(client, namespace), store, metrics)];
    for kind in Kind::ALL {
        let api = scoped_dynamic(client, namespace, &kind.resource());
        all.push(children(
            api,
            kind.resource().plural,
            kind.wakes_on_status(),
            metrics,
        ));
    }
    let pods = ApiResource::erase::<Pod>(&());
    all.push(children(
        scoped_dynamic(client, namespace, &pods),
        pods.plural,
        true,
        metrics,
    ));
    stream::select_all(all).boxed()
}

fn scoped(client: &Client, namespace: Option<&str>) -> Api<Target> {
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

fn scoped_dynamic(
    client: &Client,
    namespace: Option<&str>,
    kind: &ApiResource,
) -> Api<PartialObjectMeta<DynamicObject>> {
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, kind),
        None => Api::all_with(client.clone(), kind),
    }
}

fn pipelines(api: Api<Target>, store: Writer<Target>, metrics: &Metrics) -> Requests {
    let config = watcher::Config::default().timeout(WATCH_SECONDS);
    let mut seen = Seen::default();
    let events = watcher(api, config).default_backoff().modify(|target| {
        target.managed_fields_mut().clear();
        target.annotations_mut().clear();
    });
    let events = reflector(store, events);
    healthy("extractionpipelines".to_owned(), metrics, events)
        .flat_map(move |event| {
            stream::iter(seen.changes(event, pipeline_fingerprint, |meta| meta.name.clone()))
        })
        .boxed()
}

fn children(
    api: Api<PartialObjectMeta<DynamicObject>>,
    resource: String,
    wakes_on_status: bool,
    metrics: &Metrics,
) -> Requests {
    let config = watcher::Config::default()
        .labels(OURS)
        .timeout(WATCH_SECONDS);
    let fingerprint = if wakes_on_status {
        version_fingerprint
    } else {
        spec_fingerprint
    };
    let mut seen = Seen::default();
    healthy(resource, metrics, watcher(api, config).default_backoff())
        .flat_map(move |event| stream::iter(seen.changes(event, fingerprint, owner)))
        .boxed()
}

/// Passes events on and turns errors into a metric and readiness.
fn healthy<K: Send, S: Stream<Item = watcher::Result<Event<K>>> + Send>(
    resource: String,
    metrics: &Metrics,
    events: S,
) -> impl Stream<Item = Event<K>> + Send + use<K, S> {
    let metrics = metrics.clone();
    events.filter_map(move |event| {
        let delivered = match event {
            Ok(event) => {
                metrics.health.watch_delivered(&resource);
                Some(event)
            }
            Err(error) => {
                metrics
                    .watch_errors
                    .with_label_values(&[resource.as_str()])
                    .inc();
                metrics.health.watch_failed(&resource);
                warn!(resource, %error, "a watch failed and is started again");
                None
            }
        };
        std::future::ready(delivered)
    })
}

/// The pipeline that a child or pod belongs to.
fn owner(meta: &ObjectMeta) -> Option<String> {
    let kind = ExtractionPipeline::kind(&());
    let mut owners = meta.owner_references.iter().flatten();
    owners
        .find(|owner| owner.kind == kind && owner.api_version.starts_with("extraction.dev/"))
        .map(|owner| owner.name.clone())
        .or_else(|| meta.labels.as_ref()?.get(INSTANCE_LABEL).cloned())
}

/// Changes with the spec; our own writes of status leave it alone.
fn pipeline_fingerprint(meta: &ObjectMeta) -> u64 {
    hash(&(
        &meta.uid,
        meta.generation,
        meta.deletion_timestamp.is_some(),
    ))
}

/// Changes with everything.
fn version_fingerprint(meta: &ObjectMeta) -> u64 {
    hash(&(&meta.uid, &meta.resource_version))
}

/// Changes with everything but status. Not every kind counts generations, so the record of who wrote which
/// fields is used; a write of status has its own entry there.
fn spec_fingerprint(meta: &ObjectMeta) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&meta.uid, meta.generation, &meta.labels, &meta.annotations).hash(&mut hasher);
    meta.deletion_timestamp.is_some().hash(&mut hasher);
    for owner in meta.owner_references.iter().flatten() {
        (&owner.uid, owner.controller).hash(&mut hasher);
    }
    for entry in meta.managed_fields.iter().flatten() {
        if entry.subresource.as_deref().unwrap_or_default() != "status" {
            let time = entry.time.as_ref().map(|time| time.0.as_nanosecond());
            let fields = entry.fields_v1.as_ref().map(|fields| fields.0.to_string());
            (&entry.manager, &entry.operation, time, fields).hash(&mut hasher);
        }
    }
    hasher.finish()
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

type Key = (Option<String>, Option<String>);

/// What was last seen of each object of a watch: its fingerprint and pipeline.
#[derive(Debug, Default)]
struct Seen {
    current: HashMap<Key, (u64, ObjectRef<Target>)>,
    before: HashMap<Key, (u64, ObjectRef<Target>)>,
}

impl Seen {
    /// The pipelines for which an event means work.
    fn changes<K: ResourceExt>(
        &mut self,
        event: Event<K>,
        fingerprint: fn(&ObjectMeta) -> u64,
        owner: fn(&ObjectMeta) -> Option<String>,
    ) -> Vec<ReconcileRequest<Target>> {
        match event {
            Event::Init => {
                self.before = std::mem::take(&mut self.current);
                Vec::new()
            }
            Event::InitApply(object) | Event::Apply(object) => {
                let meta = object.meta();
                let print = fingerprint(meta);
                let pipeline = pipeline_of(meta, owner);
                let changed = pipeline.filter(|pipeline| self.is_news(meta, print, pipeline));
                changed.map(Into::into).into_iter().collect()
            }
            Event::Delete(object) => {
                let meta = object.meta();
                self.current.remove(&key(meta));
                let pipeline = pipeline_of(meta, owner);
                pipeline.map(Into::into).into_iter().collect()
            }
            // Whatever a new list no longer has was deleted while nobody watched.
            Event::InitDone => self
                .before
                .drain()
                .map(|(_, (_, pipeline))| pipeline.into())
                .collect(),
        }
    }

    /// Remembers an object; whether it differs from what was remembered.
    fn is_news(&mut self, meta: &ObjectMeta, print: u64, pipeline: &ObjectRef<Target>) -> bool {
        let before = self.before.remove(&key(meta));
        let current = self.current.insert(key(meta), (print, pipeline.clone()));
        current.or(before).is_none_or(|(known, _)| known != print)
    }
}

fn key(meta: &ObjectMeta) -> Key {
    (meta.namespace.clone(), meta.name.clone())
}

fn pipeline_of(
    meta: &ObjectMeta,
    owner: fn(&ObjectMeta) -> Option<String>,
) -> Option<ObjectRef<Target>> {
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    Some(ObjectRef::new(&owner(meta)?).within(namespace))
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
