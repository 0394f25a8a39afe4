//! What holds on every database; each test target brings its own `database::fresh`.

mod access;
mod documents;
mod errors;
mod harness;
mod jobs;
mod outages;
mod store;
mod uploads;
