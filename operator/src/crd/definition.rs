//! The CustomResourceDefinition as it is installed.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

use super::ExtractionPipeline;

/// The definition of `ExtractionPipeline`.
///
/// The derive marks every optional member `nullable`; that is taken out, so that the API server drops a
/// `null` (as Helm templates leave behind) and applies the default instead of storing it.
pub fn definition() -> CustomResourceDefinition {
    let mut definition = ExtractionPipeline::crd();
    for version in &mut definition.spec.versions {
        if let Some(schema) = version
            .schema
            .as_mut()
            .and_then(|schema| schema.open_api_v3_schema.as_mut())
        {
            forbid_null(schema);
        }
    }
    definition
}

/// The definition as the text of `crds/`, which the `crd` subcommand prints.
pub fn definition_yaml() -> String {
    serde_yaml::to_string(&definition()).expect("a definition is YAML")
}

fn forbid_null(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    for property in schema
        .properties
        .iter_mut()
        .flat_map(|map| map.values_mut())
    {
        forbid_null(property);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        forbid_null(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        forbid_null(values);
    }
}
