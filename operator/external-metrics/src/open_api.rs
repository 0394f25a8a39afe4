//! What the API server merges into its OpenAPI documents: the one path there is. Nobody validates against it.

use serde_json::{Value, json};

use crate::discovery::{GROUP, LIST_KIND, VERSION};

/// Path of the description of our version.
pub(crate) const V3_PATH: &str = "/openapi/v3/apis/external.metrics.k8s.io/v1beta1";

fn path() -> String {
    format!("/apis/{GROUP}/{VERSION}/namespaces/{{namespace}}/{{metric}}")
}

fn operation() -> Value {
    json!({
        "description": "Values of an external metric.",
        "responses": { "200": { "description": LIST_KIND } },
    })
}

fn information() -> Value {
    json!({ "title": GROUP, "version": VERSION })
}

/// `/openapi/v2`
pub(crate) fn v2() -> Value {
    let parameter =
        |name: &str| json!({ "name": name, "in": "path", "required": true, "type": "string" });
    json!({
        "swagger": "2.0",
        "info": information(),
        "paths": { path(): {
            "get": operation(),
            "parameters": [parameter("namespace"), parameter("metric")],
        } },
    })
}

/// `/openapi/v3`
pub(crate) fn v3_index() -> Value {
    // The hash only has to differ from release to release.
    let url = format!("{V3_PATH}?hash={}", env!("CARGO_PKG_VERSION"));
    json!({ "paths": { format!("apis/{GROUP}/{VERSION}"): { "serverRelativeURL": url } } })
}

/// The document that [`v3_index`] names.
pub(crate) fn v3() -> Value {
    let parameter = |name: &str| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
    json!({
        "openapi": "3.0.0",
        "info": information(),
        "paths": { path(): {
            "get": operation(),
            "parameters": [parameter("namespace"), parameter("metric")],
        } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_documents_describe_the_path_and_the_index_leads_to_one_of_them() {
        assert!(V3_PATH.ends_with(&format!("/apis/{GROUP}/{VERSION}")));
        for document in [v2(), v3()] {
            let parameters = &document["paths"][path()]["parameters"];
            assert_eq!(parameters[0]["name"], "namespace");
            assert_eq!(parameters[1]["name"], "metric");
        }
        let url = &v3_index()["paths"]["apis/external.metrics.k8s.io/v1beta1"]["serverRelativeURL"];
        assert!(url.as_str().unwrap().starts_with(V3_PATH));
    }
}
