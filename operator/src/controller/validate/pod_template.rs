//! The free-form pod template of the user.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use serde::Deserialize;
use serde_json::Value;

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
    let overlay =
        PodTemplateSpec::deserialize(&json).map_err(|error| invalid(error.to_string()))?;
    let understood = serde_json::to_value(&overlay).map_err(|error| invalid(error.to_string()))?;
    if let Some(member) = lost(&json, &understood) {
        return Err(invalid(format!("there is no `{member}`")));
    }
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

/// Path of the first member that was given and not understood: a word mistyped would else do nothing, in silence.
fn lost(given: &Value, understood: &Value) -> Option<String> {
    match (given, understood) {
        (Value::Object(given), Value::Object(understood)) => {
            given.iter().find_map(|(name, given)| {
                let Some(understood) = understood.get(name) else {
                    return (!given.is_null()).then(|| name.clone());
                };
                let rest = lost(given, understood)?;
                let dot = if rest.starts_with('[') { "" } else { "." };
                Some(format!("{name}{dot}{rest}"))
            })
        }
        (Value::Array(given), Value::Array(understood)) => {
            let mut pairs = given.iter().zip(understood).enumerate();
            pairs.find_map(|(place, (given, understood))| {
                Some(format!("[{place}].{}", lost(given, understood)?))
            })
        }
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(template: Value) -> Option<String> {
        let template: PodTemplate = serde_json::from_value(template).unwrap();
        let refused = validate("worker", &Resources::default(), Some(&template)).err();
        refused.map(|problem| problem.message)
    }

    #[test]
    fn a_mistyped_member_is_named_with_its_place() {
        let template = json!({ "spec": {
            "nodeSelector": { "any": "thing" },
            "containers": [{ "name": "worker" }, { "name": "proxy", "imge": "proxy:1" }],
        } });
        let message = refusal(template).unwrap();
        assert!(
            message.ends_with("there is no `spec.containers[1].imge`"),
            "{message}"
        );
        let typo = refusal(json!({ "spec": { "nodeSelectr": {} } })).unwrap();
        assert!(typo.contains("`spec.nodeSelectr`"), "{typo}");
    }

    #[test]
    fn what_kubernetes_knows_is_taken() {
        let template = json!({
            "metadata": { "labels": { "team": "finance" } },
            "spec": { "tolerations": [{ "key": "spot", "operator": "Exists" }], "volumes": [{ "name": "a", "emptyDir": {} }] },
        });
        assert_eq!(refusal(template), None);
    }
}
