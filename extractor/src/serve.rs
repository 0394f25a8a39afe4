//! The roles of the binary: each builds its parts from settings and runs them until it is told to stop.

mod cluster;
mod data_dir;
mod embedded;
mod http;
mod migrate;
mod operations;
mod parts;
mod shutdown;

use crate::blobs::BlobError;
use crate::config::SecretError;
use crate::process::ReadError;
use crate::store::StoreError;

pub use cluster::{api, worker};
pub use data_dir::{DataDir, DataDirError};
pub use embedded::serve;
pub use migrate::migrate;
pub use shutdown::stop_signal;

/// Why a role could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// As configured.
        address: std::net::SocketAddr,
        /// From the system.
        #[source]
        source: std::io::Error,
    },
    /// The log filter.
    #[error(transparent)]
    Filter(#[from] crate::telemetry::InvalidFilter),
    /// A key file.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database; the sentence holds its causes.
    #[error("{}", .0.explain())]
    Store(StoreError),
    /// The storage.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The engine that reads documents.
    #[error(transparent)]
    Reader(#[from] ReadError),
    /// The data folder.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// A document type of the settings.
    #[error(transparent)]
    DocumentType(#[from] crate::document::UnknownDocumentType),
    /// The system refused a signal handler.
    #[error("cannot listen for signals")]
    Signal(#[source] std::io::Error),
    /// The server ended by itself.
    #[error("the HTTP server failed")]
    Http(#[source] std::io::Error),
}

impl From<StoreError> for ServeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
