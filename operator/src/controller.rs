//! Watches pipelines and their children, and reconciles each pipeline in five steps.

pub mod build;
pub mod observe;
pub mod validate;
