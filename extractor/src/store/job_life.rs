//! The table `jobs`, write side: each step of a job's life as one conditional update.
//!
//! A worker's steps name the lease owner, so a worker that lost its lease changes nothing.

use sqlx::{AnyConnection, Connection};

use super::documents::{self, Document};
use super::jobs::{Job, JobState};
use super::outbox;
use super::results::{self, StoredResult};
use super::row::job_columns;
use super::{Store, StoreError};

/// What became of an attempt to take a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is ours until the lease ends.
    Claimed(Box<ClaimedJob>),
    /// Another owner's lease has not ended.
    HeldByOther,
    /// It is final and was not cancelled: acknowledge the message.
    AlreadyFinished(JobState),
    /// It was cancelled: acknowledge the message.
    Cancelled,
    /// There is no such job.
    Unknown,
}

/// A job and what it works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedJob {
    /// As claimed: `attempts` counts this one.
    pub job: Job,
    /// Its document.
    pub document: Document,
}

/// How a job ended.
#[derive(Clone, Debug)]
pub struct Finish {
    /// `Succeeded`, `NeedsReview`, `Failed` or `DeadLettered`.
    pub state: JobState,
    /// Stable code, for failures.
    pub reason: Option<String>,
    /// One sentence, for failures.
    pub message: Option<String>,
    /// What was found, if anything was.
    pub result: Option<StoredResult>,
}

impl Store {
    /// Takes a job for `lease_ms` if nobody holds it. `owner` must be new for every claim (say pod name and
    /// a random part), because a repeated message may reach the same worker twice.
    pub async fn claim(
        &self,
        job_id: &str,
        owner: &str,
        now_ms: i64,
        lease_ms: i64,
    ) -> Result<Claim, StoreError> {
        self.timed("claim a job", async {
            let mut connection = self.connection().await?;
            let mut transaction = connection.begin().await?;
            let row = sqlx::query(concat!(
                "UPDATE jobs SET state = 'processing', lease_owner = $1, lease_until_ms = $2,
                     attempts = attempts + 1, started_ms = $3, updated_ms = $3
                 WHERE id = $4 AND (state = 'queued' OR (state = 'processing' AND lease_until_ms <= $3))
                 RETURNING ",
                job_columns!()
            ))
            .bind(owner)
            .bind(now_ms + lease_ms)
            .bind(now_ms)
            .bind(job_id)
            .fetch_optional(&mut *transaction)
            .await?;
            let Some(row) = row else {
                return Ok(match find(&mut transaction, job_id).await? {
                    None => Claim::Unknown,
                    Some(job) if job.state == JobState::Cancelled => Claim::Cancelled,
                    Some(job) if job.state.is_final() => Claim::AlreadyFinished(job.state),
                    Some(_) => Claim::HeldByOther,
                });
            };
            let job = Job::from_row(&row)?;
            let document = documents::find(&mut transaction, &job.document_id).await?;
            let document = document.ok_or(sqlx::Error::RowNotFound)?;
            // Only now is it ours: a claim that nobody learnt of would keep others off for the whole lease.
            transaction.commit().await?;
            Ok(Claim::Claimed(Box::new(ClaimedJob { job, document })))
        })
        .await
    }

    /// Moves the end of a lease; false means that the lease is lost (cancelled, or taken by another after it
    /// ended) and the work must stop.
    pub async fn extend_lease(
        &self,
        job_id: &str,
        owner: &str,
        until_ms: i64,
    ) -> Result<bool, StoreError> {
        self.timed("extend a lease", async {
            let mut connection = self.connection().await?;
            let done = sqlx::query(
                "UPDATE jobs SET lease_until_ms = $1
                 WHERE id = $2 AND state = 'processing' AND lease_owner = $3",
            )
            .bind(until_ms)
            .bind(job_id)
            .bind(owner)
            .execute(&mut *connection)
            .await?;
            Ok(done.rows_affected() == 1)
        })
        .await
    }

    /// Ends a job: state and result in one transaction. False means that the lease was lost and nothing was
    /// written.
    pub async fn finish(
        &self,
        job_id: &str,
        owner: &str,
        finish: &Finish,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        self.timed("finish a job", async {
            let mut connection = self.connection().await?;
            let mut transaction = connection.begin().await?;
            let done = sqlx::query(
                "UPDATE jobs SET state = $1, reason = $2, message = $3, lease_owner = NULL,
                     lease_until_ms = NULL, updated_ms = $4, finished_ms = $4
                 WHERE id = $5 AND state = 'processing' AND lease_owner = $6",
            )
            .bind(finish.state.as_str())
            .bind(&finish.reason)
            .bind(&finish.message)
            .bind(now_ms)
            .bind(job_id)
            .bind(owner)
            .execute(&mut *transaction)
            .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
            outbox::settle(&mut transaction, job_id).await?;
            if let Some(result) = &finish.result {
                results::put(&mut transaction, job_id, result, now_ms).await?;
            }
            transaction.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Gives a job back unfinished because this worker must go; the attempt does not count. The caller makes
    /// the message visible again.
    pub async fn release(
        &self,
        job_id: &str,
        owner: &str,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        self.timed("release a job", async {
            let mut connection = self.connection().await?;
            let done = sqlx::query(
                "UPDATE jobs SET state = 'queued', lease_owner = NULL, lease_until_ms = NULL,
                     attempts = attempts - 1, updated_ms = $1
                 WHERE id = $2 AND state = 'processing' AND lease_owner = $3",
            )
            .bind(now_ms)
            .bind(job_id)
            .bind(owner)
            .execute(&mut *connection)
            .await?;
            Ok(done.rows_affected() == 1)
        })
        .await
    }

    /// Gives a job back after an attempt that failed for a reason of ours and may succeed next time.
    pub async fn fail_attempt(
        &self,
        job_id: &str,
        owner: &str,
        reason: &str,
        message: &str,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        self.timed("record a failed attempt", async {
            let mut connection = self.connection().await?;
            let done = sqlx::query(
                "UPDATE jobs SET state = 'queued', lease_owner = NULL, lease_until_ms = NULL,
                     reason = $1, message = $2, updated_ms = $3
                 WHERE id = $4 AND state = 'processing' AND lease_owner = $5",
            )
            .bind(reason)
            .bind(message)
            .bind(now_ms)
            .bind(job_id)
            .bind(owner)
            .execute(&mut *connection)
            .await?;
            Ok(done.rows_affected() == 1)
        })
        .await
    }
}

/// A job by its id, inside or outside of a transaction.
pub(super) async fn find(
    connection: &mut AnyConnection,
    job_id: &str,
) -> Result<Option<Job>, sqlx::Error> {
    let row = sqlx::query(concat!(
        "SELECT ",
        job_columns!(),
        " FROM jobs WHERE id = $1"
    ))
    .bind(job_id)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(Job::from_row).transpose()
}
