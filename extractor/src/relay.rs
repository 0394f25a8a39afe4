//! Gives the queue the messages it is owed. Sending one twice is harmless, so entries are marked after.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::{millis, now_ms};
use crate::dependencies::Dependency;
use crate::metrics::Metrics;
use crate::queue::{Queue, QueueError};
use crate::store::{OutboxEntry, Store, StoreError};
use crate::worker::Backoff;

/// Longest time between two looks when nobody wakes us: another replica's entries may be left.
const REST: Duration = Duration::from_secs(5);
/// How long taken entries are kept from other relays; longer than sending them takes.
const TAKEN: Duration = Duration::from_secs(30);
const BATCH: i64 = 50;

/// The relay's parts.
pub struct Relay {
    /// The outbox.
    pub store: Store,
    /// Where messages go.
    pub queue: Arc<dyn Queue>,
    /// Health of the queue.
    pub health: Dependency,
    /// Poked when a message is owed.
    pub wake: Arc<Notify>,
    /// What is counted.
    pub metrics: Metrics,
}

/// Why a round ended early. Both are known to the tracker of the dependency.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl Relay {
    /// Relays until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(5));
        while !stop.is_cancelled() {
            let pause = match self.round().await {
                Ok(is_more) => {
                    backoff.reset();
                    if is_more {
                        continue;
                    }
                    REST
                }
                Err(error) => {
                    tracing::debug!("messages stay owed: {error}");
                    let pause = backoff.next_pause();
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                    continue;
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Sends one batch; true when there may be more.
    async fn round(&self) -> Result<bool, RelayError> {
        // First, because an outage of the queue is when the backlog matters.
        self.tell().await?;
        if self.health.health().reachable == Some(false) {
            // Entries that are taken and not sent rest for a while, so ask before taking.
            self.queue.probe().await?;
        }
        let entries = self
            .store
            .take_unsent(now_ms(), millis(TAKEN), BATCH)
            .await?;
        if entries.is_empty() {
            return Ok(false);
        }
        let ids: Vec<String> = entries.iter().map(|entry| entry.job_id.clone()).collect();
        let sent = self.queue.send(&ids).await?;
        let done: Vec<OutboxEntry> = entries
            .into_iter()
            .filter(|entry| sent.contains(&entry.job_id))
            .collect();
        self.metrics.messages_sent.inc_by(done.len() as u64);
        self.store.mark_sent(&done, now_ms()).await?;
        Ok(ids.len() as i64 == BATCH)
    }

    async fn tell(&self) -> Result<(), StoreError> {
        let (owed, oldest_ms) = self.store.outbox_backlog().await?;
        let age_ms = oldest_ms.map_or(0, |oldest| (now_ms() - oldest).max(0));
        self.metrics.outbox_owed.set(owed);
        self.metrics.outbox_oldest_seconds.set(age_ms / 1000);
        Ok(())
    }
}
