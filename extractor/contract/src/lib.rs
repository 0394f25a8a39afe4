//! What the operator and the extractor agree on, and nothing else: names of subcommands, environment
//! variables, ports, paths, Secret keys, reasons and metrics. Names are only ever added, so that an operator can
//! run extractor images of two releases back.

/// Subcommands of the `extractor` binary.
pub mod subcommand {
    /// Everything in one process with embedded ports (`--data-dir`).
    pub const SERVE: &str = "serve";
    /// The HTTP API and the outbox relay.
    pub const API: &str = "api";
    /// Takes jobs from the queue and extracts.
    pub const WORKER: &str = "worker";
    /// Brings the database to the schema of this binary, then ends.
    pub const MIGRATE: &str = "migrate";
    /// Extracts files given on the command line; needs nothing else.
    pub const EXTRACT: &str = "extract";
}

/// Environment variables read by the extractor. None of them carries a secret: secrets are files.
pub mod env {
    /// Address and port of the public API, e.g. `0.0.0.0:8080`.
    pub const LISTEN_ADDRESS: &str = "EXTRACTION_LISTEN_ADDRESS";
    /// Address and port of `/metrics`, `/dependencies` and the worker's health, e.g. `0.0.0.0:9090`.
    pub const METRICS_ADDRESS: &str = "EXTRACTION_METRICS_ADDRESS";
    /// Folder for embedded data (SQLite file, documents, generated keys).
    pub const DATA_DIR: &str = "EXTRACTION_DATA_DIR";
    /// File that holds the PostgreSQL URL.
    pub const DATABASE_URL_FILE: &str = "EXTRACTION_DATABASE_URL_FILE";
    /// Name of the SQS queue.
    pub const QUEUE_NAME: &str = "EXTRACTION_QUEUE_NAME";
    /// Name of the S3 bucket.
    pub const BUCKET: &str = "EXTRACTION_BUCKET";
    /// Key prefix inside the bucket, without a leading slash; empty for none.
    pub const BUCKET_PREFIX: &str = "EXTRACTION_BUCKET_PREFIX";
    /// AWS region.
    pub const AWS_REGION: &str = "EXTRACTION_AWS_REGION";
    /// Endpoint of an S3 and SQS compatible service instead of AWS; S3 is then addressed path-style.
    pub const AWS_ENDPOINT_URL: &str = "EXTRACTION_AWS_ENDPOINT_URL";
    /// Folder with the files `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, optionally, `AWS_SESSION_TOKEN`.
    pub const AWS_CREDENTIALS_DIR: &str = "EXTRACTION_AWS_CREDENTIALS_DIR";
    /// Document types accepted, comma separated: `Invoice,Receipt`.
    pub const DOCUMENT_TYPES: &str = "EXTRACTION_DOCUMENT_TYPES";
    /// Jobs that one worker handles at the same time.
    pub const WORKER_CONCURRENCY: &str = "EXTRACTION_WORKER_CONCURRENCY";
    /// File with the API key that has every scope.
    pub const ADMIN_KEY_FILE: &str = "EXTRACTION_ADMIN_KEY_FILE";
    /// File with the key that signs upload links.
    pub const TOKEN_SIGNING_KEY_FILE: &str = "EXTRACTION_TOKEN_SIGNING_KEY_FILE";
    /// Days after which finished jobs with their documents and results are deleted; 0 keeps them.
    pub const RETENTION_DAYS: &str = "EXTRACTION_RETENTION_DAYS";
    /// Folder with the OCR models.
    pub const MODELS_DIR: &str = "EXTRACTION_MODELS_DIR";
    /// Largest accepted document in bytes.
    pub const MAX_DOCUMENT_BYTES: &str = "EXTRACTION_MAX_DOCUMENT_BYTES";
    /// Largest accepted number of pages.
    pub const MAX_PAGES: &str = "EXTRACTION_MAX_PAGES";
    /// Largest accepted number of pixels of one page.
    pub const MAX_PAGE_PIXELS: &str = "EXTRACTION_MAX_PAGE_PIXELS";
    /// Seconds after which the extraction of one document is ended.
    pub const JOB_TIMEOUT_SECONDS: &str = "EXTRACTION_JOB_TIMEOUT_SECONDS";
    /// Log filter in the form of `tracing`'s EnvFilter, e.g. `info`.
    pub const LOG: &str = "EXTRACTION_LOG";
    /// Public base URL of the API, used in upload links of the embedded mode.
    pub const PUBLIC_URL: &str = "EXTRACTION_PUBLIC_URL";
    /// Seconds to finish jobs in hand after SIGTERM; a little less than the pod's grace period.
    pub const SHUTDOWN_GRACE_SECONDS: &str = "EXTRACTION_SHUTDOWN_GRACE_SECONDS";
    /// Proxies in front of the API that append to `X-Forwarded-For`; 0 takes the peer's address.
    pub const TRUSTED_PROXIES: &str = "EXTRACTION_TRUSTED_PROXIES";
    /// Requests that one API process has in hand at the same time; more are answered with 503.
    pub const MAX_CONCURRENT_REQUESTS: &str = "EXTRACTION_MAX_CONCURRENT_REQUESTS";
    /// Requests per minute that each API key may send to one API process; more are answered with 429.
    pub const KEY_REQUESTS_PER_MINUTE: &str = "EXTRACTION_KEY_REQUESTS_PER_MINUTE";
    /// Requests without a valid key that each address may send to one API process in 15 minutes.
    pub const ANONYMOUS_REQUESTS: &str = "EXTRACTION_ANONYMOUS_REQUESTS";
    /// Seconds that `migrate` waits for a database that does not answer, before it ends and says so.
    pub const MIGRATE_WAIT_SECONDS: &str = "EXTRACTION_MIGRATE_WAIT_SECONDS";
}

/// Ports that the extractor listens on inside its pod.
pub mod port {
    /// Public API.
    pub const API: u16 = 8080;
    /// Metrics, dependencies and health of workers; never behind the Ingress.
    pub const METRICS: u16 = 9090;
}

/// HTTP paths that the operator and probes use.
pub mod path {
    /// Liveness, on both ports.
    pub const HEALTH_LIVE: &str = "/health/live";
    /// Readiness, on both ports.
    pub const HEALTH_READY: &str = "/health/ready";
    /// Prometheus metrics, on the metrics port.
    pub const METRICS: &str = "/metrics";
    /// Health of queue, storage and database as this process sees them (JSON), on the metrics port.
    pub const DEPENDENCIES: &str = "/dependencies";
}

/// Keys inside Secrets.
pub mod secret_key {
    /// Of `<pipeline>-admin-key`.
    pub const ADMIN_KEY: &str = "api-key";
    /// Of `<pipeline>-token-signing-key`.
    pub const TOKEN_SIGNING_KEY: &str = "key";
    /// Of `spec.aws.credentialsSecretRef`.
    pub const AWS_ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
    /// Of `spec.aws.credentialsSecretRef`.
    pub const AWS_SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
    /// Of `spec.aws.credentialsSecretRef`, optional.
    pub const AWS_SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
}

/// Why the database cannot be used: `reason` of `database` in `/dependencies`, and of the one-line termination message
/// `{"reason","migration","message"}` of a failed `migrate`.
pub mod database_reason {
    /// Nobody answers at the URL's host and port, or the server turns all connections away.
    pub const UNREACHABLE: &str = "DatabaseUnreachable";
    /// The server answers, and takes too long for a statement.
    pub const TIMED_OUT: &str = "DatabaseTimedOut";
    /// User or password are wrong, or the server lets nobody in from here.
    pub const AUTHENTICATION_FAILED: &str = "DatabaseAuthenticationFailed";
    /// The server has no database of that name.
    pub const DOES_NOT_EXIST: &str = "DatabaseDoesNotExist";
    /// The two sides do not agree on TLS or its certificates.
    pub const TLS_FAILED: &str = "DatabaseTlsFailed";
    /// The file with the URL cannot be read.
    pub const URL_UNREADABLE: &str = "DatabaseUrlUnreadable";
    /// The URL is none of PostgreSQL.
    pub const URL_MALFORMED: &str = "DatabaseUrlMalformed";
    /// All of the above: no connection is to be had. Any other reason comes from a database that is reached.
    pub const CONNECTION: [&str; 7] = [
        UNREACHABLE,
        TIMED_OUT,
        AUTHENTICATION_FAILED,
        DOES_NOT_EXIST,
        TLS_FAILED,
        URL_UNREADABLE,
        URL_MALFORMED,
    ];
    /// The user of the URL lacks a right.
    pub const PERMISSION_DENIED: &str = "DatabasePermissionDenied";
    /// Others hold what is needed; `migrate` waits for them as long as for a database that does not answer.
    pub const BUSY: &str = "DatabaseBusy";
    /// A table or column is missing: `migrate` has not run.
    pub const SCHEMA_MISSING: &str = "DatabaseSchemaMissing";
    /// A statement failed in itself.
    pub const QUERY_FAILED: &str = "DatabaseQueryFailed";
    /// A migration failed in itself and was rolled back.
    pub const MIGRATION_FAILED: &str = "MigrationFailed";
}

/// Metrics of the extractor; their help texts are in its `metrics.rs`.
pub mod metric {
    /// Counter by `state` and `reason`.
    pub const JOBS_FINISHED: &str = "extraction_jobs_finished_total";
    /// Counter by `reason`.
    pub const ATTEMPTS_FAILED: &str = "extraction_job_attempts_failed_total";
    /// Gauge.
    pub const JOBS_IN_PROGRESS: &str = "extraction_jobs_in_progress";
    /// Histogram.
    pub const JOB_SECONDS: &str = "extraction_job_seconds";
    /// Counter by `engine`.
    pub const PAGES_READ: &str = "extraction_pages_read_total";
    /// Counter.
    pub const MESSAGES_RECEIVED: &str = "extraction_messages_received_total";
    /// Counter.
    pub const MESSAGES_SENT: &str = "extraction_messages_sent_total";
    /// Gauge.
    pub const OUTBOX_OWED: &str = "extraction_outbox_owed";
    /// Gauge.
    pub const OUTBOX_OLDEST_SECONDS: &str = "extraction_outbox_oldest_seconds";
    /// Counter by `lost`.
    pub const JOBS_RECOVERED: &str = "extraction_jobs_recovered_total";
    /// Counter.
    pub const JOBS_DELETED: &str = "extraction_jobs_deleted_total";
    /// Counter by `method`, `route` and `status`.
    pub const HTTP_REQUESTS: &str = "extraction_http_requests_total";
    /// Histogram by `method` and `route`.
    pub const HTTP_SECONDS: &str = "extraction_http_request_seconds";
    /// Gauge by `dependency`.
    pub const DEPENDENCY_REACHABLE: &str = "extraction_dependency_reachable";
    /// Gauge by `state`.
    pub const DATABASE_CONNECTIONS: &str = "extraction_database_connections";
}
