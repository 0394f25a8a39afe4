//! A new job: document, job and outbox entry in one transaction, so that none exists without the others.

use sqlx::{AnyConnection, Connection};

use super::documents::NewDocument;
use super::idempotency::{self, Idempotency, Recorded};
use super::outbox;
use super::{Store, StoreError};

/// A document and the job that extracts it.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// UUID v7.
    pub id: String,
    /// `Invoice` or `Receipt`.
    pub document_type: String,
    /// What to extract.
    pub document: NewDocument,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// The job is stored and its message is owed.
    Created,
    /// The idempotency key was used before: nothing was stored, and this was the first answer.
    Repeated(Recorded),
}

impl Store {
    /// Stores a document, its job and the message it owes. An upload with the document's id was the promise of
    /// its bytes, and is kept by that.
    pub async fn submit(
        &self,
        new: &NewJob,
        idempotency: Option<&Idempotency>,
        now_ms: i64,
    ) -> Result<Submitted, StoreError> {
        self.timed("store a job", async {
            let mut connection = self.connection().await?;
            let mut transaction = connection.begin().await?;
            if let Some(idempotency) = idempotency
                && let Some(first) =
                    idempotency::record(&mut transaction, idempotency, now_ms).await?
            {
                return Ok(Submitted::Repeated(first));
            }
            insert(&mut transaction, new, now_ms).await?;
            sqlx::query("DELETE FROM uploads WHERE id = $1")
                .bind(&new.document.id)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(Submitted::Created)
        })
        .await
    }
}

/// The three rows of a new job, inside a transaction.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    new: &NewJob,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let document = &new.document;
    sqlx::query(
        "INSERT INTO documents (id, client, file_name, declared_content_type, content_type, sha256,
             size_bytes, blob_key, document_type, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&document.id)
    .bind(&document.client)
    .bind(&document.file_name)
    .bind(&document.declared_content_type)
    .bind(&document.content_type)
    .bind(&document.sha256)
    .bind(document.size_bytes)
    .bind(&document.blob_key)
    .bind(&new.document_type)
    .bind(now_ms)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO jobs (id, document_id, document_type, state, attempts, created_ms, updated_ms)
         VALUES ($1, $2, $3, 'queued', 0, $4, $4)",
    )
    .bind(&new.id)
    .bind(&document.id)
    .bind(&new.document_type)
    .bind(now_ms)
    .execute(&mut *connection)
    .await?;
    outbox::owe(connection, &new.id, 0, now_ms).await?;
    Ok(())
}
