//! What the tests stand on: a cluster to talk to, a namespace of their own, programs with a time limit,
//! and waiting for conditions instead of sleeping. Every failure says what was waited for and what was seen.

pub mod children;
pub mod cluster;
pub mod documents;
pub mod fields;
pub mod figures;
pub mod http;
pub mod jobs;
pub mod pipeline;
pub mod program;
pub mod release;
pub mod sample;
pub mod sqs;
pub mod wait;
