//! Which image a pipeline runs.

use crate::controller::observe::Settings;
use crate::crd::ExtractionPipeline;

/// The image of the spec; else the one recorded while the spec is still the one it was recorded for, so that a
/// newer operator restarts nothing; else the operator's.
pub fn resolve(pipeline: &ExtractionPipeline, settings: &Settings) -> String {
    if let Some(image) = &pipeline.spec.image {
        return image.clone();
    }
    let recorded = pipeline
        .status
        .as_ref()
        .filter(|status| status.observed_generation == pipeline.metadata.generation)
        .and_then(|status| status.image.clone());
    recorded.unwrap_or_else(|| settings.default_image.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crd::{ExtractionPipelineSpec, ExtractionPipelineStatus};

    fn pipeline(image: Option<&str>, observed_generation: i64) -> ExtractionPipeline {
        let spec = ExtractionPipelineSpec {
            image: image.map(str::to_owned),
            ..Default::default()
        };
        let mut pipeline = ExtractionPipeline::new("invoices", spec);
        pipeline.metadata.generation = Some(2);
        pipeline.status = Some(ExtractionPipelineStatus {
            observed_generation: Some(observed_generation),
            image: Some("recorded:1".to_owned()),
            ..Default::default()
        });
        pipeline
    }

    fn settings() -> Settings {
        Settings {
            default_image: "default:2".to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn an_image_in_the_spec_wins() {
        let image = resolve(&pipeline(Some("mine:3"), 2), &settings());
        assert_eq!(image, "mine:3");
    }

    #[test]
    fn an_upgraded_operator_keeps_the_recorded_image() {
        assert_eq!(resolve(&pipeline(None, 2), &settings()), "recorded:1");
    }

    #[test]
    fn a_changed_spec_takes_the_operators_image() {
        assert_eq!(resolve(&pipeline(None, 1), &settings()), "default:2");
    }

    #[test]
    fn a_new_pipeline_takes_the_operators_image() {
        let mut new = pipeline(None, 2);
        new.status = None;
        assert_eq!(resolve(&new, &settings()), "default:2");
    }
}
