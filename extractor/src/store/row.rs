//! Reading rows: the column lists and how each becomes a value.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::documents::Document;
use super::jobs::{Job, JobState};

/// Columns of a job, in the order that nothing depends on; `jobs.` keeps joins unambiguous.
macro_rules! job_columns {
    () => {
        "jobs.id, jobs.document_id, jobs.document_type, jobs.state, jobs.reason, jobs.message, \
         jobs.attempts, jobs.created_ms, jobs.updated_ms, jobs.started_ms, jobs.finished_ms, \
         jobs.deleting_ms"
    };
}
pub(super) use job_columns;

/// Columns of a document. Named, because a prepared `*` breaks when a migration adds one.
macro_rules! document_columns {
    () => {
        "id, client, file_name, declared_content_type, content_type, sha256, size_bytes, blob_key, \
         document_type, created_ms"
    };
}
pub(super) use document_columns;

/// Columns of an upload.
macro_rules! upload_columns {
    () => {
        "id, client, file_name, content_type, size_bytes, document_type, blob_key, created_ms, \
         expires_ms, job_id"
    };
}
pub(super) use upload_columns;

impl Job {
    pub(super) fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let state: String = row.try_get("state")?;
        Ok(Self {
            id: row.try_get("id")?,
            document_id: row.try_get("document_id")?,
            document_type: row.try_get("document_type")?,
            state: state.parse::<JobState>().map_err(decode)?,
            reason: row.try_get("reason")?,
            message: row.try_get("message")?,
            attempts: row.try_get("attempts")?,
            created_ms: row.try_get("created_ms")?,
            updated_ms: row.try_get("updated_ms")?,
            started_ms: row.try_get("started_ms")?,
            finished_ms: row.try_get("finished_ms")?,
            is_being_deleted: row.try_get::<Option<i64>, _>("deleting_ms")?.is_some(),
        })
    }
}

impl Document {
    pub(super) fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            client: row.try_get("client")?,
            file_name: row.try_get("file_name")?,
            declared_content_type: row.try_get("declared_content_type")?,
            content_type: row.try_get("content_type")?,
            sha256: row.try_get("sha256")?,
            size_bytes: row.try_get("size_bytes")?,
            blob_key: row.try_get("blob_key")?,
            document_type: row.try_get("document_type")?,
            created_ms: row.try_get("created_ms")?,
        })
    }
}

/// A value that no statement of ours writes.
pub(super) fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}
