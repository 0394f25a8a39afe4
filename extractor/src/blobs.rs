//! Where documents and results lie: one small trait, with a folder and an S3 bucket behind it.
//!
//! Nothing here looks into the bytes.

mod directory;
mod s3;
mod upload_link;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Serialize;

pub use directory::Directory;
pub use s3::S3;
pub use upload_link::{UploadLink, UploadLinkError};

use crate::dependencies::Fault;

/// Objects by key. Every call is safe to repeat.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Writes the object whole or not at all; an object of that key is replaced.
    async fn put(&self, key: &str, content_type: &str, bytes: Bytes) -> Result<(), BlobError>;

    /// Reads the object, or [`BlobError::NotFound`].
    async fn get(&self, key: &str) -> Result<Bytes, BlobError>;

    /// The object's size, or `None` when there is none.
    async fn head(&self, key: &str) -> Result<Option<BlobHead>, BlobError>;

    /// Deletes the object; that there is none is no error.
    async fn delete(&self, key: &str) -> Result<(), BlobError>;

    /// A request that lets its holder write exactly this key, type and size, until it expires.
    async fn presign_put(
        &self,
        key: &str,
        content_type: &str,
        size: u64,
        expires: Duration,
    ) -> Result<PresignedPut, BlobError>;

    /// Asks the storage for a sign of life, without reading a document.
    async fn probe(&self) -> Result<(), BlobError>;
}

/// What is known of an object without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobHead {
    /// In bytes.
    pub size: u64,
}

/// A request for the client to send. All headers take part in the signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PresignedPut {
    /// Absolute address.
    pub url: String,
    /// Always `PUT`.
    pub method: String,
    /// To be sent exactly as given, in lower case.
    pub headers: Vec<(String, String)>,
}

/// Why an object could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no object of this key.
    #[error("there is no object {key}")]
    NotFound {
        /// As asked for.
        key: String,
    },
    /// The key could leave the store, or S3 would not take it.
    #[error(
        "a key must be 1 to 512 characters of a-z, A-Z, 0-9, '-', '_', '.' in segments parted by '/'"
    )]
    InvalidKey,
    /// The storage does not answer or refuses; worth a retry.
    #[error("storage: {0}")]
    Unavailable(#[from] Fault),
}

/// Refuses keys that could leave a folder or need escaping in a URL.
fn validate_key(key: &str) -> Result<(), BlobError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_segment = |s: &str| !s.is_empty() && !s.starts_with('.') && s.chars().all(is_plain);
    if key.len() <= 512 && key.split('/').all(is_segment) {
        Ok(())
    } else {
        Err(BlobError::InvalidKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_could_leave_the_store_is_refused() {
        for key in [
            "", "/a", "a/", "a//b", "../a", "a/../b", ".hidden", "a b", "a\\b", "é", "a\0b",
        ] {
            assert!(validate_key(key).is_err(), "{key:?}");
        }
        assert!(validate_key(&"a".repeat(513)).is_err());
        for key in ["documents/0192-abc/original", "results/x.json"] {
            assert!(validate_key(key).is_ok(), "{key:?}");
        }
    }
}
