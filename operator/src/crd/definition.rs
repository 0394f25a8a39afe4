//! The CustomResourceDefinition as it is installed.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

use super::ExtractionPipeline;

/// The definition of `ExtractionPipeline`.
///
/// The derive marks every optional member `nullable`; that is taken out, so that the API server drops a
/// `null` (as Helm templates leave behind) and applies the default instead of storing it. Line breaks of doc
/// comments are taken out as well: `kubectl explain` makes its own.
pub fn definition() -> CustomResourceDefinition {
    let mut definition = ExtractionPipeline::crd();
    for version in &mut definition.spec.versions {
        if let Some(schema) = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut())
        {
            polish(schema);
        }
    }
    definition
}

/// The definition as the text of `crds/`, which the `crd` subcommand prints.
pub fn definition_yaml() -> String {
    serde_yaml::to_string(&definition()).expect("a definition is YAML")
}

fn polish(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    if let Some(description) = &mut schema.description {
        *description = description.replace('\n', " ");
    }
    for property in schema
        .properties
        .iter_mut()
        .flat_map(|map| map.values_mut())
    {
        polish(property);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        polish(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        polish(values);
    }
}
