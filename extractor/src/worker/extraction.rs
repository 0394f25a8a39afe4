//! The real work: pages from a confined child process, fields from pages.

use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Extract, Failure};
use crate::document::{self, DocumentType};
use crate::geometry::Page;
use crate::process::{ReadError, Reader};
use crate::result::{ExtractionResult, SCHEMA, Timings};
use crate::store::ClaimedJob;

/// Reads documents with the engine of this release.
pub struct Extraction {
    reader: Reader,
}

impl Extraction {
    /// Starts nothing yet; the reader starts its children when they are needed.
    #[must_use]
    pub fn new(reader: Reader) -> Self {
        Self { reader }
    }

    /// Starts a child, so that a service that cannot read says so before it takes work.
    pub async fn warm(&self) -> Result<(), ReadError> {
        self.reader.warm().await
    }
}

#[async_trait]
impl Extract for Extraction {
    async fn extract(
        &self,
        claimed: &ClaimedJob,
        bytes: Bytes,
    ) -> Result<ExtractionResult, Failure> {
        let document_type: DocumentType = claimed.job.document_type.parse().map_err(|_| {
            Failure::document(
                "unknown_document_type",
                "This release does not know the document type.",
            )
        })?;
        let started = Instant::now();
        let pages = self.reader.read(bytes, |_| ()).await.map_err(failure)?;
        let recognise_ms = millis(started);
        let started = Instant::now();
        let (pages, found) = extract(document_type, pages).await?;
        Ok(ExtractionResult {
            schema: SCHEMA.into(),
            job_id: Some(claimed.job.id.clone()),
            document_type: claimed.job.document_type.clone(),
            pages,
            fields: found.fields,
            line_items: found.line_items,
            routing: found.routing,
            timings: Timings {
                recognise_ms,
                extract_ms: millis(started),
            },
        })
    }
}

/// Off the event loop: many pages take a while, and a panic costs this document only.
async fn extract(
    document_type: DocumentType,
    pages: Vec<Page>,
) -> Result<(Vec<Page>, document::Extraction), Failure> {
    let work = tokio::task::spawn_blocking(move || {
        let found = document::extract(document_type, &pages);
        (pages, found)
    });
    work.await
        .map_err(|_| Failure::document("crashed", "The extraction of fields ended unexpectedly."))
}

fn failure(error: ReadError) -> Failure {
    match error {
        ReadError::Refused(refusal) => Failure::document(refusal.reason.code(), refusal.detail),
        other => Failure::ours("engine_unavailable", other.to_string()),
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
