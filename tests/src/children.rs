//! The children of a pipeline, of every kind, as the API server has them.

use anyhow::Result;
use extraction_operator::controller::kinds::Kind;
use kube::api::{Api, DynamicObject, ListParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

/// Every child of the pipeline, without the generated Secrets.
pub async fn of(
    client: &Client,
    namespace: &str,
    pipeline: &str,
) -> Result<Vec<(Kind, DynamicObject)>> {
    let selection = ListParams::default().labels(&format!("app.kubernetes.io/instance={pipeline}"));
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let listed = api(client, namespace, kind).list(&selection).await?;
        found.extend(listed.items.into_iter().map(|child| (kind, child)));
    }
    Ok(found)
}

/// The children of a kind in a namespace.
pub fn api(client: &Client, namespace: &str, kind: Kind) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &kind.resource())
}

/// `Kind/name`.
pub fn title(kind: Kind, child: &DynamicObject) -> String {
    format!("{kind:?}/{}", child.name_any())
}

/// What the operator decides of a child: everything but status and what the API server or an autoscaler adds.
pub fn wanted(kind: Kind, child: &DynamicObject) -> Value {
    let mut spec = child.data["spec"].clone();
    let others: &[&str] = match kind {
        Kind::Deployment => &["replicas"],
        Kind::Service => &["clusterIP", "clusterIPs"],
        // The uid of the Job is in its selector, and in the labels of its pods.
        Kind::Job => &["selector"],
        _ => &[],
    };
    for other in others {
        spec.as_object_mut()
            .and_then(|members| members.remove(*other));
    }
    // Of an owner that was made again, only the uid is another.
    let owners: Vec<_> = child
        .owner_references()
        .iter()
        .map(|owner| (&owner.kind, &owner.name, owner.controller))
        .collect();
    if let (Kind::Job, Some(template)) = (kind, spec.pointer_mut("/template/metadata")) {
        template.take();
    }
    // Records of the operator, such as the version of a Secret that it read, and of Kubernetes.
    let is_record = |key: &str| {
        key.split('/')
            .next()
            .is_some_and(|domain| domain == "extraction.dev" || domain.ends_with("kubernetes.io"))
    };
    let mut annotations = child.metadata.annotations.clone().unwrap_or_default();
    annotations.retain(|key, _| !is_record(key));
    json!({
        "annotations": annotations, "labels": child.metadata.labels, "spec": spec, "data": child.data["data"],
        "token": child.data["automountServiceAccountToken"],
        "owners": owners,
    })
}
