//! Whether the API server serves our kind, with every field that this operator knows. Discovery is open to
//! every identity, so no right to read definitions is needed.

use std::collections::BTreeSet;

use http::Request;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray,
};
use kube::Client;
use serde_json::Value;

use crate::crd;

const GROUP_VERSION: &str = "extraction.dev/v1alpha1";
const PLURAL: &str = "extractionpipelines";

/// How to mend whatever is wrong here.
const REMEDY: &str = "apply the CustomResourceDefinition of this release \
     (Helm: crds.enabled=true; without Helm: kubectl apply --server-side -f crds/)";

pub(super) async fn problems(client: &Client) -> Vec<String> {
    match client.list_api_group_resources(GROUP_VERSION).await {
        Ok(list) if list.resources.iter().any(|found| found.name == PLURAL) => {}
        Ok(_) | Err(kube::Error::Api(_)) => {
            return vec![format!(
                "the API server does not serve {PLURAL} of {GROUP_VERSION}: {REMEDY}"
            )];
        }
        Err(error) => {
            return vec![format!("the API server cannot be reached: {error}")];
        }
    }
    let request = match Request::get(format!("/openapi/v3/apis/{GROUP_VERSION}")).body(Vec::new()) {
        Ok(request) => request,
        Err(error) => return vec![format!("the schema cannot be asked for: {error}")],
    };
    match client.request::<Value>(request).await {
        Ok(document) => missing_fields(&document),
        Err(error) => vec![format!(
            "the API server does not publish the schema of {GROUP_VERSION}: {error}"
        )],
    }
}

/// Compares what is served with what this operator was built with. Fields of a newer definition are fine.
fn missing_fields(document: &Value) -> Vec<String> {
    let served = document["components"]["schemas"]
        .as_object()
        .and_then(|schemas| {
            schemas
                .iter()
                .find(|(name, _)| name.ends_with(".ExtractionPipeline"))
        })
        .map(|(_, schema)| paths_of_document(schema))
        .unwrap_or_default();
    let missing: Vec<String> = known_paths().difference(&served).cloned().collect();
    match missing.as_slice() {
        [] => Vec::new(),
        [first, ..] => vec![format!(
            "the installed definition is of another release, it lacks {} field(s), {first} among them: {REMEDY}",
            missing.len()
        )],
    }
}

/// Paths of all fields of spec and status, e.g. `spec.queue.name`.
fn known_paths() -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for version in crd::definition().spec.versions {
        let root = version.schema.and_then(|schema| schema.open_api_v3_schema);
        for (name, schema) in root.and_then(|root| root.properties).into_iter().flatten() {
            if name == "spec" || name == "status" {
                walk(&schema, &name, &mut paths);
            }
        }
    }
    paths
}

fn walk(schema: &JSONSchemaProps, path: &str, paths: &mut BTreeSet<String>) {
    paths.insert(path.to_owned());
    for (name, property) in schema.properties.iter().flatten() {
        walk(property, &format!("{path}.{name}"), paths);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        walk(items, &format!("{path}[]"), paths);
    }
}

fn paths_of_document(root: &Value) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for name in ["spec", "status"] {
        if let Some(schema) = root["properties"].get(name) {
            walk_document(schema, name, &mut paths);
        }
    }
    paths
}

fn walk_document(schema: &Value, path: &str, paths: &mut BTreeSet<String>) {
    paths.insert(path.to_owned());
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk_document(property, &format!("{path}.{name}"), paths);
    }
    if let Some(items) = schema.get("items") {
        walk_document(items, &format!("{path}[]"), paths);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn served_by(change: impl FnOnce(&mut Value)) -> Value {
        let definition = serde_json::to_value(crd::definition()).unwrap();
        let mut schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
        change(&mut schema);
        json!({"components": {"schemas": {"dev.extraction.v1alpha1.ExtractionPipeline": schema}}})
    }

    #[test]
    fn the_definition_of_the_same_release_is_right() {
        assert_eq!(missing_fields(&served_by(|_| {})), Vec::<String>::new());
    }

    #[test]
    fn a_definition_that_lacks_a_field_is_named_with_the_field() {
        let document = served_by(|schema| {
            let spec = schema["properties"]["spec"]["properties"]
                .as_object_mut()
                .unwrap();
            spec.remove("documentTypes");
        });
        let problems = missing_fields(&document);
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].contains("spec.documentTypes"),
            "{}",
            problems[0]
        );
        assert!(problems[0].contains("kubectl apply"), "{}", problems[0]);
    }

    #[test]
    fn a_definition_with_further_fields_is_right() {
        let document = served_by(|schema| {
            schema["properties"]["spec"]["properties"]["later"] = json!({"type": "string"});
        });
        assert_eq!(missing_fields(&document), Vec::<String>::new());
    }
}
