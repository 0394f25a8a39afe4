//! The real work, as the worker needs it: failures sorted by whose fault they are.

use async_trait::async_trait;
use bytes::Bytes;

use super::{Extract, Failure};
use crate::document::DocumentType;
use crate::extract;
use crate::process::{ReadError, Reader};
use crate::result::ExtractionResult;
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
        let extracted = extract::extract(&self.reader, bytes, Some(document_type), |_| ());
        let mut result = extracted.await.map_err(failure)?;
        result.job_id = Some(claimed.job.id.clone());
        Ok(result)
    }
}

fn failure(error: ReadError) -> Failure {
    match error {
        ReadError::Refused(refusal) => Failure::document(refusal.reason.code(), refusal.detail),
        other => Failure::ours("engine_unavailable", other.to_string()),
    }
}
