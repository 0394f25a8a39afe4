//! The CustomResourceDefinition as it is installed.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
    ValidationRule,
};
use kube::CustomResourceExt;

use super::ExtractionPipeline;

/// The definition of `ExtractionPipeline`, as it is installed.
///
/// Limits are rules in it: what the API server says of a schema's limit is "should be greater than or equal to".
pub fn definition() -> CustomResourceDefinition {
    let mut definition = described();
    schemas(&mut definition).for_each(|schema| each(schema, &limits_in_words));
    definition
}

/// The definition with its limits as members of the schema.
///
/// The derive marks every optional member `nullable`; that is taken out, so that the API server drops a
/// `null` (as Helm templates leave behind) and applies the default instead of storing it. Line breaks of doc
/// comments are taken out as well: `kubectl explain` makes its own.
pub(super) fn described() -> CustomResourceDefinition {
    let mut definition = ExtractionPipeline::crd();
    schemas(&mut definition).for_each(|schema| each(schema, &polish));
    definition
}

/// The definition as the text of `crds/`, which the `crd` subcommand prints.
pub fn definition_yaml() -> String {
    serde_yaml::to_string(&definition()).expect("a definition is YAML")
}

fn schemas(
    definition: &mut CustomResourceDefinition,
) -> impl Iterator<Item = &mut JSONSchemaProps> {
    let versions = definition.spec.versions.iter_mut();
    versions.filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut())
}

/// Changes a schema and everything below it.
fn each(schema: &mut JSONSchemaProps, change: &impl Fn(&mut JSONSchemaProps)) {
    change(schema);
    for property in schema
        .properties
        .iter_mut()
        .flat_map(|map| map.values_mut())
    {
        each(property, change);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        each(items, change);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        each(values, change);
    }
}

fn polish(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    if let Some(description) = &mut schema.description {
        *description = description.replace('\n', " ");
    }
}

/// The longest length stays a limit of the schema: the API server reckons the cost of rules by it.
fn limits_in_words(schema: &mut JSONSchemaProps) {
    let range = schema.minimum.take().zip(schema.maximum.take());
    let range = range.map(|(least, most)| ValidationRule {
        rule: format!("{least} <= self && self <= {most}"),
        message: Some(format!("must be from {least} to {most}")),
        ..ValidationRule::default()
    });
    // What a rule says of the form of a text keeps out the empty one.
    let has_form = schema.x_kubernetes_validations.is_some();
    let shortest = schema.min_length.take();
    let shortest = shortest.filter(|least| !has_form || *least > 1);
    let fewest = shortest.or(schema.min_items.take());
    let fewest = fewest.map(|least| ValidationRule {
        rule: format!("size(self) >= {least}"),
        message: Some(match least {
            1 => "must not be empty".to_owned(),
            _ => format!("must have {least} characters or more"),
        }),
        ..ValidationRule::default()
    });
    let rules: Vec<ValidationRule> = range.into_iter().chain(fewest).collect();
    if !rules.is_empty() {
        let all = schema.x_kubernetes_validations.get_or_insert_default();
        all.splice(0..0, rules);
    }
}
