//! What the operator must be allowed, once more and apart from the chart, so that a role that was cut by hand
//! is found at install time and not in the middle of a reconcile. A test holds this list to the chart's.

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

/// Reviews asked at the same time.
const CONCURRENCY: usize = 8;

pub(super) async fn problems(client: &Client, namespaces: &[&str]) -> Vec<String> {
    // The review takes an empty namespace for all of them.
    let namespaces = if namespaces.is_empty() {
        &[""][..]
    } else {
        namespaces
    };
    let questions = namespaces.iter().flat_map(|namespace| {
        NEEDED.iter().flat_map(move |needed| {
            needed
                .verbs
                .iter()
                .map(move |verb| (*namespace, *needed, *verb))
        })
    });
    stream::iter(questions)
        .map(|(namespace, needed, verb)| denied(client, namespace, needed, verb))
        .buffered(CONCURRENCY)
        .filter_map(|problem| async { problem })
        .collect()
        .await
}

async fn denied(
    client: &Client,
    namespace: &str,
    needed: Permission,
    verb: &str,
) -> Option<String> {
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
    let place = if namespace.is_empty() {
        "in all namespaces".to_owned()
    } else {
        format!("in namespace {namespace}")
    };
    let subject = format!(
        "{verb} {} of group {:?} {place}",
        needed.resource, needed.group
    );
    match Api::all(client.clone())
        .create(&PostParams::default(), &review)
        .await
    {
        Ok(answer) if answer.status.as_ref().is_some_and(|status| status.allowed) => None,
        Ok(_) => Some(format!(
            "the operator's ServiceAccount may not {subject}: add it to its role (Helm: rbac.create=true)"
        )),
        Err(error) => Some(format!(
            "whether the operator may {subject} cannot be asked: {error}"
        )),
    }
}
