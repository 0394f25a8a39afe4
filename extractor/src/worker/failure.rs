//! Whose fault it is when a document yields no result.

use crate::blobs::BlobError;
use crate::store::StoreError;

/// Why an attempt failed. Messages are for clients and carry no document text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The document's own: another attempt would end the same way.
    #[error("{message} ({reason})")]
    Document {
        /// Stable snake-case code.
        reason: String,
        /// One sentence.
        message: String,
    },
    /// Ours: another attempt may succeed.
    #[error("{message} ({reason})")]
    Ours {
        /// Stable snake-case code.
        reason: String,
        /// One sentence.
        message: String,
    },
}

impl Failure {
    /// The document's own fault.
    pub fn document(reason: &str, message: impl Into<String>) -> Self {
        Self::Document {
            reason: reason.into(),
            message: message.into(),
        }
    }

    /// A fault of ours.
    pub fn ours(reason: &str, message: impl Into<String>) -> Self {
        Self::Ours {
            reason: reason.into(),
            message: message.into(),
        }
    }
}

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::NotFound { .. } => Self::document(
                "document_missing",
                "The document is not in the storage any more.",
            ),
            BlobError::InvalidKey => {
                Self::document("document_missing", "The document has no usable key.")
            }
            BlobError::Unavailable(fault) => Self::ours(
                "storage_unavailable",
                format!("The storage could not be used: {}.", fault.reason),
            ),
        }
    }
}

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        Self::ours(
            "database_unavailable",
            format!("The database could not be used: {}.", error.reason()),
        )
    }
}
