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
use crate::store::{Store, StoreError};

const PERIOD: Duration = Duration::from_secs(10);
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

/// Why a sweep ended early; the next one goes on.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The storage.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

impl Sweeper {
    /// Sweeps until `stop`, at intervals that differ between replicas.
    pub async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.sweep().await {
                tracing::debug!("the sweep goes on later: {error}");
            }
            let rest = PERIOD.mul_f64(rand::rng().random_range(0.75..=1.25));
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(rest) => {}
            }
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

    /// One round of everything.
    pub async fn sweep(&self) -> Result<(), SweepError> {
        self.recover().await?;
        self.delete_expired_jobs().await?;
        self.delete_abandoned_uploads().await?;
        self.store
            .forget_idempotency_keys(now_ms() - millis(IDEMPOTENCY))
            .await?;
        Ok(())
    }

    async fn recover(&self) -> Result<(), SweepError> {
        let now = now_ms();
        let abandoned = self
            .store
            .requeue_abandoned(now - millis(LEASE_PATIENCE), now, BATCH)
            .await?;
        self.tell("lease", &abandoned);
        let patience = match self.queue.depth().await {
            Ok(0) => MESSAGE_PATIENCE,
            Ok(_) => BACKLOG_PATIENCE,
            // Nobody can take a message of a queue that does not answer.
            Err(_) => return Ok(()),
        };
        let lost = self
            .store
            .resend_lost(millis(patience), now_ms(), BATCH)
            .await?;
        self.tell("message", &lost);
        Ok(())
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
    async fn delete_expired_jobs(&self) -> Result<(), SweepError> {
        let Some(retention) = self.retention else {
            return Ok(());
        };
        let expired = self
            .store
            .expired_jobs(now_ms() - millis(retention), BATCH)
            .await?;
        for job in expired {
            for key in &job.blob_keys {
                self.blobs.delete(key).await?;
            }
            if self.store.delete_job(&job).await? {
                self.metrics.jobs_deleted.inc();
                tracing::info!(
                    job_id = job.job_id,
                    "job {} deleted: its time was over",
                    job.job_id
                );
            }
        }
        Ok(())
    }

    async fn delete_abandoned_uploads(&self) -> Result<(), SweepError> {
        let before = now_ms() - millis(UPLOAD_PATIENCE);
        for upload in self.store.abandoned_uploads(before, BATCH).await? {
            self.blobs.delete(&upload.blob_key).await?;
            self.store.delete_upload(&upload.id).await?;
        }
        Ok(())
    }
}
