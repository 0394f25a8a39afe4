//! The table `results`.

use sqlx::{AnyConnection, Row};

use super::{Store, StoreError};

/// What extraction found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResult {
    /// The JSON that clients read.
    pub result: String,
    /// Its copy in the blob store.
    pub blob_key: Option<String>,
}

/// Where the copy of a job's result is in the blob store.
#[must_use]
pub fn result_key(job_id: &str) -> String {
    format!("results/{job_id}.json")
}

impl Store {
    /// The result of a job.
    pub async fn result(&self, job_id: &str) -> Result<Option<StoredResult>, StoreError> {
        self.timed("read a result", async {
            let mut connection = self.connection().await?;
            let row = sqlx::query("SELECT result, blob_key FROM results WHERE job_id = $1")
                .bind(job_id)
                .fetch_optional(&mut *connection)
                .await?;
            row.map(|row| {
                Ok(StoredResult {
                    result: row.try_get("result")?,
                    blob_key: row.try_get("blob_key")?,
                })
            })
            .transpose()
        })
        .await
    }
}

/// Writes the result of a job inside the transaction that finishes it; a retried job replaces its last one.
pub(super) async fn put(
    connection: &mut AnyConnection,
    job_id: &str,
    new: &StoredResult,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO results (job_id, result, blob_key, created_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (job_id) DO UPDATE SET result = $2, blob_key = $3, created_ms = $4",
    )
    .bind(job_id)
    .bind(&new.result)
    .bind(&new.blob_key)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}
