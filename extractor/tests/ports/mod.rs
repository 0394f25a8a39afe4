//! What every queue and every store of objects must do; each test target brings its own `adapters`.

mod blobs;
mod queue;
