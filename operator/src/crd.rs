//! The `ExtractionPipeline` custom resource: types only, no logic.
