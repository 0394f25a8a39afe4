//! One delivery of a message: claim the job, hold it, work, conclude.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::{Backoff, Failure, Worker, conclude};
use crate::clock::{millis, now_ms};
use crate::page::Kind;
use crate::queue::{Message, QueueError};
use crate::result::ExtractionResult;
use crate::store::{Claim, ClaimedJob, Finish, JobState};

/// A claimed job together with what proves that it is ours.
pub(super) struct Held<'a> {
    pub(super) worker: &'a Worker,
    pub(super) message: &'a Message,
    pub(super) claimed: &'a ClaimedJob,
    pub(super) owner: &'a str,
    pub(super) since: Instant,
    /// The end of the job is being written: from here on only that write knows whether the lease was lost.
    pub(super) is_ending: AtomicBool,
}

/// What becomes of a message once nobody holds its job any more.
pub(super) enum Next {
    /// The work is done.
    Delete,
    /// It is seen again after this time.
    Again(Duration),
}

/// Deals with one message. Whatever is left undone comes back with the message or by the sweeper.
pub(super) async fn run(worker: &Worker, message: &Message, hand_back: &CancellationToken) {
    let span = tracing::info_span!(
        "job",
        job_id = message.job_id,
        delivery = message.receive_count
    );
    async {
        if let Err(error) = claim(worker, message, hand_back).await {
            tracing::warn!(%error, "the message could not be dealt with: {error}");
        }
    }
    .instrument(span)
    .await;
}

async fn claim(
    worker: &Worker,
    message: &Message,
    hand_back: &CancellationToken,
) -> Result<(), QueueError> {
    // New for every claim: a repeated message may reach this very process.
    let owner = format!("{}/{}", worker.name, Uuid::now_v7());
    let claim = worker
        .store
        .claim(&message.job_id, &owner, now_ms(), worker.lease_ms())
        .await;
    match claim {
        Ok(Claim::Claimed(claimed)) => {
            let held = Held {
                worker,
                message,
                claimed: &claimed,
                owner: &owner,
                since: Instant::now(),
                is_ending: AtomicBool::new(false),
            };
            held.part_with_message(held.work(hand_back).await).await
        }
        Ok(Claim::AlreadyFinished(_) | Claim::Cancelled) => worker.queue.delete(message).await,
        Ok(Claim::HeldByOther) => {
            let hidden = worker.queue.visibility();
            worker.queue.extend(message, hidden).await
        }
        Ok(Claim::Unknown) => worker.queue.reject(message, "there is no such job").await,
        Err(error) => {
            tracing::warn!(
                reason = error.reason(),
                "the job cannot be claimed: {}",
                error.explain()
            );
            worker.queue.extend(message, pause(message)).await
        }
    }
}

impl Held<'_> {
    /// The message is left alone here but for the holding: its next delay must be the last that is said of it.
    async fn work(&self, hand_back: &CancellationToken) -> Next {
        let progress = &self.worker.metrics.jobs_in_progress;
        progress.inc();
        let _counted_down_at_the_end = Guard(|| progress.dec());
        if self.claimed.job.attempts > 1 {
            let limit = self.worker.max_attempts().await;
            if self.claimed.job.attempts > i64::from(limit) {
                return self.give_up(&crashed(self.claimed.job.attempts - 1)).await;
            }
        }
        tokio::select! {
            biased;
            () = hand_back.cancelled() => self.hand_back().await,
            () = self.hold() => Self::let_go(),
            done = self.extract_and_conclude() => done,
        }
    }

    async fn part_with_message(&self, next: Next) -> Result<(), QueueError> {
        let Worker { store, queue, .. } = self.worker;
        let Next::Again(rest) = next else {
            return queue.delete(self.message).await;
        };
        let limit = self.worker.max_attempts().await;
        if self.message.receive_count < limit {
            return queue.extend(self.message, rest).await;
        }
        // The queue would give the message up, which counts deliveries and not attempts: the job owes a new one.
        let (job_id, now) = (&self.claimed.job.id, now_ms());
        match store.owe_again(job_id, now + millis(rest), now).await {
            Ok(true) => queue.delete(self.message).await,
            Ok(false) => queue.extend(self.message, rest).await,
            Err(error) => {
                tracing::warn!(
                    "a new message could not be owed; the sweeper sees to it: {}",
                    error.explain()
                );
                queue.extend(self.message, rest).await
            }
        }
    }

    async fn extract_and_conclude(&self) -> Next {
        let outcome = self.extract().await;
        conclude::conclude(self, outcome).await
    }

    async fn extract(&self) -> Result<ExtractionResult, Failure> {
        let key = &self.claimed.document.blob_key;
        let bytes = conclude::insist(|| self.worker.blobs.get(key)).await?;
        if self.claimed.document.sha256.is_none() {
            self.describe(&bytes).await;
        }
        self.worker.extract.extract(self.claimed, bytes).await
    }

    /// We are the first to read what a client put into the storage itself.
    async fn describe(&self, bytes: &[u8]) {
        let content_type = Kind::of(bytes).map(Kind::media_type);
        let sha256 = hex::encode(Sha256::digest(bytes));
        let id = &self.claimed.document.id;
        let _a_repeated_attempt_may_describe_it =
            (self
                .worker
                .store
                .describe_document(id, content_type, &sha256))
            .await;
    }

    /// Renews message and lease at a third of the time; returns when the lease is lost. That the database
    /// or the queue does not answer is no loss: nobody else can take the job without them.
    async fn hold(&self) {
        let Worker { queue, store, .. } = self.worker;
        let visibility = queue.visibility();
        let period = visibility / 3;
        let mut renewals = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            renewals.tick().await;
            let until = now_ms() + self.worker.lease_ms();
            // The queue may be slow to answer, and must not be what the next renewal of the lease waits for.
            let (_told_to_the_tracker, lease) = tokio::join!(
                tokio::time::timeout(period, queue.extend(self.message, visibility)),
                store.extend_lease(&self.claimed.job.id, self.owner, until),
            );
            if matches!(lease, Ok(false)) && !self.is_ending.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// The message comes back and then finds the job cancelled, finished, or held by another.
    fn let_go() -> Next {
        tracing::info!("the job was cancelled or taken by another: stopped working on it");
        Next::Again(Duration::ZERO)
    }

    /// This process must go: another takes the job at once, and the attempt does not count.
    async fn hand_back(&self) -> Next {
        let released = self
            .worker
            .store
            .release(&self.claimed.job.id, self.owner, now_ms())
            .await;
        match released {
            Ok(true) => tracing::info!("handed back unfinished"),
            Ok(false) => {
                tracing::info!("it ended, or was taken by another, before it was handed back")
            }
            Err(error) => tracing::warn!(
                "could not be released; its lease ends by itself: {}",
                error.explain()
            ),
        }
        Next::Again(Duration::ZERO)
    }

    /// Ends the job as dead-lettered, with its last failure, if it is still ours; the queue moves the message
    /// when it counts the same.
    pub(super) async fn give_up(&self, failure: &Failure) -> Next {
        let (Failure::Document { reason, message } | Failure::Ours { reason, message }) = failure;
        let job_id = &self.claimed.job.id;
        let finish = Finish {
            state: JobState::DeadLettered,
            reason: Some(reason.clone()),
            message: Some(message.clone()),
            result: None,
        };
        self.is_ending.store(true, Ordering::Relaxed);
        let ended = self
            .worker
            .store
            .finish(job_id, self.owner, &finish, now_ms());
        match ended.await {
            Ok(true) => {
                let finished = &self.worker.metrics.jobs_finished;
                finished.with_label_values(&["dead_lettered", reason]).inc();
                tracing::warn!(
                    reason,
                    attempts = self.claimed.job.attempts,
                    "given up: {message}"
                );
            }
            Ok(false) => {
                tracing::info!("it was cancelled, or taken by another, before it was given up")
            }
            Err(error) => tracing::warn!("could not be given up: {}", error.explain()),
        }
        Next::Again(Duration::ZERO)
    }
}

/// How long a message rests after a failure of ours: 5, 10, 20 .. 120 s.
pub(super) fn pause(message: &Message) -> Duration {
    Backoff::new(Duration::from_secs(5), Duration::from_secs(120))
        .after(message.receive_count.saturating_sub(1))
        .next_pause()
}

fn crashed(attempts: i64) -> Failure {
    Failure::ours(
        "crashed",
        format!("The worker ended {attempts} times while it had this document in hand."),
    )
}

struct Guard<F: FnMut()>(F);

impl<F: FnMut()> Drop for Guard<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
