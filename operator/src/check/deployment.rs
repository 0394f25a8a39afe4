//! Whether the operator itself runs, and if not, why, in the words of its pods.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::ListParams;
use kube::{Api, Client};

pub(super) async fn problems(client: &Client, namespace: &str, name: &str) -> Vec<String> {
    let deployment = match Api::<Deployment>::namespaced(client.clone(), namespace)
        .get(name)
        .await
    {
        Ok(deployment) => deployment,
        Err(kube::Error::Api(status)) => {
            return vec![format!(
                "Deployment {namespace}/{name} cannot be read: {}",
                status.message
            )];
        }
        Err(error) => {
            return vec![format!(
                "Deployment {namespace}/{name} cannot be read: {error}"
            )];
        }
    };
    let wanted = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .unwrap_or(1);
    let available = available_replicas(&deployment);
    if available >= wanted {
        return Vec::new();
    }
    let reasons = reasons(client, namespace, deployment).await;
    vec![format!(
        "the operator is not available, {available} of {wanted} pods of {namespace}/{name} are: {reasons}"
    )]
}

/// Why its pods are not ready.
async fn reasons(client: &Client, namespace: &str, deployment: Deployment) -> String {
    let labels = deployment.spec.and_then(|spec| spec.selector.match_labels);
    let selector: Vec<String> = labels
        .iter()
        .flatten()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let pods = Api::<Pod>::namespaced(client.clone(), namespace)
        .list(&ListParams::default().labels(&selector.join(",")))
        .await;
    let reasons: Vec<String> = match pods {
        Ok(pods) => pods.items.iter().filter_map(why_not_ready).collect(),
        Err(error) => vec![format!("its pods cannot be listed: {error}")],
    };
    if reasons.is_empty() {
        "no pod exists; describe the Deployment".to_owned()
    } else {
        reasons.join("; ")
    }
}

/// Zero while the status still speaks of an older spec.
fn available_replicas(deployment: &Deployment) -> i32 {
    let status = deployment.status.as_ref();
    let current =
        status.and_then(|status| status.observed_generation) >= deployment.metadata.generation;
    let updated = status
        .and_then(|status| status.updated_replicas)
        .unwrap_or(0);
    let available = status
        .and_then(|status| status.available_replicas)
        .unwrap_or(0);
    if current { available.min(updated) } else { 0 }
}

/// The first reason found on a pod, with the next step where there is an obvious one.
fn why_not_ready(pod: &Pod) -> Option<String> {
    let name = pod.metadata.name.as_deref().unwrap_or("a pod");
    let status = pod.status.as_ref()?;
    let conditions = status.conditions.as_deref().unwrap_or_default();
    if conditions
        .iter()
        .any(|found| found.type_ == "Ready" && found.status == "True")
    {
        return None;
    }
    let unscheduled = conditions
        .iter()
        .find(|found| found.type_ == "PodScheduled" && found.status == "False");
    if let Some(condition) = unscheduled {
        let message = condition.message.as_deref().unwrap_or("no node takes it");
        return Some(format!("{name} is not scheduled: {message}"));
    }
    let containers = status.container_statuses.iter().flatten();
    let reason = containers.filter_map(why_not_running).next();
    Some(format!(
        "{name} {}",
        reason.unwrap_or_else(|| "has not become ready yet".to_owned())
    ))
}

fn why_not_running(container: &ContainerStatus) -> Option<String> {
    let waiting = container
        .state
        .as_ref()
        .and_then(|state| state.waiting.as_ref())?;
    let reason = waiting.reason.as_deref().unwrap_or("Waiting");
    let message = waiting.message.as_deref().unwrap_or_default();
    let advice = match reason {
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" => {
            format!(
                " (image {}: push it to a registry that the nodes reach, or set image.repository, image.tag and imagePullSecrets)",
                container.image
            )
        }
        "CrashLoopBackOff" => " (read its log: kubectl logs --previous)".to_owned(),
        _ => String::new(),
    };
    Some(format!("waits: {reason} {message}{advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(status: serde_json::Value) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": "operator-1"}, "status": status}))
            .unwrap()
    }

    #[test]
    fn a_ready_pod_has_no_reason() {
        let ready = pod(json!({"conditions": [{"type": "Ready", "status": "True"}]}));
        assert_eq!(why_not_ready(&ready), None);
    }

    #[test]
    fn an_unscheduled_pod_gives_the_words_of_the_scheduler() {
        let unscheduled = pod(json!({"conditions": [
            {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available: 1 Insufficient cpu."},
        ]}));
        assert!(
            why_not_ready(&unscheduled)
                .unwrap()
                .contains("Insufficient cpu")
        );
    }

    #[test]
    fn an_image_that_cannot_be_pulled_names_the_image_and_the_values() {
        let waiting = pod(json!({"containerStatuses": [{
            "name": "operator", "image": "registry.example/operator:1", "imageID": "", "ready": false,
            "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}},
        }]}));
        let reason = why_not_ready(&waiting).unwrap();
        assert!(reason.contains("registry.example/operator:1"), "{reason}");
        assert!(reason.contains("image.repository"), "{reason}");
    }

    #[test]
    fn a_status_of_an_older_spec_counts_for_nothing() {
        let deployment: Deployment = serde_json::from_value(json!({
            "metadata": {"generation": 2},
            "spec": {"replicas": 2, "selector": {}, "template": {}},
            "status": {"observedGeneration": 1, "availableReplicas": 2, "updatedReplicas": 2},
        }))
        .unwrap();
        assert_eq!(available_replicas(&deployment), 0);
    }
}
