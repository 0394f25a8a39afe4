//! The operator: watches `ExtractionPipeline` objects and keeps the children of each as described.

pub mod check;
pub mod client;
pub mod controller;
pub mod crd;
pub mod leader;
pub mod metrics;
pub mod telemetry;
