//! Writes down how a job ended, then lets go of its message.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::attempt::{Held, Next, pause};
use super::{Backoff, Failure, Worker};
use crate::blobs::BlobError;
use crate::clock::now_ms;
use crate::result::{ExtractionResult, Outcome};
use crate::store::{Finish, JobState, StoreError, StoredResult, result_key};

/// A document in hand is worth waiting for its result to be written.
const PATIENCE: Duration = Duration::from_secs(120);

/// Ends the job by what came out of the attempt.
pub(super) async fn conclude(held: &Held<'_>, outcome: Result<ExtractionResult, Failure>) -> Next {
    let finish = match outcome {
        Ok(result) => match keep(held, &result).await {
            Ok(finish) => finish,
            Err(failure) => return try_again(held, &failure).await,
        },
        Err(Failure::Document { reason, message }) => Finish {
            state: JobState::Failed,
            reason: Some(reason),
            message: Some(message),
            result: None,
        },
        Err(failure @ Failure::Ours { .. }) => return try_again(held, &failure).await,
    };
    let store = &held.worker.store;
    let job_id = &held.claimed.job.id;
    held.is_ending.store(true, Ordering::Relaxed);
    match insist(|| store.finish(job_id, held.owner, &finish, now_ms())).await {
        Ok(true) => {
            tell(held, &finish);
            Next::Delete
        }
        Ok(false) => {
            // Unless our own write got through and only its answer was lost, somebody else has it now.
            tracing::info!("the lease was lost before the end: nothing was written");
            Next::Again(Duration::ZERO)
        }
        Err(error) => try_again(held, &Failure::from(&error)).await,
    }
}

/// Puts the result into the storage, beside its place in the row.
async fn keep(held: &Held<'_>, result: &ExtractionResult) -> Result<Finish, Failure> {
    let text = serde_json::to_string(result)
        .map_err(|error| Failure::ours("result_unwritable", error.to_string()))?;
    let key = result_key(&held.claimed.job.id);
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    insist(|| {
        let bytes = bytes.clone();
        held.worker.blobs.put(&key, "application/json", bytes)
    })
    .await?;
    for page in &result.pages {
        held.worker
            .metrics
            .pages_read
            .with_label_values(&[&page.engine])
            .inc();
    }
    Ok(Finish {
        state: match result.routing.outcome {
            Outcome::Succeeded => JobState::Succeeded,
            Outcome::NeedsReview => JobState::NeedsReview,
        },
        reason: None,
        message: None,
        result: Some(StoredResult {
            result: text,
            blob_key: Some(key),
        }),
    })
}

/// Gives the job back after a failure of ours, or gives it up when that was its last chance.
async fn try_again(held: &Held<'_>, failure: &Failure) -> Next {
    let (Failure::Document { reason, message } | Failure::Ours { reason, message }) = failure;
    let Worker { store, metrics, .. } = held.worker;
    metrics.attempts_failed.with_label_values(&[reason]).inc();
    let limit = held.worker.max_attempts().await;
    if held.claimed.job.attempts >= i64::from(limit) {
        return held.give_up(failure).await;
    }
    tracing::warn!(
        reason,
        attempts = held.claimed.job.attempts,
        "the attempt failed and is repeated: {message}"
    );
    let job_id = &held.claimed.job.id;
    let failed = store
        .fail_attempt(job_id, held.owner, reason, message, now_ms())
        .await;
    if let Err(error) = failed {
        tracing::warn!(
            "the failure could not be recorded; the lease ends by itself: {}",
            error.explain()
        );
    }
    Next::Again(pause(held.message))
}

/// An error that may be gone a moment later.
pub(super) trait MayPass {
    /// Whether the same call may succeed later.
    fn may_pass(&self) -> bool;
}

impl MayPass for StoreError {
    fn may_pass(&self) -> bool {
        self.is_unavailable()
    }
}

impl MayPass for BlobError {
    fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Repeats a call while its service does not answer: an outage then costs no attempt. The job is held
/// meanwhile.
pub(super) async fn insist<T, E, F>(call: impl Fn() -> F) -> Result<T, E>
where
    E: MayPass,
    F: Future<Output = Result<T, E>>,
{
    let started = Instant::now();
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(3));
    loop {
        match call().await {
            Err(error) if error.may_pass() && started.elapsed() < PATIENCE => {
                tokio::time::sleep(backoff.next_pause()).await;
            }
            answer => return answer,
        }
    }
}

fn tell(held: &Held<'_>, finish: &Finish) {
    let metrics = &held.worker.metrics;
    let seconds = held.since.elapsed().as_secs_f64();
    let state = finish.state.as_str();
    let reason = finish.reason.as_deref().unwrap_or("none");
    metrics
        .jobs_finished
        .with_label_values(&[state, reason])
        .inc();
    metrics.job_seconds.observe(seconds);
    tracing::info!(
        state,
        reason,
        seconds,
        attempts = held.claimed.job.attempts,
        "job {state}"
    );
}
