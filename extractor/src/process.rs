//! Reads documents in child processes that can be killed: no byte of a document is opened anywhere else.
//!
//! A child serves one document at a time and many in its life. It has no network, no files, and bounded
//! memory and time; when it dies, the document it held is refused and the next one gets a new child.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::geometry::Page;
use crate::page::{Limits, Reason, Refusal};
use crate::recognise::{EngineError, ModelFolder};

mod child;
mod confine;
mod message;
mod worker;

pub use child::{ChildArguments, SUBCOMMAND as CHILD_SUBCOMMAND, run as run_child};
use worker::Worker;

/// How documents are read.
#[derive(Clone, Debug)]
pub struct ReaderSettings {
    /// The extractor's binary; the running one when absent.
    pub program: Option<PathBuf>,
    /// Folder with the models; the newest in the user's cache when absent.
    pub models_dir: Option<PathBuf>,
    /// What one document may cost.
    pub limits: Limits,
    /// A document that takes longer is refused.
    pub timeout: Duration,
    /// A child that gives no sign of life for so long is killed.
    pub stall_timeout: Duration,
    /// Address space of a child in bytes.
    pub memory_bytes: u64,
    /// Documents read at the same time, each by a child of its own.
    pub children: usize,
    /// A child is replaced after so many documents.
    pub documents_per_child: u32,
}

impl Default for ReaderSettings {
    fn default() -> Self {
        Self {
            program: None,
            models_dir: None,
            limits: Limits::default(),
            timeout: Duration::from_secs(300),
            stall_timeout: Duration::from_secs(30),
            memory_bytes: 2 << 30,
            children: 1,
            documents_per_child: 200,
        }
    }
}

/// A page has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageEvent {
    /// Number of the page, from 1.
    pub number: u32,
    /// Pages of the document.
    pub total: u32,
}

/// Why a document has no pages.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The document's own fault: reading it again would end the same way.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Our fault: no models, or no child can be started. The document may be read later.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A child cannot be started or spoken to.
    #[error("cannot run a reader process: {0}")]
    Process(#[from] std::io::Error),
    /// A child could not load the engine, or the engine failed.
    #[error("the reader process failed: {0}")]
    Failed(String),
}

/// A bounded set of children, started when needed and kept for the next document.
pub struct Reader {
    settings: ReaderSettings,
    models: ModelFolder,
    free: Semaphore,
    idle: Mutex<Vec<Worker>>,
}

impl Reader {
    /// Checks that the models are there; starts nothing yet.
    ///
    /// # Errors
    /// [`ReadError::Engine`] when they are not.
    pub fn new(settings: ReaderSettings) -> Result<Self, ReadError> {
        let models = ModelFolder::locate(settings.models_dir.as_deref())?;
        Ok(Self {
            free: Semaphore::new(settings.children.max(1)),
            models,
            settings,
            idle: Mutex::default(),
        })
    }

    /// Starts a child ahead of the first document; a service that cannot read finds out here.
    ///
    /// # Errors
    /// When no child can be started.
    pub async fn warm(&self) -> Result<(), ReadError> {
        let worker = self.worker().await?;
        self.idle().push(worker);
        Ok(())
    }

    /// Reads all pages. Waits for a free child; `progress` hears of each page. Dropping the future kills the
    /// child that reads the document.
    ///
    /// # Errors
    /// [`ReadError::Refused`] for good, anything else for now.
    pub async fn read(
        &self,
        bytes: Bytes,
        progress: impl FnMut(PageEvent) + Send,
    ) -> Result<Vec<Page>, ReadError> {
        self.settings.limits.check_bytes(bytes.len() as u64)?;
        let _permit = self
            .free
            .acquire()
            .await
            .map_err(|_| ReadError::Failed("the reader is closed".to_owned()))?;
        let reading = self.read_by_child(bytes, progress);
        tokio::time::timeout(self.settings.timeout, reading)
            .await
            .unwrap_or_else(|_| {
                let seconds = self.settings.timeout.as_secs();
                Err(Refusal::new(
                    Reason::Timeout,
                    format!("The document took longer than {seconds} seconds."),
                )
                .into())
            })
    }

    /// A child that died without a word may have died before this document came, so that a fresh one decides.
    async fn read_by_child(
        &self,
        bytes: Bytes,
        mut progress: impl FnMut(PageEvent) + Send,
    ) -> Result<Vec<Page>, ReadError> {
        let stall = self.settings.stall_timeout;
        let mut worker = self.worker().await?;
        let mut outcome = worker.read(bytes.clone(), stall, &mut progress).await;
        if worker.died_silent() {
            tracing::info!("a reader process had ended: the document is read by another");
            worker = Worker::start(&self.settings, &self.models).await?;
            outcome = worker.read(bytes, stall, &mut progress).await;
        }
        if worker.is_reusable(self.settings.documents_per_child) {
            self.idle().push(worker);
        }
        outcome
    }

    /// How long one document may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// Process ids of the children that wait for a document.
    #[must_use]
    pub fn idle_children(&self) -> Vec<u32> {
        self.idle().iter().filter_map(Worker::id).collect()
    }

    async fn worker(&self) -> Result<Worker, ReadError> {
        let waiting = self.idle().pop();
        match waiting {
            Some(worker) => Ok(worker),
            None => Worker::start(&self.settings, &self.models).await,
        }
    }

    /// The list stays whole whatever happens while it is locked.
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
