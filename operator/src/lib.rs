//! The operator: watches `ExtractionPipeline` objects and keeps the children of each as described.

pub mod controller;
pub mod crd;
