//! Writes one child: by server-side apply, and beyond what that can do.

use std::time::Instant;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::runtime::events::{Event, EventType, Recorder};
use kube::{Api, Client, ResourceExt};
use serde_json::Value;
use tokio::time::timeout;
use tracing::{info, warn};

use super::difference::digest;
use super::ensure::write;
use super::patience::{Patience, Verdict};
use super::{Error, FIELD_MANAGER, repair};
use crate::controller::kinds::Kind;
use crate::controller::observe::CALL_LIMIT;
use crate::controller::strangers;

/// How often somebody else may write between two writes of ours before the reconcile fails.
const ATTEMPTS: usize = 3;

/// What the writes of all children share.
pub struct Writer {
    pub(super) client: Client,
    recorder: Recorder,
    patience: Patience,
}

/// One child of a pipeline.
pub(super) struct Place<'a> {
    pub(super) pipeline: &'a ObjectReference,
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    /// The child as it was seen.
    pub(super) live: Option<&'a Value>,
    /// What is wanted of it is what was seen of it, so what somebody put in since is not ours to take out.
    pub(super) is_held_back: bool,
}

impl Writer {
    /// A writer that tells of what it takes out by events.
    pub fn new(client: Client, recorder: Recorder) -> Self {
        Self {
            client,
            recorder,
            patience: Patience::default(),
        }
    }

    pub(super) fn api(&self, namespace: &str, kind: Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &kind.resource())
    }

    /// Makes the child `wanted`, also of what others put into its specification.
    pub(super) async fn make(&self, place: &Place<'_>, wanted: &Value) -> Result<(), Error> {
        let namespace = place.pipeline.namespace.as_deref().unwrap_or_default();
        let api = self.api(namespace, place.kind);
        for attempt in 1.. {
            let applied = apply(&api, place, wanted).await?;
            if place.is_held_back {
                break;
            }
            match self.clean(&api, place, &applied, wanted).await {
                Err(error) if error.is_conflict() && attempt < ATTEMPTS => {}
                outcome => {
                    outcome?;
                    break;
                }
            }
        }
        let (kind, name) = (place.kind, place.name);
        info!(
            namespace,
            pipeline = place.pipeline.name,
            ?kind,
            name,
            "applied"
        );
        Ok(())
    }

    /// Takes out what others put in, unless they do so again and again.
    async fn clean(
        &self,
        api: &Api<DynamicObject>,
        place: &Place<'_>,
        applied: &DynamicObject,
        wanted: &Value,
    ) -> Result<(), Error> {
        let Some(strange) = Strange::of(place.kind, applied, wanted) else {
            return Ok(());
        };
        let what = format!("{} {}", applied.uid().unwrap_or_default(), strange.what);
        let (kind, name) = (place.kind, place.name);
        match self.patience.verdict(&what, Instant::now()) {
            Verdict::Leave => {}
            Verdict::LeaveAndTell => {
                let note = format!(
                    "{} puts members into {kind:?} '{name}' again and again: they are left there for ten minutes; exclude the child from it",
                    strange.whose
                );
                self.tell(place, EventType::Warning, "ForeignMembersKept", note)
                    .await;
            }
            Verdict::Remove => {
                repair::remove(api, kind, applied, strange.removal).await?;
                self.patience.removed(&what, Instant::now());
                let note = format!(
                    "took out of {kind:?} '{name}' what {} had put in: what pods are to have belongs in `podTemplate`",
                    strange.whose
                );
                self.tell(place, EventType::Normal, "ForeignMembersRemoved", note)
                    .await;
            }
        }
        Ok(())
    }

    /// An event that cannot be published is no failure.
    async fn tell(&self, place: &Place<'_>, type_: EventType, reason: &str, note: String) {
        let resource = place.kind.resource();
        // Events of one reason and object are one; another child is another event.
        let child = ObjectReference {
            api_version: Some(resource.api_version),
            kind: Some(resource.kind),
            name: Some(place.name.to_owned()),
            namespace: place.pipeline.namespace.clone(),
            ..ObjectReference::default()
        };
        let event = Event {
            type_,
            reason: reason.to_owned(),
            note: Some(note),
            action: "Reconcile".to_owned(),
            secondary: Some(child),
        };
        let told = timeout(CALL_LIMIT, self.recorder.publish(&event, place.pipeline)).await;
        if !matches!(told, Ok(Ok(()))) {
            warn!(reason, "cannot publish an event");
        }
    }
}

/// What others put into a child.
struct Strange {
    whose: String,
    /// A digest of which members they are.
    what: String,
    removal: Value,
}

impl Strange {
    fn of(kind: Kind, applied: &DynamicObject, wanted: &Value) -> Option<Self> {
        if kind == Kind::ConfigMap {
            let removal = repair::strange_data(&applied.data, wanted)?;
            return Some(Self {
                whose: "somebody".to_owned(),
                what: digest(&removal),
                removal,
            });
        }
        let strangers = strangers::of(kind, applied.managed_fields())?;
        Some(Self {
            whose: format!("'{}'", strangers.managers.join("', '")),
            what: digest(&strangers.members()),
            removal: repair::strange_members(kind, applied, &strangers),
        })
    }
}

/// Applies. What the API server finds invalid may be the mixture of ours and an edit by hand (two ports of one name), so
/// ours is put in the place of everything once before giving up.
async fn apply(
    api: &Api<DynamicObject>,
    place: &Place<'_>,
    wanted: &Value,
) -> Result<DynamicObject, Error> {
    let Place { kind, name, .. } = place;
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let action = format!("apply {kind:?} '{name}'");
    let patch = Patch::Apply(wanted);
    let outcome = write(&action, api.patch(name, &params, &patch)).await;
    match (outcome, place.live) {
        (Err(error), Some(live)) if error.is_invalid() => {
            match repair::replace(api, name, live, wanted).await {
                // It is ours that is invalid, and the first answer says so best.
                Err(again) if again.is_invalid() => Err(error),
                Err(other) => Err(other),
                Ok(()) => write(&action, api.patch(name, &params, &patch)).await,
            }
        }
        (outcome, _) => outcome,
    }
}
