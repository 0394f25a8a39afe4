//! The extractor: documents in, fields out.
//!
//! `page` turns bytes into pages, `recognise` pages into words, `document` words into fields; `process`
//! keeps the first two in a child that can be killed. `queue`, `blobs` and `store` keep jobs, and `api`
//! and `worker` serve them.

pub mod api;
pub mod blobs;
pub mod clock;
pub mod config;
pub mod credentials;
pub mod dependencies;
pub mod document;
pub mod extract;
pub mod geometry;
pub mod metrics;
pub mod page;
pub mod process;
pub mod queue;
pub mod recognise;
pub mod relay;
pub mod result;
pub mod serve;
pub mod store;
pub mod sweeper;
pub mod telemetry;
pub mod worker;
