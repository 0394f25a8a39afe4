//! The free-form pod template of the user.

use k8s_openapi::api::core::v1::PodTemplateSpec;

use super::{Pods, Problem};
use crate::crd::{ConditionType, PodTemplate, Resources};

/// Reads the overlay of `role` (`api` or `worker`) as what Kubernetes will take it for.
pub(super) fn validate(
    role: &str,
    resources: &Resources,
    overlay: Option<&PodTemplate>,
) -> Result<Pods, Problem> {
    let invalid = |message: String| Problem {
        condition: ConditionType::Ready,
        reason: "InvalidPodTemplate",
        message: format!("`{role}.podTemplate` must be a part of a pod template: {message}"),
        is_of_secret: false,
    };
    let overlay = overlay.cloned().unwrap_or_default();
    let json = serde_json::to_value(overlay).map_err(|error| invalid(error.to_string()))?;
    let overlay: PodTemplateSpec =
        serde_json::from_value(json).map_err(|error| invalid(error.to_string()))?;
    if let Some(place) = nameless(&overlay) {
        return Err(invalid(format!(
            "each of `spec.{place}` must have a `name`, by which it is merged"
        )));
    }
    Ok(Pods {
        resources: resources.clone(),
        overlay,
    })
}

/// The first list with an element that can't be merged because it has no name.
fn nameless(template: &PodTemplateSpec) -> Option<&'static str> {
    let spec = template.spec.as_ref()?;
    let inits = spec.init_containers.iter().flatten();
    let volumes = spec.volumes.iter().flatten();
    if spec.containers.iter().any(|item| item.name.is_empty()) {
        Some("containers")
    } else if inits.into_iter().any(|item| item.name.is_empty()) {
        Some("initContainers")
    } else if volumes.into_iter().any(|item| item.name.is_empty()) {
        Some("volumes")
    } else {
        None
    }
}
