//! Queue, storage and database as a pipeline's pods see them: API pods, and workers, which alone receive from the
//! queue. A light loop asks them, apart from reconciles, and wakes a pipeline only when the answer changed.

mod answer;
mod poll;

pub use answer::{Dependencies, Dependency};

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use extraction_contract::port;
use futures::StreamExt;
use futures::channel::mpsc::UnboundedSender;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::pods::Addresses;
use crate::metrics::Metrics;

/// Namespace and name of a pipeline.
pub type Key = (String, String);

/// Pause between two questions to a pipeline whose dependencies are known.
const PERIOD: Duration = Duration::from_secs(5);
/// The same while something is not known yet, so that a new pipeline becomes ready soon.
const EAGER_PERIOD: Duration = Duration::from_secs(1);
/// How often the list is searched for pipelines that are due.
const TICK: Duration = Duration::from_millis(500);
/// Pipelines asked at the same time.
const CONCURRENCY: usize = 16;
/// Pods of one Deployment asked per round.
const PODS: usize = 3;
/// Time without an answer after which nothing is known any more; a pod that is short of CPU may be slow.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same when there is no pod to ask.
const PATIENCE_WITHOUT_PODS: Duration = Duration::from_secs(10);

/// What is known of the dependencies of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Sample {
    /// Nobody was asked since the operator started: what the status says may still hold.
    #[default]
    NotAsked,
    /// No API pod runs, or none answers.
    Silent,
    /// The answer of the API pods, with what workers have to complain of.
    Known(Dependencies),
}

#[derive(Debug)]
struct Entry {
    addresses: Addresses,
    sample: Sample,
    due: Instant,
    silent_since: Option<Instant>,
}

/// Asks the pods of every pipeline.
pub struct Sampler {
    entries: Mutex<HashMap<Key, Entry>>,
    client: poll::HttpClient,
    changed: UnboundedSender<Key>,
    metrics: Metrics,
}

impl Sampler {
    /// Pipelines whose sample changed are sent to `changed`.
    pub fn new(changed: UnboundedSender<Key>, metrics: Metrics) -> Self {
        Self {
            entries: Mutex::default(),
            client: poll::client(),
            changed,
            metrics,
        }
    }

    /// Sets whom to ask from now on.
    pub fn aim(&self, key: &Key, addresses: &Addresses) {
        let mut entries = self.entries();
        let entry = entries
            .entry(key.clone())
            .or_insert_with(|| Entry::new(Instant::now()));
        if entry.addresses != *addresses {
            entry.addresses = addresses.clone();
            entry.due = Instant::now();
        }
    }

    /// What is known now.
    pub fn latest(&self, key: &Key) -> Sample {
        self.entries()
            .get(key)
            .map(|entry| entry.sample.clone())
            .unwrap_or_default()
    }

    /// Forgets pipelines that are gone.
    pub fn forget(&self, key: &Key) {
        self.entries().remove(key);
    }

    /// Asks until dropped.
    pub async fn run(&self) {
        let mut rounds = interval(TICK);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            let now = Instant::now();
            let due: Vec<(Key, Addresses)> = (self.entries().iter())
                .filter(|(_, entry)| entry.due <= now)
                .map(|(key, entry)| (key.clone(), entry.addresses.clone()))
                .collect();
            let asks = due.into_iter().map(|(key, addresses)| async move {
                let answer = self.ask(&addresses).await;
                self.learn(&key, answer);
            });
            futures::stream::iter(asks)
                .buffer_unordered(CONCURRENCY)
                .collect::<()>()
                .await;
        }
    }

    /// What workers say counts only beside the API's word: without it nothing is known of what clients meet.
    async fn ask(&self, addresses: &Addresses) -> Option<Dependencies> {
        let both = futures::future::join(
            self.ask_all(&addresses.api),
            self.ask_all(&addresses.workers),
        );
        let (api, workers) = both.await;
        let api = api.into_iter().reduce(Dependencies::worst)?;
        Some(workers.into_iter().fold(api, Dependencies::worst))
    }

    async fn ask_all(&self, addresses: &[IpAddr]) -> Vec<Dependencies> {
        let asks = addresses
            .iter()
            .take(PODS)
            .map(|address| poll::get(&self.client, *address, port::METRICS));
        let answers = futures::future::join_all(asks).await;
        let failed = answers.iter().filter(|answer| answer.is_none()).count();
        self.metrics.dependency_poll_errors.inc_by(failed as u64);
        answers.into_iter().flatten().collect()
    }

    fn learn(&self, key: &Key, answer: Option<Dependencies>) {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(key) else {
            return;
        };
        if entry.learn(answer, Instant::now()) {
            // The receiver ends with the controller, and then nobody is left to wake.
            let _ = self.changed.unbounded_send(key.clone());
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn new(now: Instant) -> Self {
        Self {
            addresses: Addresses::default(),
            sample: Sample::NotAsked,
            due: now,
            silent_since: None,
        }
    }

    /// Takes an answer in; true when what is known changed.
    fn learn(&mut self, answer: Option<Dependencies>, now: Instant) -> bool {
        let is_complete = answer.as_ref().is_some_and(Dependencies::is_complete);
        self.due = now + if is_complete { PERIOD } else { EAGER_PERIOD };
        let known = match answer {
            Some(dependencies) => {
                self.silent_since = None;
                Sample::Known(dependencies)
            }
            None => {
                let since = *self.silent_since.get_or_insert(now);
                let patience = if self.addresses.api.is_empty() {
                    PATIENCE_WITHOUT_PODS
                } else {
                    PATIENCE
                };
                if now.duration_since(since) < patience {
                    return false;
                }
                self.due = now + PERIOD;
                Sample::Silent
            }
        };
        let is_new = known != self.sample;
        self.sample = known;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::answer::tests::queue;
    use super::*;

    #[test]
    fn the_same_answer_again_is_no_change() {
        let now = Instant::now();
        let mut entry = Entry::new(now);
        assert!(entry.learn(Some(queue(Some(true), "Reachable")), now));
        assert!(!entry.learn(Some(queue(Some(true), "Reachable")), now));
        assert!(entry.learn(Some(queue(Some(false), "AccessDenied")), now));
    }

    #[test]
    fn what_is_known_outlives_a_short_silence_and_not_a_long_one() {
        let now = Instant::now();
        let mut entry = Entry::new(now);
        entry.addresses.api = vec![IpAddr::from([10, 0, 0, 1])];
        entry.learn(Some(queue(Some(true), "Reachable")), now);
        assert!(!entry.learn(None, now));
        assert!(!entry.learn(None, now + PATIENCE - Duration::from_secs(1)));
        assert!(entry.learn(None, now + PATIENCE));
        assert_eq!(entry.sample, Sample::Silent);
    }

    #[test]
    fn an_incomplete_answer_is_asked_for_again_soon() {
        let now = Instant::now();
        let mut entry = Entry::new(now);
        entry.learn(Some(queue(Some(true), "Reachable")), now);
        assert_eq!(entry.due, now + EAGER_PERIOD);
        let all = queue(Some(true), "Reachable").queue;
        let complete = Dependencies {
            queue: all.clone(),
            storage: all.clone(),
            database: all,
        };
        entry.learn(Some(complete), now);
        assert_eq!(entry.due, now + PERIOD);
    }
}
