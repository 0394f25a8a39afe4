//! The table `documents`.

use sqlx::AnyConnection;

use super::row::document_columns;
use super::{Store, StoreError};

/// A document as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// UUID v7.
    pub id: String,
    /// The API key that sent it: `admin` or the key's id.
    pub client: String,
    /// The client's name for it. A label, never a path.
    pub file_name: String,
    /// What the client said it is.
    pub declared_content_type: String,
    /// What its first bytes say it is; absent until somebody has read them.
    pub content_type: Option<String>,
    /// In hex; absent until somebody has read the bytes.
    pub sha256: Option<String>,
    /// Size.
    pub size_bytes: i64,
    /// Where the bytes are in the blob store.
    pub blob_key: String,
    /// `Invoice` or `Receipt`.
    pub document_type: String,
    /// When it was accepted.
    pub created_ms: i64,
}

/// A document to be stored with its first job.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// UUID v7.
    pub id: String,
    /// The API key that sent it.
    pub client: String,
    /// A label.
    pub file_name: String,
    /// What the client said it is.
    pub declared_content_type: String,
    /// What its first bytes say it is, when they were read.
    pub content_type: Option<String>,
    /// In hex, when the bytes were read.
    pub sha256: Option<String>,
    /// Size.
    pub size_bytes: i64,
    /// Where the bytes are.
    pub blob_key: String,
}

impl Store {
    /// A document by its id.
    pub async fn document(&self, id: &str) -> Result<Option<Document>, StoreError> {
        self.timed("read a document", async {
            let mut connection = self.connection().await?;
            find(&mut connection, id).await
        })
        .await
    }

    /// Records what reading the bytes has shown: for documents that clients put into the bucket themselves.
    pub async fn describe_document(
        &self,
        id: &str,
        content_type: Option<&str>,
        sha256: &str,
    ) -> Result<(), StoreError> {
        self.timed("describe a document", async {
            let mut connection = self.connection().await?;
            sqlx::query(
                "UPDATE documents SET content_type = $1, sha256 = $2 WHERE id = $3 AND sha256 IS NULL",
            )
            .bind(content_type)
            .bind(sha256)
            .bind(id)
            .execute(&mut *connection)
            .await?;
            Ok(())
        })
        .await
    }
}

/// A document by its id, inside or outside of a transaction.
pub(super) async fn find(
    connection: &mut AnyConnection,
    id: &str,
) -> Result<Option<Document>, sqlx::Error> {
    let row = sqlx::query(concat!(
        "SELECT ",
        document_columns!(),
        " FROM documents WHERE id = $1"
    ))
    .bind(id)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(Document::from_row).transpose()
}
