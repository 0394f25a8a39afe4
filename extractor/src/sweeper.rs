//! Finds what was lost and what is too old. Every step is one conditional statement, so any number of
//! replicas may sweep at the same time.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::blobs::{BlobError, Blobs};
use crate::clock::{millis, now_ms};
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::store::{ExpiredJob, Store, StoreError};

const PERIOD: Duration = Duration::from_secs(10);
/// The same when a step left something to do.
const PERIOD_OF_MANY: Duration = Duration::from_millis(100);
/// After a lease ended, the redelivered message has the first chance.
const LEASE_PATIENCE: Duration = Duration::from_secs(15);
/// A message that was sent so long ago, of a job that still waits, is lost when the queue is empty. Longer
/// than a message rests after a failed attempt.
const MESSAGE_PATIENCE: Duration = Duration::from_secs(180);
/// The same while the queue has a backlog.
const BACKLOG_PATIENCE: Duration = Duration::from_secs(30 * 60);
/// An upload may be completed a little after its link has ended.
const UPLOAD_PATIENCE: Duration = Duration::from_secs(3600);
/// How long a repeated request is recognised by its idempotency key.
const IDEMPOTENCY: Duration = Duration::from_secs(86_400);
const BATCH: i64 = 100;

/// The sweeper's parts.
pub struct Sweeper {
    /// Jobs.
    pub store: Store,
    /// Documents and results.
    pub blobs: Arc<dyn Blobs>,
    /// Asked for its depth.
    pub queue: Arc<dyn Queue>,
    /// Wakes the relay.
    pub wake: Arc<Notify>,
    /// How long finished jobs are kept; `None` for ever.
    pub retention: Option<Duration>,
    /// What is counted.
    pub metrics: Metrics,
}

/// Why a step of a sweep ended early; the next sweep goes on.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error("{}", .0.explain())]
    Store(#[from] StoreError),
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

impl Sweeper {
    /// Sweeps until `stop`, at intervals that differ between replicas. Any step may be cut off: what it had
    /// begun is found again.
    pub async fn run(&self, stop: CancellationToken) {
        while let Some(is_more) = stop.run_until_cancelled(self.sweep()).await {
            let period = if is_more { PERIOD_OF_MANY } else { PERIOD };
            let rest = period.mul_f64(rand::rng().random_range(0.75..=1.25));
            let rest = tokio::time::sleep(rest);
            let _stopped = stop.run_until_cancelled(rest).await;
        }
    }

    /// The queue in memory is empty after a start, and nobody else works on this database: whatever is not
    /// finished is owed again.
    pub async fn refill(&self) -> Result<(), StoreError> {
        let far = now_ms() + millis(Duration::from_secs(366 * 86_400));
        while !self
            .store
            .requeue_abandoned(far, now_ms(), BATCH)
            .await?
            .is_empty()
        {}
        while !self.store.resend_lost(0, now_ms(), BATCH).await?.is_empty() {}
        Ok(())
    }

    /// One round: a batch of everything, so that no step has to wait for many of another. True when there may be
    /// more. A step that fails keeps no other from being done.
    pub async fn sweep(&self) -> bool {
        let steps = [
            ("abandoned jobs", self.requeue_abandoned().await),
            ("lost messages", self.resend_lost().await),
            ("expired jobs", self.delete_expired_jobs().await),
            ("abandoned uploads", self.delete_abandoned_uploads().await),
            ("idempotency keys", self.forget_idempotency_keys().await),
        ];
        let mut is_more = false;
        for (step, outcome) in steps {
            match outcome {
                Ok(count) => is_more |= count as i64 >= BATCH,
                Err(error) => tracing::warn!(step, "the sweep of {step} goes on later: {error}"),
            }
        }
        is_more
    }

    /// Each step returns how many it has dealt with.
    async fn requeue_abandoned(&self) -> Result<usize, SweepError> {
        let now = now_ms();
        let before = now - millis(LEASE_PATIENCE);
        let abandoned = self.store.requeue_abandoned(before, now, BATCH).await?;
        self.tell("lease", &abandoned);
        Ok(abandoned.len())
    }

    async fn resend_lost(&self) -> Result<usize, SweepError> {
        let patience = match self.queue.depth().await {
            Ok(0) => MESSAGE_PATIENCE,
            Ok(_) => BACKLOG_PATIENCE,
            // Nobody can take a message of a queue that does not answer.
            Err(_) => return Ok(0),
        };
        let patience = millis(patience);
        let lost = self.store.resend_lost(patience, now_ms(), BATCH).await?;
        self.tell("message", &lost);
        Ok(lost.len())
    }

    fn tell(&self, lost: &str, job_ids: &[String]) {
        if job_ids.is_empty() {
            return;
        }
        self.metrics
            .jobs_recovered
            .with_label_values(&[lost])
            .inc_by(job_ids.len() as u64);
        for job_id in job_ids {
            tracing::warn!(job_id, "job {job_id} lost its {lost}: queued again");
        }
        self.wake.notify_one();
    }

    /// Objects go first: a row without its bytes is found again, bytes without a row are not.
    async fn delete_expired_jobs(&self) -> Result<usize, SweepError> {
        let Some(retention) = self.retention else {
            return Ok(0);
        };
        let before = now_ms() - millis(retention);
        let expired = self.store.claim_expired_jobs(before, now_ms(), BATCH);
        let expired = expired.await?;
        for job in &expired {
            self.delete_job(job).await?;
        }
        Ok(expired.len())
    }

    async fn delete_job(&self, job: &ExpiredJob) -> Result<(), SweepError> {
        for key in &job.blob_keys {
            self.blobs.delete(key).await?;
        }
        if self.store.delete_job(job).await? {
            self.metrics.jobs_deleted.inc();
            let job_id = &job.job_id;
            tracing::info!(job_id, "job {job_id} deleted: its time was over");
        }
        Ok(())
    }

    async fn delete_abandoned_uploads(&self) -> Result<usize, SweepError> {
        let before = now_ms() - millis(UPLOAD_PATIENCE);
        let abandoned = self.store.abandoned_uploads(before, BATCH).await?;
        for upload in &abandoned {
            self.blobs.delete(&upload.blob_key).await?;
            self.store.delete_upload(&upload.id).await?;
        }
        Ok(abandoned.len())
    }

    async fn forget_idempotency_keys(&self) -> Result<usize, SweepError> {
        let before = now_ms() - millis(IDEMPOTENCY);
        self.store.forget_idempotency_keys(before).await?;
        // All of them, in one statement.
        Ok(0)
    }
}
