//! The table `jobs`, read side: one job, and lists with filters and keyset paging.

use std::fmt;
use std::str::FromStr;

use sqlx::AssertSqlSafe;

use super::row::job_columns;
use super::{Store, StoreError};

/// Jobs that are looked at in one statement; a power of two.
const LOOKED_AT: usize = 512;

/// Where a job is in its life.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for a worker.
    Queued,
    /// A worker holds its lease.
    Processing,
    /// The required fields were found and agree.
    Succeeded,
    /// Fields were found; a person should look.
    NeedsReview,
    /// The document cannot be extracted; `reason` says why.
    Failed,
    /// Somebody asked for it not to be done.
    Cancelled,
    /// Given up after too many attempts; `retry` brings it back.
    DeadLettered,
}

impl JobState {
    /// All states, in the order of a job's life.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Processing,
        Self::Succeeded,
        Self::NeedsReview,
        Self::Failed,
        Self::Cancelled,
        Self::DeadLettered,
    ];

    /// As stored and as clients read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::NeedsReview => "needs_review",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::DeadLettered => "dead_lettered",
        }
    }

    /// Whether nothing more happens without a person asking.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Processing)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Text that names no state.
#[derive(Debug, thiserror::Error)]
#[error(
    "state must be one of queued, processing, succeeded, needs_review, failed, cancelled, dead_lettered"
)]
pub struct UnknownState;

impl FromStr for JobState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(UnknownState)
    }
}

/// A row of `jobs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// UUID v7.
    pub id: String,
    /// What it works on.
    pub document_id: String,
    /// `Invoice` or `Receipt`.
    pub document_type: String,
    /// Where it is.
    pub state: JobState,
    /// Stable code of the last failure.
    pub reason: Option<String>,
    /// One sentence about the last failure.
    pub message: Option<String>,
    /// How often a worker has begun it.
    pub attempts: i64,
    /// When it was accepted.
    pub created_ms: i64,
    /// When the row last changed.
    pub updated_ms: i64,
    /// When a worker last began it.
    pub started_ms: Option<i64>,
    /// When it became final.
    pub finished_ms: Option<i64>,
    /// Its time is over: its bytes may be gone already.
    pub is_being_deleted: bool,
}

/// Which jobs to list; absent members do not narrow.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only in this state.
    pub state: Option<JobState>,
    /// Only of this type.
    pub document_type: Option<String>,
    /// Created at or after.
    pub created_from_ms: Option<i64>,
    /// Created before.
    pub created_before_ms: Option<i64>,
    /// Continue after this job.
    pub after: Option<Cursor>,
}

/// The last job of a page: the list goes on with older ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Its creation.
    pub created_ms: i64,
    /// Its id.
    pub id: String,
}

impl Store {
    /// A job by its id.
    pub async fn job(&self, id: &str) -> Result<Option<Job>, StoreError> {
        self.timed("read a job", async {
            let mut connection = self.connection().await?;
            let row = sqlx::query(concat!(
                "SELECT ",
                job_columns!(),
                " FROM jobs WHERE id = $1"
            ))
            .bind(id)
            .fetch_optional(&mut *connection)
            .await?;
            row.as_ref().map(Job::from_row).transpose()
        })
        .await
    }

    /// Those of these jobs that have ended, in no order.
    pub async fn ended_jobs(&self, ids: &[String]) -> Result<Vec<Job>, StoreError> {
        let mut ended = Vec::new();
        for ids in ids.chunks(LOOKED_AT) {
            let rows = self.timed("look at jobs", async {
                let mut connection = self.connection().await?;
                let places = ids.len().next_power_of_two();
                let mut query = sqlx::query(AssertSqlSafe(ended_statement(places)));
                // The last one again and again changes nothing.
                for id in ids
                    .iter()
                    .chain(std::iter::repeat(&ids[ids.len() - 1]))
                    .take(places)
                {
                    query = query.bind(id);
                }
                let rows = query.fetch_all(&mut *connection).await?;
                rows.iter()
                    .map(Job::from_row)
                    .collect::<Result<Vec<_>, _>>()
            });
            ended.extend(rows.await?);
        }
        Ok(ended)
    }

    /// Up to `limit` jobs, newest first.
    pub async fn jobs(&self, filter: &JobFilter, limit: i64) -> Result<Vec<Job>, StoreError> {
        let statement = list_statement(filter);
        self.timed("list jobs", async {
            let mut connection = self.connection().await?;
            let mut query = sqlx::query(AssertSqlSafe(statement));
            if let Some(state) = filter.state {
                query = query.bind(state.as_str());
            }
            if let Some(document_type) = &filter.document_type {
                query = query.bind(document_type);
            }
            if let Some(from) = filter.created_from_ms {
                query = query.bind(from);
            }
            if let Some(before) = filter.created_before_ms {
                query = query.bind(before);
            }
            if let Some(after) = &filter.after {
                query = query.bind(after.created_ms).bind(&after.id);
            }
            let rows = query.bind(limit).fetch_all(&mut *connection).await?;
            rows.iter().map(Job::from_row).collect()
        })
        .await
    }
}

/// Few different statements, so that each is prepared once.
fn ended_statement(places: usize) -> String {
    let places: Vec<String> = (1..=places).map(|place| format!("${place}")).collect();
    let ended = JobState::ALL.into_iter().filter(|state| state.is_final());
    let ended: Vec<String> = ended.map(|state| format!("'{}'", state.as_str())).collect();
    format!(
        concat!(
            "SELECT ",
            job_columns!(),
            " FROM jobs WHERE id IN ({}) AND state IN ({})"
        ),
        places.join(", "),
        ended.join(", "),
    )
}

/// Only the conditions that are asked for, so that each combination finds its index; the text comes from
/// here alone and the values are bound, in the same order as in [`Store::jobs`].
fn list_statement(filter: &JobFilter) -> String {
    let mut statement = concat!("SELECT ", job_columns!(), " FROM jobs WHERE 1 = 1").to_owned();
    let mut bound = 0;
    let mut next = || {
        bound += 1;
        bound
    };
    if filter.state.is_some() {
        statement += &format!(" AND state = ${}", next());
    }
    if filter.document_type.is_some() {
        statement += &format!(" AND document_type = ${}", next());
    }
    if filter.created_from_ms.is_some() {
        statement += &format!(" AND created_ms >= ${}", next());
    }
    if filter.created_before_ms.is_some() {
        statement += &format!(" AND created_ms < ${}", next());
    }
    if filter.after.is_some() {
        statement += &format!(" AND (created_ms, id) < (${}, ${})", next(), next());
    }
    statement += &format!(" ORDER BY created_ms DESC, id DESC LIMIT ${}", next());
    statement
}
