//! The documents by which clients find out what this server has: one fixed resource, so that they are never empty, cost
//! nothing, and do not change with the metrics there are. An empty list breaks `kubectl` for the whole cluster.

use axum::http::HeaderValue;
use serde_json::{Value, json};

/// The API group.
pub const GROUP: &str = "external.metrics.k8s.io";
/// The version of the group.
pub const VERSION: &str = "v1beta1";
/// What stands for all metrics; a metric's own name takes its place in a path.
pub const RESOURCE: &str = "externalmetrics";
/// Kind of every answer.
pub const LIST_KIND: &str = "ExternalMetricValueList";

/// Content type of the aggregated form.
pub(crate) const AGGREGATED: HeaderValue = HeaderValue::from_static(
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
);

/// `external.metrics.k8s.io/v1beta1`.
pub fn group_version() -> String {
    format!("{GROUP}/{VERSION}")
}

/// `/apis` for clients that know aggregated discovery: everything in one document.
pub(crate) fn aggregated() -> Value {
    let resource = json!({
        "resource": RESOURCE,
        "responseKind": { "group": "", "version": "", "kind": LIST_KIND },
        "scope": "Namespaced",
        "singularResource": "",
        "verbs": ["get"],
    });
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [{
            "metadata": { "name": GROUP, "creationTimestamp": null },
            "versions": [{ "version": VERSION, "resources": [resource], "freshness": "Current" }],
        }],
    })
}

/// `/apis` for all others.
pub(crate) fn groups() -> Value {
    let mut group = group();
    for field in ["kind", "apiVersion"] {
        group.as_object_mut().map(|group| group.remove(field));
    }
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [group] })
}

/// `/apis/external.metrics.k8s.io`.
pub(crate) fn group() -> Value {
    let version = json!({ "groupVersion": group_version(), "version": VERSION });
    json!({
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": GROUP,
        "versions": [version],
        "preferredVersion": version,
    })
}

/// `/apis/external.metrics.k8s.io/v1beta1`, which the API server also reads to see whether we are there.
pub(crate) fn resources() -> Value {
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version(),
        "resources": [{
            "name": RESOURCE,
            "singularName": "",
            "namespaced": true,
            "kind": LIST_KIND,
            "verbs": ["get"],
        }],
    })
}

/// Whether an `Accept` header prefers the aggregated form in the version that we speak.
pub(crate) fn wants_aggregated(accept: &str) -> bool {
    let asks = |range: &str| {
        let mut parameters = range.split(';').map(str::trim);
        parameters.next() == Some("application/json")
            && ["g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList"]
                .iter()
                .all(|wanted| range.split(';').any(|found| found.trim() == *wanted))
    };
    accept.split(',').map(str::trim).any(asks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_names_the_group_and_none_is_empty() {
        assert_eq!(
            resources()["groupVersion"],
            "external.metrics.k8s.io/v1beta1"
        );
        assert_eq!(resources()["resources"][0]["name"], "externalmetrics");
        assert_eq!(resources()["resources"][0]["namespaced"], true);
        assert_eq!(group()["preferredVersion"]["version"], "v1beta1");
        assert_eq!(groups()["groups"][0]["name"], GROUP);
        assert!(groups()["groups"][0].get("kind").is_none());
        let version = &aggregated()["items"][0]["versions"][0];
        assert_eq!(version["freshness"], "Current");
        assert_eq!(version["resources"][0]["scope"], "Namespaced");
    }

    #[test]
    fn the_aggregated_form_is_for_those_who_ask_for_our_version_of_it() {
        // As the API server asks, in 1.30 and later.
        assert!(wants_aggregated(
            "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io,\
             application/json;as=APIGroupDiscoveryList;v=v2beta1;g=apidiscovery.k8s.io,application/json"
        ));
        assert!(wants_aggregated(
            "application/json; g=apidiscovery.k8s.io; v=v2; as=APIGroupDiscoveryList"
        ));
        for other in [
            "",
            "*/*",
            "application/json",
            "application/json;as=APIGroupDiscoveryList;v=v2beta1;g=apidiscovery.k8s.io",
            "application/json;as=APIGroupDiscoveryList;v=v2",
            "application/vnd.kubernetes.protobuf;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io",
        ] {
            assert!(!wants_aggregated(other), "{other}");
        }
    }
}
