//! What the operator must be allowed, once more and apart from the chart, so that a role that was cut by hand
//! is found at install time and not in the middle of a reconcile. A test holds this list to the chart's.

use futures::future::try_join_all;
use futures::{StreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

/// Verbs for one resource of one API group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// Plural name, with the subresource behind a slash.
    pub resource: &'static str,
    /// Allowed verbs.
    pub verbs: &'static [&'static str],
}

const CHILD: &[&str] = &["list", "watch", "create", "patch", "delete"];

const fn permission(
    group: &'static str,
    resource: &'static str,
    verbs: &'static [&'static str],
) -> Permission {
    Permission {
        group,
        resource,
        verbs,
    }
}

/// Everything that the operator does in a namespace with pipelines.
pub const NEEDED: &[Permission] = &[
    permission(
        "extraction.dev",
        "extractionpipelines",
        &["get", "list", "watch"],
    ),
    permission("extraction.dev", "extractionpipelines/status", &["patch"]),
    permission(
        "extraction.dev",
        "extractionpipelines/finalizers",
        &["update"],
    ),
    permission("", "configmaps", CHILD),
    permission("", "serviceaccounts", CHILD),
    permission("", "services", CHILD),
    permission(
        "",
        "persistentvolumeclaims",
        &["list", "watch", "create", "patch"],
    ),
    permission("", "secrets", &["get", "create"]),
    permission("", "pods", &["list", "watch"]),
    permission("apps", "deployments", CHILD),
    permission("batch", "jobs", CHILD),
    permission("autoscaling", "horizontalpodautoscalers", CHILD),
    permission("networking.k8s.io", "ingresses", CHILD),
    permission("networking.k8s.io", "networkpolicies", CHILD),
    permission("policy", "poddisruptionbudgets", CHILD),
    permission("events.k8s.io", "events", &["create", "patch"]),
];

/// Resources asked about at the same time.
const CONCURRENCY: usize = 4;

/// One line for each resource with everything that is missing.
pub(super) async fn problems(client: &Client, namespaces: &[&str]) -> Vec<String> {
    // The review takes an empty namespace for all of them.
    let namespaces = if namespaces.is_empty() {
        &[""][..]
    } else {
        namespaces
    };
    let questions = namespaces
        .iter()
        .flat_map(|namespace| NEEDED.iter().map(move |needed| (*namespace, *needed)));
    stream::iter(questions)
        .map(|(namespace, needed)| missing(client, namespace, needed))
        .buffered(CONCURRENCY)
        .filter_map(|problem| async { problem })
        .collect()
        .await
}

async fn missing(client: &Client, namespace: &str, needed: Permission) -> Option<String> {
    let reviews = needed.verbs.iter().map(|verb| async {
        let allowed = is_allowed(client, namespace, needed, verb).await;
        allowed.map(|allowed| (*verb, allowed))
    });
    let place = if namespace.is_empty() {
        "in all namespaces".to_owned()
    } else {
        format!("in namespace {namespace}")
    };
    match try_join_all(reviews).await {
        Ok(answers) => {
            let denied = answers.iter().filter(|(_, allowed)| !allowed);
            let denied: Vec<&str> = denied.map(|(verb, _)| *verb).collect();
            (!denied.is_empty()).then(|| complaint(needed, &denied, &place))
        }
        Err(error) => Some(format!(
            "the rights of the operator {place} cannot be asked: {error}"
        )),
    }
}

fn complaint(needed: Permission, verbs: &[&str], place: &str) -> String {
    let group = if needed.group.is_empty() {
        "core"
    } else {
        needed.group
    };
    format!(
        "the operator's ServiceAccount may not {} {} ({group}) {place}: \
         add it to its role (Helm: rbac.create=true)",
        verbs.join(", "),
        needed.resource
    )
}

async fn is_allowed(
    client: &Client,
    namespace: &str,
    needed: Permission,
    verb: &str,
) -> kube::Result<bool> {
    let (resource, subresource) = match needed.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource)),
        None => (needed.resource, None),
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some(needed.group.to_owned()),
                resource: Some(resource.to_owned()),
                subresource: subresource.map(str::to_owned),
                verb: Some(verb.to_owned()),
                namespace: Some(namespace.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let answer = Api::all(client.clone())
        .create(&PostParams::default(), &review)
        .await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_names_verbs_resource_place_and_remedy() {
        let needed = permission("", "secrets", &["get", "create"]);
        assert_eq!(
            complaint(needed, &["create"], "in namespace finance"),
            "the operator's ServiceAccount may not create secrets (core) in namespace finance: \
             add it to its role (Helm: rbac.create=true)"
        );
    }
}
