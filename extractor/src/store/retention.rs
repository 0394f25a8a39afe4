//! What is too old to keep. Rows go after the bytes they name: a row without bytes can be tried again, bytes
//! without a row are lost for ever.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Connection, Row};

use super::results::result_key;
use super::{Store, StoreError};

/// A finished job whose time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredJob {
    /// The job.
    pub job_id: String,
    /// Its document.
    pub document_id: String,
    /// Objects to delete first.
    pub blob_keys: Vec<String>,
}

impl ExpiredJob {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let job_id: String = row.try_get("id")?;
        // A worker whose job was cancelled or given up may have put a result that no row knows of.
        let own_key = result_key(&job_id);
        let known_key: Option<String> = row.try_get("result_key")?;
        let known_key = known_key.filter(|key| *key != own_key);
        let document_key: String = row.try_get("document_key")?;
        Ok(Self {
            job_id,
            document_id: row.try_get("document_id")?,
            blob_keys: [own_key]
                .into_iter()
                .chain(known_key)
                .chain([document_key])
                .collect(),
        })
    }
}

impl Store {
    /// Claims the deletion of up to `limit` jobs that became final before `before_ms`, oldest first, and returns
    /// them with those whose deletion was begun and not ended. From here on they cannot be retried.
    pub async fn claim_expired_jobs(
        &self,
        before_ms: i64,
        now_ms: i64,
        limit: i64,
    ) -> Result<Vec<ExpiredJob>, StoreError> {
        self.timed("find expired jobs", async {
            let mut connection = self.connection().await?;
            // The outer conditions are checked again on a row that was retried just now.
            sqlx::query(
                "UPDATE jobs SET deleting_ms = $1
                 WHERE finished_ms < $2 AND deleting_ms IS NULL AND id IN (
                     SELECT id FROM jobs WHERE finished_ms < $2 ORDER BY finished_ms LIMIT $3)",
            )
            .bind(now_ms)
            .bind(before_ms)
            .bind(limit)
            .execute(&mut *connection)
            .await?;
            let rows = sqlx::query(
                "SELECT jobs.id, jobs.document_id, documents.blob_key AS document_key,
                     results.blob_key AS result_key
                 FROM jobs JOIN documents ON documents.id = jobs.document_id
                     LEFT JOIN results ON results.job_id = jobs.id
                 WHERE jobs.deleting_ms IS NOT NULL AND jobs.finished_ms < $1
                 ORDER BY jobs.finished_ms LIMIT $2",
            )
            .bind(before_ms)
            .bind(limit)
            .fetch_all(&mut *connection)
            .await?;
            rows.iter().map(ExpiredJob::from_row).collect()
        })
        .await
    }

    /// Deletes a finished job with everything that hangs on it. Call it after its objects are gone. False
    /// means that its deletion was not claimed, or that another has deleted it.
    pub async fn delete_job(&self, expired: &ExpiredJob) -> Result<bool, StoreError> {
        self.timed("delete a job", async {
            let mut connection = self.connection().await?;
            let mut transaction = connection.begin().await?;
            for table in ["results", "outbox", "idempotency_keys", "uploads"] {
                sqlx::query(AssertSqlSafe(format!(
                    "DELETE FROM {table} WHERE job_id = $1"
                )))
                .bind(&expired.job_id)
                .execute(&mut *transaction)
                .await?;
            }
            let done = sqlx::query(
                "DELETE FROM jobs
                 WHERE id = $1 AND finished_ms IS NOT NULL AND deleting_ms IS NOT NULL",
            )
            .bind(&expired.job_id)
            .execute(&mut *transaction)
            .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
            sqlx::query("DELETE FROM documents WHERE id = $1")
                .bind(&expired.document_id)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(true)
        })
        .await
    }
}
