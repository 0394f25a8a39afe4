//! The table `jobs`, as its clients change it: cancel and retry.

use sqlx::Connection;

use super::job_life::find;
use super::jobs::Job;
use super::outbox;
use super::row::job_columns;
use super::{Store, StoreError};

/// What became of a request to cancel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// It is cancelled; a worker that had it finds its lease gone.
    Cancelled(Job),
    /// It was final before.
    AlreadyFinished(Job),
    /// There is no such job.
    Unknown,
}

/// What became of a request to retry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It is queued again and its message is owed.
    Queued(Job),
    /// It is queued or processing, or it succeeded: there is nothing to retry.
    NotRetryable(Job),
    /// Its time is over and its bytes are being deleted.
    TooLate,
    /// There is no such job.
    Unknown,
}

impl Store {
    /// Cancels a job that is not final.
    pub async fn cancel(&self, job_id: &str, now_ms: i64) -> Result<Cancel, StoreError> {
        self.timed("cancel a job", async {
            let mut connection = self.connection().await?;
            let mut transaction = connection.begin().await?;
            let row = sqlx::query(concat!(
                "UPDATE jobs SET state = 'cancelled', lease_owner = NULL, lease_until_ms = NULL,
                     updated_ms = $1, finished_ms = $1
                 WHERE id = $2 AND state IN ('queued', 'processing') RETURNING ",
                job_columns!()
            ))
            .bind(now_ms)
            .bind(job_id)
            .fetch_optional(&mut *transaction)
            .await?;
            if let Some(row) = row {
                outbox::settle(&mut transaction, job_id).await?;
                transaction.commit().await?;
                return Ok(Cancel::Cancelled(Job::from_row(&row)?));
            }
            Ok(match find(&mut transaction, job_id).await? {
                Some(job) => Cancel::AlreadyFinished(job),
                None => Cancel::Unknown,
            })
        })
        .await
    }

    /// Queues a job again that ended without success; attempts count from 0 and its message is owed.
    pub async fn retry(&self, job_id: &str, now_ms: i64) -> Result<Retry, StoreError> {
        self.timed("retry a job", async {
            let mut connection = self.connection().await?;
            let mut transaction = connection.begin().await?;
            let row = sqlx::query(concat!(
                "UPDATE jobs SET state = 'queued', reason = NULL, message = NULL, attempts = 0,
                     started_ms = NULL, finished_ms = NULL, updated_ms = $1
                 WHERE id = $2 AND state IN ('failed', 'cancelled', 'dead_lettered', 'needs_review')
                     AND deleting_ms IS NULL
                 RETURNING ",
                job_columns!()
            ))
            .bind(now_ms)
            .bind(job_id)
            .fetch_optional(&mut *transaction)
            .await?;
            let Some(row) = row else {
                return Ok(match find(&mut transaction, job_id).await? {
                    Some(job) if job.is_being_deleted => Retry::TooLate,
                    Some(job) => Retry::NotRetryable(job),
                    None => Retry::Unknown,
                });
            };
            outbox::owe(&mut transaction, job_id, 0, now_ms).await?;
            transaction.commit().await?;
            Ok(Retry::Queued(Job::from_row(&row)?))
        })
        .await
    }
}
