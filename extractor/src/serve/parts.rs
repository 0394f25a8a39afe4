//! Builds what several roles need.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::ServeError;
use super::operations::Operations;
use crate::api::{ApiConfig, ApiState, RequestObserver, RequestOutcome};
use crate::blobs::{Blobs, S3};
use crate::clock::now_ms;
use crate::config::{DocumentArgs, PortArgs, ReadingArgs, SizeArgs, WorkArgs};
use crate::dependencies::{Dependencies, Dependency, Fault, Probe, keep_probing};
use crate::document::DocumentType;
use crate::metrics::Metrics;
use crate::page::Limits;
use crate::process::{Reader, ReaderSettings};
use crate::queue::{Queue, Sqs};
use crate::store::{DatabaseUrl, Observer, SCHEMA_VERSION, Store, StoreError};
use crate::worker::{Extraction, Worker};

/// A dead worker's job is taken by another after about this time.
pub(super) const VISIBILITY: Duration = Duration::from_secs(30);

/// The ports of a process, with what it tells of them.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) store: Store,
    pub(super) queue: Arc<dyn Queue>,
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) health: Dependencies,
    pub(super) metrics: Metrics,
    /// Poked when a message is owed.
    pub(super) wake: Arc<Notify>,
    pub(super) ready: Arc<AtomicBool>,
}

impl Parts {
    /// PostgreSQL, SQS and S3. Nothing is called yet.
    pub(super) async fn in_cluster(args: &PortArgs, connections: u32) -> Result<Self, ServeError> {
        let health = Dependencies::default();
        let settings = args.aws.settings();
        let aws = settings.load().await;
        let location = DatabaseUrl::File(args.database.database_url_file.clone());
        let store = Store::open(location, connections, Some(observer(&health.database))).await?;
        let queue = Sqs::new(
            &aws,
            settings.clone(),
            &args.queue_name,
            VISIBILITY,
            health.queue.clone(),
        );
        let blobs = S3::new(
            &aws,
            settings,
            &args.bucket,
            &args.bucket_prefix,
            health.storage.clone(),
        );
        Ok(Self {
            store,
            queue: Arc::new(queue),
            blobs: Arc::new(blobs),
            health,
            metrics: Metrics::default(),
            wake: Arc::default(),
            ready: Arc::default(),
        })
    }

    /// The metrics port of this process.
    pub(super) fn operations(&self) -> Operations {
        Operations {
            health: self.health.clone(),
            metrics: self.metrics.clone(),
            store: self.store.clone(),
            ready: self.ready.clone(),
        }
    }

    /// Asks the dependencies for signs of life, until dropped.
    pub(super) async fn probe_for_ever(&self) {
        tokio::join!(
            keep_probing(self.health.queue.clone(), self.queue.clone()),
            keep_probing(self.health.storage.clone(), self.blobs.clone()),
            keep_probing(
                self.health.database.clone(),
                DatabaseProbe(self.store.clone())
            ),
        );
    }

    /// The state of the HTTP API.
    pub(super) fn api_state(&self, config: ApiConfig) -> ApiState {
        ApiState::new(
            config,
            self.store.clone(),
            self.blobs.clone(),
            self.wake.clone(),
            Arc::new(now_ms),
            request_observer(self.metrics.clone()),
        )
    }

    /// A worker on these ports.
    pub(super) fn worker(&self, extraction: Extraction, args: WorkArgs) -> Arc<Worker> {
        Arc::new(Worker {
            name: process_name(),
            concurrency: usize::from(args.concurrency),
            grace: Duration::from_secs(args.shutdown_grace_seconds),
            store: self.store.clone(),
            queue: self.queue.clone(),
            blobs: self.blobs.clone(),
            extract: Arc::new(extraction),
            health: self.health.clone(),
            metrics: self.metrics.clone(),
        })
    }

    /// Waits for a database with the schema of this release.
    pub(super) async fn wait_for_schema(&self) {
        let mut told = 0;
        loop {
            match self.store.schema_version().await {
                Ok(version) if version >= SCHEMA_VERSION => return,
                Ok(version) if told != version + 1 => {
                    told = version + 1;
                    tracing::info!(
                        version,
                        needed = SCHEMA_VERSION,
                        "waiting for the migration of the database"
                    );
                }
                _ => {}
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

struct DatabaseProbe(Store);

#[async_trait]
impl Probe for DatabaseProbe {
    async fn probe(&self) {
        let _told_to_the_tracker = self.0.ping().await;
    }
}

/// Tells the tracker of the outcome of each call to the database.
pub(super) fn observer(health: &Dependency) -> Observer {
    let health = health.clone();
    Arc::new(move |outcome: Option<&StoreError>| match outcome {
        None => health.succeeded("sql"),
        Some(error) => health.failed("sql", &Fault::new(error.reason(), error.explain())),
    })
}

fn request_observer(metrics: Metrics) -> RequestObserver {
    Arc::new(move |outcome: &RequestOutcome<'_>| {
        let RequestOutcome {
            method,
            route,
            status,
            seconds,
        } = *outcome;
        metrics
            .http_requests
            .with_label_values(&[method, route, &status.to_string()])
            .inc();
        metrics
            .http_seconds
            .with_label_values(&[method, route])
            .observe(seconds);
    })
}

/// The engine, with one child process for each job in hand.
pub(super) async fn extraction(
    args: &ReadingArgs,
    size: SizeArgs,
    children: usize,
) -> Result<Extraction, ServeError> {
    let limits = Limits {
        bytes: size.max_document_bytes,
        pages: args.max_pages,
        page_pixels: args.max_page_pixels,
        ..Limits::default()
    };
    let reader = Reader::new(ReaderSettings {
        models_dir: args.models_dir.clone(),
        limits,
        timeout: Duration::from_secs(args.job_timeout_seconds),
        children,
        ..ReaderSettings::default()
    })?;
    let extraction = Extraction::new(reader);
    extraction.warm().await?;
    Ok(extraction)
}

/// The accepted types, each known to this release.
pub(super) fn document_types(args: &DocumentArgs) -> Result<Vec<String>, ServeError> {
    for name in &args.document_types {
        name.parse::<DocumentType>()?;
    }
    Ok(args.document_types.clone())
}

/// The name of this process in leases.
fn process_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}
