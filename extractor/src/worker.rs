//! Takes jobs from the queue, has their documents extracted, and keeps what was found.
//!
//! The row decides: a job is taken by a claim with a lease, ended by one conditional transaction, and only
//! then is its message deleted. So a worker may die at any point and a message may come twice.

mod attempt;
mod backoff;
mod conclude;
mod extraction;
mod failure;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::blobs::Blobs;
use crate::clock;
use crate::dependencies::{Dependencies, Dependency};
use crate::metrics::Metrics;
use crate::queue::{Message, Queue};
use crate::result::ExtractionResult;
use crate::store::{ClaimedJob, Store};

pub use backoff::Backoff;
pub use extraction::Extraction;
pub use failure::Failure;

/// The longest wait that SQS offers for a first message.
const LONG_POLL: Duration = Duration::from_secs(20);
/// To hand back what is left after the grace period.
const HAND_BACK: Duration = Duration::from_secs(5);
/// Attempts at one job, where the queue has no dead-letter queue that says how many.
const ATTEMPTS: u32 = 5;

/// Bytes to result: the part of the work that knows no queue and no database.
#[async_trait]
pub trait Extract: Send + Sync + 'static {
    /// Reads the document of a job. Dropping the future ends the work.
    async fn extract(&self, job: &ClaimedJob, bytes: Bytes) -> Result<ExtractionResult, Failure>;
}

/// A worker's parts.
pub struct Worker {
    /// Names this process in leases, e.g. the pod's name.
    pub name: String,
    /// Jobs in hand at the same time.
    pub concurrency: usize,
    /// Time to finish the jobs in hand when asked to stop.
    pub grace: Duration,
    /// Jobs.
    pub store: Store,
    /// Messages.
    pub queue: Arc<dyn Queue>,
    /// Documents and results.
    pub blobs: Arc<dyn Blobs>,
    /// Bytes to fields.
    pub extract: Arc<dyn Extract>,
    /// What is reachable.
    pub health: Dependencies,
    /// What is counted.
    pub metrics: Metrics,
}

impl Worker {
    /// Works until `stop`; then finishes the jobs in hand, or hands them back when the grace period ends.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let jobs = TaskTracker::new();
        let hand_back = CancellationToken::new();
        let work = async {
            self.receive_until(&stop, &jobs, &hand_back).await;
            jobs.close();
            jobs.wait().await;
        };
        let grace_is_over = async {
            stop.cancelled().await;
            tracing::info!(jobs = jobs.len(), "stopping: no more jobs are taken");
            self.queue.leave();
            tokio::time::sleep(self.grace).await;
        };
        tokio::select! {
            () = work => return,
            () = grace_is_over => {}
        }
        tracing::info!(
            jobs = jobs.len(),
            "the grace period is over: jobs are handed back"
        );
        jobs.close();
        hand_back.cancel();
        let _out_of_time = tokio::time::timeout(HAND_BACK, jobs.wait()).await;
    }

    async fn receive_until(
        self: &Arc<Self>,
        stop: &CancellationToken,
        jobs: &TaskTracker,
        hand_back: &CancellationToken,
    ) {
        let slots = Arc::new(Semaphore::new(self.concurrency));
        let mut pause = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
        while let Some(slot) = stop.run_until_cancelled(self.next_slot(&slots)).await {
            // Only this loop takes slots, so those that are free now stay free.
            let free = 1 + slots.available_permits();
            // Never cut off: what is on its way to us would stay hidden from all others.
            match self.queue.receive(free, LONG_POLL).await {
                Ok(messages) if stop.is_cancelled() => self.return_all(&messages).await,
                Ok(messages) => {
                    pause.reset();
                    self.metrics.messages_received.inc_by(messages.len() as u64);
                    let rest = std::iter::from_fn(|| slots.clone().try_acquire_owned().ok());
                    for (message, slot) in
                        messages.into_iter().zip(std::iter::once(slot).chain(rest))
                    {
                        jobs.spawn(self.clone().handle(message, slot, hand_back.clone()));
                    }
                }
                Err(_) => {
                    let rest = tokio::time::sleep(pause.next_pause());
                    let _stopped = stop.run_until_cancelled(rest).await;
                }
            }
        }
    }

    /// Room for a job, once the parts that it needs can be used.
    async fn next_slot(&self, slots: &Arc<Semaphore>) -> OwnedSemaphorePermit {
        let slot = slots.clone().acquire_owned().await;
        let slot = slot.expect("nobody closes the semaphore");
        self.wait_until_usable().await;
        slot
    }

    /// They came while we were told to stop: another worker takes them now.
    async fn return_all(&self, messages: &[Message]) {
        for message in messages {
            let _comes_again_by_itself = self.queue.extend(message, Duration::ZERO).await;
        }
    }

    async fn handle(
        self: Arc<Self>,
        message: Message,
        _slot: OwnedSemaphorePermit,
        hand_back: CancellationToken,
    ) {
        attempt::run(&self, &message, &hand_back).await;
    }

    /// Takes no work that would fail: a message uses up one of its deliveries each time it is taken.
    async fn wait_until_usable(&self) {
        let mut pause = Backoff::new(Duration::from_millis(500), Duration::from_secs(5));
        let is_down = |dependency: &Dependency| dependency.health().reachable == Some(false);
        loop {
            if is_down(&self.health.database) {
                let _told_to_the_tracker = self.store.ping().await;
            }
            if is_down(&self.health.storage) {
                let _told_to_the_tracker = self.blobs.probe().await;
            }
            if !is_down(&self.health.database) && !is_down(&self.health.storage) {
                return;
            }
            tokio::time::sleep(pause.next_pause()).await;
        }
    }

    /// How long a claim holds. Shorter than the message is hidden, so that a redelivered message of a dead
    /// worker finds the lease over.
    fn lease_ms(&self) -> i64 {
        clock::millis(self.queue.visibility().mul_f32(0.8))
    }

    /// After how many attempts a job is given up; unlimited while the queue does not say.
    async fn max_attempts(&self) -> u32 {
        match self.queue.max_receive_count().await {
            Ok(count) => count.unwrap_or(ATTEMPTS),
            Err(_) => u32::MAX,
        }
    }
}
