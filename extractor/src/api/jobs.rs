//! Jobs: one, many, cancel, retry, and the result.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::input::{Id, Query};
use super::problem::Problem;
use super::state::ApiState;
use super::time::Time;
use crate::document::DocumentType;
use crate::store::{Cancel, Cursor, Job, JobFilter, JobState, Retry};

/// Longest time that a client may wait for a job to end.
const MAX_WAIT_SECONDS: u64 = 20;
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// A job and where it is in its life.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Job")]
pub(super) struct JobBody {
    /// The job's identifier, a UUID.
    id: String,
    /// Identifier of the document that it works on.
    document_id: String,
    /// The document type, as submitted.
    #[schemars(with = "DocumentType")]
    document_type: String,
    /// Where it is in its life.
    state: JobState,
    /// Stable code of the last failure, e.g. `malformed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// One sentence about the last failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// How often a worker has begun it.
    attempts: i64,
    /// When it was accepted.
    created_at: Time,
    /// When it last changed.
    updated_at: Time,
    /// When a worker last began it.
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Time>,
    /// When it became final.
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Time>,
}

impl From<Job> for JobBody {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            document_id: job.document_id,
            document_type: job.document_type,
            state: job.state,
            reason: job.reason,
            message: job.message,
            attempts: job.attempts,
            created_at: Time(job.created_ms),
            updated_at: Time(job.updated_ms),
            started_at: job.started_ms.map(Time),
            finished_at: job.finished_ms.map(Time),
        }
    }
}

/// A page of jobs, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct JobList {
    /// The jobs of this page.
    jobs: Vec<JobBody>,
    /// Give it as `after` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Filters and paging of the list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Only jobs in this state.
    state: Option<JobState>,
    /// Only jobs of this document type.
    #[schemars(with = "Option<DocumentType>")]
    document_type: Option<String>,
    /// Only jobs created at or after this time.
    created_from: Option<Time>,
    /// Only jobs created before this time.
    created_before: Option<Time>,
    /// Where the last page ended: its `next`.
    after: Option<String>,
    /// Jobs per page, 1 to 200; 50 when absent.
    limit: Option<u32>,
}

/// How long to wait for an end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetQuery {
    /// Answer when the job is final, at the latest after so many seconds (0 to 20).
    wait: Option<u64>,
}

/// `GET /api/v1/jobs`
pub(super) async fn list(
    State(state): State<ApiState>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<JobList>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::Invalid("`limit` must be 1 to 200".into()));
    }
    let has_type = |name| state.config().document_types.contains(name);
    if query
        .document_type
        .as_ref()
        .is_some_and(|name| !has_type(name))
    {
        let known = state.config().document_types.join(", ");
        return Err(Problem::UnknownDocumentType(known));
    }
    let filter = JobFilter {
        state: query.state,
        document_type: query.document_type,
        created_from_ms: query.created_from.map(|time| time.0),
        created_before_ms: query.created_before.map(|time| time.0),
        after: query.after.as_deref().map(parse_cursor).transpose()?,
    };
    // One more than asked for tells whether there is another page.
    let mut jobs = state.store().jobs(&filter, i64::from(limit) + 1).await?;
    let has_more = jobs.len() > limit as usize;
    jobs.truncate(limit as usize);
    let last = jobs.last().filter(|_| has_more);
    Ok(axum::Json(JobList {
        next: last.map(|job| format!("{}.{}", job.created_ms, job.id)),
        jobs: jobs.into_iter().map(JobBody::from).collect(),
    }))
}

fn parse_cursor(text: &str) -> Result<Cursor, Problem> {
    let parse = || {
        let (created_ms, id) = text.split_once('.')?;
        Some(Cursor {
            created_ms: created_ms.parse().ok()?,
            id: id.parse::<uuid::Uuid>().ok()?.to_string(),
        })
    };
    parse().ok_or_else(|| Problem::Invalid("`after` must be the `next` of a page".into()))
}

/// `GET /api/v1/jobs/{id}`, at once or when the job has ended.
pub(super) async fn get(
    State(state): State<ApiState>,
    Id(id): Id,
    Query(query): Query<GetQuery>,
) -> Result<axum::Json<JobBody>, Problem> {
    let seconds = query.wait.unwrap_or(0);
    if seconds > MAX_WAIT_SECONDS {
        return Err(Problem::Invalid("`wait` must be 0 to 20 seconds".into()));
    }
    let job = find(&state, &id).await?;
    if job.state.is_final() || seconds == 0 {
        return Ok(axum::Json(job.into()));
    }
    let wait = Duration::from_secs(seconds);
    let job = match tokio::time::timeout(wait, state.waiting().until_ended(&id)).await {
        Ok(ended) => ended?,
        Err(_) => find(&state, &id).await?,
    };
    Ok(axum::Json(job.into()))
}

/// `GET /api/v1/jobs/{id}/result`
pub(super) async fn result(State(state): State<ApiState>, Id(id): Id) -> Result<Response, Problem> {
    let job = find(&state, &id).await?;
    match job.state {
        JobState::Succeeded | JobState::NeedsReview => {}
        ended if ended.is_final() => {
            let reason = job.reason.unwrap_or_else(|| "it was ended".to_owned());
            return Err(Problem::NoResult(
                format!("the job is {ended} ({reason}) and has no result").into(),
            ));
        }
        going => {
            return Err(Problem::NoResult(
                format!("the job is {going}; wait for it with `GET /api/v1/jobs/{id}?wait=20`")
                    .into(),
            ));
        }
    }
    let result = state.store().result(&id).await?;
    let result = result.ok_or(Problem::NotFound("result"))?;
    Ok(([(CONTENT_TYPE, "application/json")], result.result).into_response())
}

/// `POST /api/v1/jobs/{id}/cancel`: cancelling a cancelled job is no error.
pub(super) async fn cancel(
    State(state): State<ApiState>,
    Id(id): Id,
) -> Result<axum::Json<JobBody>, Problem> {
    match state.store().cancel(&id, state.now_ms()).await? {
        Cancel::Cancelled(job) => {
            tracing::info!(job_id = job.id, "cancelled a job");
            Ok(axum::Json(job.into()))
        }
        Cancel::AlreadyFinished(job) if job.state == JobState::Cancelled => {
            Ok(axum::Json(job.into()))
        }
        Cancel::AlreadyFinished(job) => Err(Problem::Conflict(
            format!("the job is {} and cannot be cancelled any more", job.state).into(),
        )),
        Cancel::Unknown => Err(Problem::NotFound("job")),
    }
}

/// `POST /api/v1/jobs/{id}/retry`
pub(super) async fn retry(
    State(state): State<ApiState>,
    Id(id): Id,
) -> Result<(StatusCode, axum::Json<JobBody>), Problem> {
    match state.store().retry(&id, state.now_ms()).await? {
        Retry::Queued(job) => {
            state.wake_relay();
            tracing::info!(job_id = job.id, "queued a job again");
            Ok((StatusCode::ACCEPTED, axum::Json(job.into())))
        }
        Retry::NotRetryable(job) => Err(Problem::Conflict(
            format!("the job is {} and there is nothing to retry", job.state).into(),
        )),
        Retry::TooLate => Err(Problem::Conflict(
            "the job is older than jobs are kept, and is being deleted".into(),
        )),
        Retry::Unknown => Err(Problem::NotFound("job")),
    }
}

async fn find(state: &ApiState, id: &str) -> Result<Job, Problem> {
    state.store().job(id).await?.ok_or(Problem::NotFound("job"))
}
