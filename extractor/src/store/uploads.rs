//! The table `uploads`: documents that clients put into the blob store themselves.

use sqlx::any::AnyRow;
use sqlx::{Connection, Row};

use super::idempotency::{self, Idempotency, Recorded};
use super::row::upload_columns;
use super::submit::{self, NewJob};
use super::{Store, StoreError};

/// How long after the end of its link an upload may still be completed. Whoever deletes abandoned uploads
/// must wait longer.
pub const UPLOAD_COMPLETION_MS: i64 = 1_800_000;

/// A promise to take a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// UUID v7.
    pub id: String,
    /// The API key that asked.
    pub client: String,
    /// A label.
    pub file_name: String,
    /// The only type that the signed link takes.
    pub content_type: String,
    /// The only size that the signed link takes.
    pub size_bytes: i64,
    /// `Invoice` or `Receipt`.
    pub document_type: String,
    /// Where the bytes go.
    pub blob_key: String,
    /// When it was promised.
    pub created_ms: i64,
    /// When the link ends.
    pub expires_ms: i64,
    /// The job, once the upload is complete.
    pub job_id: Option<String>,
}

/// What became of a completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completed {
    /// The job is stored and its message is owed.
    Created,
    /// It was completed before, with this job.
    Before(String),
    /// There is no such upload.
    Unknown,
}

impl Upload {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            client: row.try_get("client")?,
            file_name: row.try_get("file_name")?,
            content_type: row.try_get("content_type")?,
            size_bytes: row.try_get("size_bytes")?,
            document_type: row.try_get("document_type")?,
            blob_key: row.try_get("blob_key")?,
            created_ms: row.try_get("created_ms")?,
            expires_ms: row.try_get("expires_ms")?,
            job_id: row.try_get("job_id")?,
        })
    }
}

impl Store {
    /// Stores a promise; with an idempotency key that was used before, nothing is stored and the first
    /// answer comes back.
    pub async fn create_upload(
        &self,
        upload: &Upload,
        idempotency: Option<&Idempotency>,
    ) -> Result<Option<Recorded>, StoreError> {
        self.timed("store an upload", async {
            let mut connection = self.connection().await?;
            let mut transaction = connection.begin().await?;
            if let Some(idempotency) = idempotency
                && let Some(first) =
                    idempotency::record(&mut transaction, idempotency, upload.created_ms).await?
            {
                return Ok(Some(first));
            }
            sqlx::query(
                "INSERT INTO uploads (id, client, file_name, content_type, size_bytes,
                     document_type, blob_key, created_ms, expires_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(&upload.id)
            .bind(&upload.client)
            .bind(&upload.file_name)
            .bind(&upload.content_type)
            .bind(upload.size_bytes)
            .bind(&upload.document_type)
            .bind(&upload.blob_key)
            .bind(upload.created_ms)
            .bind(upload.expires_ms)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(None)
        })
        .await
    }

    /// An upload by its id.
    pub async fn upload(&self, id: &str) -> Result<Option<Upload>, StoreError> {
        self.timed("read an upload", async {
            let mut connection = self.connection().await?;
            let row = sqlx::query(concat!(
                "SELECT ",
                upload_columns!(),
                " FROM uploads WHERE id = $1"
            ))
            .bind(id)
            .fetch_optional(&mut *connection)
            .await?;
            row.as_ref().map(Upload::from_row).transpose()
        })
        .await
    }

    /// Turns an upload into a document with a job, once.
    pub async fn complete_upload(
        &self,
        upload_id: &str,
        new: &NewJob,
        now_ms: i64,
    ) -> Result<Completed, StoreError> {
        self.timed("complete an upload", async {
            let mut connection = self.connection().await?;
            let mut transaction = connection.begin().await?;
            let done =
                sqlx::query("UPDATE uploads SET job_id = $1 WHERE id = $2 AND job_id IS NULL")
                    .bind(&new.id)
                    .bind(upload_id)
                    .execute(&mut *transaction)
                    .await?;
            if done.rows_affected() == 0 {
                let row = sqlx::query("SELECT job_id FROM uploads WHERE id = $1")
                    .bind(upload_id)
                    .fetch_optional(&mut *transaction)
                    .await?;
                return match row {
                    Some(row) => Ok(Completed::Before(row.try_get("job_id")?)),
                    None => Ok(Completed::Unknown),
                };
            }
            submit::insert(&mut transaction, new, now_ms).await?;
            transaction.commit().await?;
            Ok(Completed::Created)
        })
        .await
    }

    /// Up to `limit` uploads that were never completed and ended before `before_ms`.
    pub async fn abandoned_uploads(
        &self,
        before_ms: i64,
        limit: i64,
    ) -> Result<Vec<Upload>, StoreError> {
        self.timed("find abandoned uploads", async {
            let mut connection = self.connection().await?;
            let rows = sqlx::query(concat!(
                "SELECT ",
                upload_columns!(),
                " FROM uploads WHERE job_id IS NULL AND expires_ms < $1
                 ORDER BY expires_ms LIMIT $2",
            ))
            .bind(before_ms)
            .bind(limit)
            .fetch_all(&mut *connection)
            .await?;
            rows.iter().map(Upload::from_row).collect()
        })
        .await
    }

    /// Deletes an upload that was never completed. Call it after its object is gone.
    pub async fn delete_upload(&self, id: &str) -> Result<(), StoreError> {
        self.timed("delete an upload", async {
            let mut connection = self.connection().await?;
            sqlx::query("DELETE FROM uploads WHERE id = $1 AND job_id IS NULL")
                .bind(id)
                .execute(&mut *connection)
                .await?;
            Ok(())
        })
        .await
    }
}
