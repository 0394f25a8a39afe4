//! Runs the reconciles: one queue for each watched namespace, fed by watches and by the sampler, with a shared
//! bound and per-pipeline back-off.

use std::sync::Arc;

use futures::channel::mpsc;
use futures::{FutureExt, StreamExt, stream};
use kube::runtime::controller::{self, Action, applier};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::{ObjectRef, store};
use kube::runtime::watcher;
use kube::{Client, ResourceExt};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::Context;
use super::apply::{FIELD_MANAGER, Writer};
use super::back_off::BackOff;
use super::guard::{Error, guarded};
use super::observe::Settings;
use super::observe::dependencies::{Key, Sampler};
use super::watch::{Target, requests};
use crate::metrics::Metrics;

/// Changes that come within this time of each other are one reconcile.
const DEBOUNCE: std::time::Duration = std::time::Duration::from_millis(100);

/// What the controller is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Namespaces to watch; empty means all.
    pub namespaces: Vec<String>,
    /// Reconciles at the same time.
    pub concurrency: u16,
    /// Name of this replica in events.
    pub identity: String,
    /// What children depend on.
    pub settings: Settings,
}

/// Everything that the queues of all namespaces share.
struct Shared {
    context: Arc<Context>,
    slots: Arc<Semaphore>,
    back_off: BackOff,
}

/// Reconciles until `stop`, then lets running reconciles end. Dropping the future aborts them.
pub async fn run(client: Client, config: Config, metrics: Metrics, stop: CancellationToken) {
    let (changed, samples) = mpsc::unbounded();
    let reporter = Reporter {
        controller: FIELD_MANAGER.to_owned(),
        instance: Some(config.identity.clone()),
    };
    let recorder = Recorder::new(client.clone(), reporter);
    let context = Arc::new(Context {
        writer: Writer::new(client.clone(), recorder.clone()),
        recorder,
        sampler: Sampler::new(changed, metrics.clone()),
        settings: config.settings.clone(),
        metrics: metrics.clone(),
        client,
    });
    let shared = Arc::new(Shared {
        context: context.clone(),
        slots: Arc::new(Semaphore::new(config.concurrency.into())),
        back_off: BackOff::default(),
    });
    let (mut wakers, mut queues) = (Vec::new(), Vec::new());
    for scope in scopes(&config.namespaces) {
        let (waker, woken) = mpsc::unbounded();
        wakers.push((scope.clone(), waker));
        queues.push(queue(
            scope,
            woken,
            shared.clone(),
            config.concurrency,
            stop.clone(),
        ));
    }
    let _standby = Standby(metrics);
    let all = futures::future::join_all(queues);
    tokio::select! {
        _ = all => {}
        () = context.sampler.run() => {}
        () = route(samples, wakers) => {}
    }
}

/// Forgets what only a leader knows, also when [`run`] is dropped because the lease was lost.
struct Standby(Metrics);

impl Drop for Standby {
    fn drop(&mut self) {
        self.0.health.watches_ended();
        self.0.conditions.reset();
    }
}

/// What one queue watches each: a namespace, or everything.
fn scopes(namespaces: &[String]) -> Vec<Option<String>> {
    match namespaces {
        [] => vec![None],
        names => names.iter().cloned().map(Some).collect(),
    }
}

/// Sends each changed sample to the queue of its namespace.
async fn route(
    mut samples: mpsc::UnboundedReceiver<Key>,
    wakers: Vec<(Option<String>, mpsc::UnboundedSender<Key>)>,
) {
    while let Some(key) = samples.next().await {
        for (scope, waker) in &wakers {
            if scope.as_ref().is_none_or(|namespace| *namespace == key.0) {
                // A queue that ended needs no waking.
                let _ = waker.unbounded_send(key.clone());
            }
        }
    }
    std::future::pending().await
}

async fn queue(
    scope: Option<String>,
    woken: mpsc::UnboundedReceiver<Key>,
    shared: Arc<Shared>,
    concurrency: u16,
    stop: CancellationToken,
) {
    let Context {
        client, metrics, ..
    } = shared.context.as_ref();
    let (reader, writer) = store::store::<Target>();
    let watched = requests(client, scope.as_deref(), writer, metrics);
    let woken = woken.map(|(namespace, name)| ObjectRef::new(&name).within(&namespace).into());
    let work = stream::select(watched, woken)
        .map(Ok::<_, watcher::Error>)
        .take_until(stop.cancelled_owned());
    info!(namespace = scope.as_deref().unwrap_or("all"), "watching");
    applier(
        |target: Arc<Target>, shared: Arc<Shared>| attempt(key(&target), shared).boxed(),
        |target: Arc<Target>, error: &Error, shared: Arc<Shared>| retry(&target, error, &shared),
        shared.clone(),
        reader,
        Box::pin(work),
        controller::Config::default()
            .debounce(DEBOUNCE)
            .concurrency(concurrency),
    )
    .for_each(|ended| {
        if let Err(error) = ended {
            settle(&shared, error);
        }
        std::future::ready(())
    })
    .await;
}

async fn attempt(key: Key, shared: Arc<Shared>) -> Result<Action, Error> {
    let result = guarded(key.clone(), shared.context.clone(), shared.slots.clone()).await;
    if result.is_ok() {
        shared.back_off.succeeded(&key);
    }
    result
}

fn retry(target: &Target, error: &Error, shared: &Shared) -> Action {
    let generation = target.metadata.generation.unwrap_or_default();
    let delay = shared
        .back_off
        .failed(&key(target), generation, rand::random());
    let (namespace, name) = key(target);
    warn!(namespace, pipeline = name, %error, retry_in_ms = delay.as_millis(), "a reconcile failed");
    Action::requeue(delay)
}

fn key(target: &Target) -> Key {
    (target.namespace().unwrap_or_default(), target.name_any())
}

/// Failed reconciles were logged with their delay already; a pipeline that is gone is forgotten.
fn settle(shared: &Shared, error: controller::Error<Error, watcher::Error>) {
    match error {
        controller::Error::ReconcilerFailed(..) => {}
        controller::Error::ObjectNotFound(pipeline) => {
            debug!(%pipeline, "gone");
            let key = (
                pipeline.namespace.clone().unwrap_or_default(),
                pipeline.name.clone(),
            );
            shared.back_off.succeeded(&key);
            shared.context.forget(&key);
        }
        error => warn!(%error, "the queue reports an error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_that_no_longer_leads_forgets_failing_watches_and_what_it_said_of_pipelines() {
        let metrics = Metrics::new().unwrap();
        metrics.health.api_server_answered();
        metrics.health.watch_failed("deployments");
        let condition = ["finance", "invoices", "Ready"];
        metrics.conditions.with_label_values(&condition).set(0);
        drop(Standby(metrics.clone()));
        let soon = std::time::Instant::now() + std::time::Duration::from_secs(40);
        let problem = metrics.health.problem(soon).unwrap_or_default();
        assert!(!problem.contains("deployments"), "{problem}");
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        assert!(!text.contains("finance"), "{text}");
    }
}
