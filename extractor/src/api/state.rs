//! What the handlers share. The role that starts the API fills it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::keyring::Keyring;
use super::limits::{Limits, Rate};
use super::problem::Problem;
use super::waiting::Waiting;
use crate::blobs::Blobs;
use crate::config::{LimitArgs, SecretFile, SizeArgs};
use crate::store::{SCHEMA_VERSION, Store, StoreError};

/// Tells the time in milliseconds since 1970; passed in, so that tests set it.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Told of every answer but those to probes, for metrics.
pub type RequestObserver = Arc<dyn Fn(&RequestOutcome<'_>) + Send + Sync>;

/// One answered request. The route is the pattern (`/api/v1/jobs/{id}`), so labels stay few.
#[derive(Clone, Copy, Debug)]
pub struct RequestOutcome<'a> {
    /// `GET`, `POST`, ..., or `other`.
    pub method: &'a str,
    /// The pattern, or `none`.
    pub route: &'a str,
    /// HTTP status.
    pub status: u16,
    /// From the first byte of the request to the head of the answer.
    pub seconds: f64,
}

/// Settings of the API.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Accepted document types, as in the pipeline's `documentTypes`.
    pub document_types: Vec<String>,
    /// Largest accepted document.
    pub max_document_bytes: u64,
    /// File with the key that has every scope; read again when it changes.
    pub admin_key: SecretFile,
    /// File with the key that signs upload links of the embedded mode.
    pub signing_key: SecretFile,
    /// Proxies between us and the client that append to `X-Forwarded-For`; 0 takes the peer's address.
    pub trusted_proxies: usize,
    /// Requests without a valid key, per address.
    pub anonymous_rate: Rate,
    /// Requests of one key.
    pub key_rate: Rate,
    /// Requests in hand at the same time.
    pub max_concurrent_requests: usize,
    /// Bytes of documents that may be in memory at the same time; at least `max_document_bytes` is used.
    pub max_buffered_bytes: u64,
    /// Longest time of one request, the upload of its body included.
    pub request_timeout: Duration,
}

impl ApiConfig {
    /// Defaults for everything that has one.
    #[must_use]
    pub fn new(
        document_types: Vec<String>,
        admin_key: SecretFile,
        signing_key: SecretFile,
    ) -> Self {
        Self {
            document_types,
            max_document_bytes: 20 * 1024 * 1024,
            admin_key,
            signing_key,
            trusted_proxies: 0,
            anonymous_rate: Rate {
                requests: 100,
                per: Duration::from_secs(15 * 60),
            },
            key_rate: Rate {
                requests: 60_000,
                per: Duration::from_secs(60),
            },
            max_concurrent_requests: 1_000,
            max_buffered_bytes: 256 * 1024 * 1024,
            request_timeout: Duration::from_secs(60),
        }
    }
}

impl ApiConfig {
    /// Takes over what the settings say.
    #[must_use]
    pub fn within(mut self, size: SizeArgs, limits: LimitArgs) -> Self {
        self.max_document_bytes = size.max_document_bytes;
        self.max_concurrent_requests = limits.max_concurrent_requests as usize;
        self.key_rate.requests = limits.key_requests_per_minute;
        self.anonymous_rate.requests = limits.anonymous_requests;
        self.trusted_proxies = usize::from(limits.trusted_proxies);
        self
    }
}

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    inner: Arc<Inner>,
}

struct Inner {
    config: ApiConfig,
    store: Store,
    blobs: Arc<dyn Blobs>,
    outbox: Arc<Notify>,
    clock: Clock,
    observer: RequestObserver,
    keyring: Keyring,
    limits: Limits,
    buffer: Semaphore,
    waiting: Arc<Waiting>,
    has_been_ready: AtomicBool,
}

impl fmt::Debug for ApiState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ApiState").finish_non_exhaustive()
    }
}

/// Bytes per permit of the buffer: keeps the permits of large buffers within a u32.
const BUFFER_UNIT: u64 = 1024;

impl ApiState {
    /// Puts the parts together. `outbox` is poked after each stored job.
    #[must_use]
    pub fn new(
        config: ApiConfig,
        store: Store,
        blobs: Arc<dyn Blobs>,
        outbox: Arc<Notify>,
        clock: Clock,
        observer: RequestObserver,
    ) -> Self {
        let buffered = config.max_buffered_bytes.max(config.max_document_bytes);
        let units = usize::try_from(buffered.div_ceil(BUFFER_UNIT)).unwrap_or(usize::MAX);
        Self {
            inner: Arc::new(Inner {
                keyring: Keyring::new(config.admin_key.clone()),
                limits: Limits::new(&config),
                buffer: Semaphore::new(units.min(Semaphore::MAX_PERMITS)),
                waiting: Waiting::new(store.clone()),
                has_been_ready: AtomicBool::new(false),
                config,
                store,
                blobs,
                outbox,
                clock,
                observer,
            }),
        }
    }

    /// Settings.
    #[must_use]
    pub fn config(&self) -> &ApiConfig {
        &self.inner.config
    }

    /// True once the database was reached with the schema we need, and from then on: when it goes away later,
    /// clients get our 503 with `Retry-After` and not the proxy's.
    pub async fn is_ready(&self) -> Result<bool, StoreError> {
        if self.inner.has_been_ready.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let is_ready = self.store().schema_version().await? >= SCHEMA_VERSION;
        if is_ready {
            self.inner.has_been_ready.store(true, Ordering::Relaxed);
        }
        Ok(is_ready)
    }

    pub(super) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(super) fn blobs(&self) -> &dyn Blobs {
        &*self.inner.blobs
    }

    pub(super) fn keyring(&self) -> &Keyring {
        &self.inner.keyring
    }

    pub(super) fn waiting(&self) -> &Arc<Waiting> {
        &self.inner.waiting
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    pub(super) fn now_ms(&self) -> i64 {
        (self.inner.clock)()
    }

    pub(super) fn observe(&self, outcome: &RequestOutcome<'_>) {
        (self.inner.observer)(outcome);
    }

    /// A message is owed: wakes the relay.
    pub(super) fn wake_relay(&self) {
        self.inner.outbox.notify_one();
    }

    /// Room in memory for a document of up to `bytes`, held until the permit is dropped.
    pub(super) async fn reserve_buffer(
        &self,
        bytes: u64,
    ) -> Result<tokio::sync::SemaphorePermit<'_>, Problem> {
        let units = u32::try_from(bytes.div_ceil(BUFFER_UNIT)).unwrap_or(u32::MAX);
        let room = self.inner.buffer.acquire_many(units);
        match tokio::time::timeout(Duration::from_secs(5), room).await {
            Ok(permit) => permit.map_err(|_| Problem::Overloaded),
            Err(_) => Err(Problem::Overloaded),
        }
    }

    /// A fresh id, ordered by the time of its making.
    pub(super) fn new_id(&self) -> String {
        uuid::Uuid::now_v7().to_string()
    }
}
