//! Jobs and everything about them, in PostgreSQL or SQLite: the only SQL of the extractor.
//!
//! One set of statements serves both (TEXT ids, BIGINT milliseconds, TEXT JSON, `$1`). Time and ids are
//! passed in. Every call has a time limit, so a silent server costs seconds and never a task.

mod api_keys;
mod connect;
mod documents;
mod error;
mod idempotency;
mod job_life;
mod job_requests;
mod jobs;
mod location;
mod migrate;
mod outbox;
mod results;
mod retention;
mod row;
mod submit;
mod sweep;
mod uploads;

pub use api_keys::{ApiKey, NewApiKey};
pub use connect::{Observer, Store};
pub use documents::{Document, NewDocument};
pub use error::StoreError;
pub use idempotency::{Idempotency, Recorded};
pub use job_life::{Claim, ClaimedJob, Finish};
pub use job_requests::{Cancel, Retry};
pub use jobs::{Cursor, Job, JobFilter, JobState};
pub use location::DatabaseUrl;
pub use migrate::SCHEMA_VERSION;
pub use outbox::OutboxEntry;
pub use results::{StoredResult, result_key};
pub use retention::ExpiredJob;
pub use submit::{NewJob, Submitted};
pub use uploads::{Completed, UPLOAD_COMPLETION_MS, Upload};
