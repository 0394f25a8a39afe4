//! No member of the spec does nothing: each of `tests/fields.yaml` shows in the child that it names, and the
//! table names every leaf of the schema.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{objects, observed, sample};
use crate::controller::build::build;
use crate::controller::observe::Observed;
use crate::controller::validate::validate;
use crate::crd::{ExtractionPipeline, definition};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    field: String,
    base: String,
    values: Vec<Value>,
    child: String,
    without: Option<String>,
    unset: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    immutable: bool,
    #[serde(default)]
    with: serde_json::Map<String, Value>,
}

fn fields() -> Vec<Field> {
    serde_yaml::from_str(include_str!("../../../../../tests/fields.yaml")).unwrap()
}

/// Every Secret that the table names is like those of the sample.
fn world() -> Observed {
    let mut observed = observed();
    let mut secret = observed.secrets["local-db"].clone();
    if let crate::controller::observe::SecretState::Present { keys, .. } = &mut secret {
        for key in ["other-url", "another-url"] {
            keys.insert(key.to_owned(), keys["url"].clone());
        }
    }
    for name in [
        "local-db",
        "other-db",
        "another-db",
        "other-aws",
        "another-aws",
    ] {
        observed.secrets.insert(name.to_owned(), secret.clone());
    }
    observed
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

fn set(spec: &mut Value, path: &str, value: Value) {
    let mut place = spec;
    for name in path.split('.') {
        place = &mut place[name];
    }
    *place = value;
}

fn remove(spec: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = match parent {
        "" => Some(spec),
        parent => spec.pointer_mut(&pointer(parent)),
    };
    if let Some(members) = parent.and_then(Value::as_object_mut) {
        members.remove(name);
    }
}

fn children_of(kind: &str, base: &ExtractionPipeline, spec: Value) -> Vec<Value> {
    let mut pipeline = base.clone();
    pipeline.spec = serde_json::from_value(spec).unwrap();
    let valid = validate(&pipeline, &world()).unwrap();
    let mut found = objects(build(&valid));
    found.retain(|object| object["kind"] == kind);
    found
}

#[test]
fn every_member_of_the_spec_shows_in_its_child_and_leaves_no_trace() {
    for field in fields() {
        let base = sample(match field.base.as_str() {
            "cluster" => "local",
            _ => "minimal",
        });
        let mut spec = serde_json::to_value(&base.spec).unwrap();
        for (path, value) in &field.with {
            set(&mut spec, path, value.clone());
        }
        if let Some(path) = &field.without {
            remove(&mut spec, path);
        }
        let unset = field.unset.as_ref().unwrap_or(&field.field);
        if !field.required {
            remove(&mut spec, unset);
        }
        let mut seen = vec![children_of(&field.child, &base, spec.clone())];
        for value in &field.values {
            set(&mut spec, &field.field, value.clone());
            let now = children_of(&field.child, &base, spec.clone());
            assert!(
                !seen.contains(&now),
                "{} = {value} changes no {}",
                field.field,
                field.child
            );
            seen.push(now);
        }
        if !field.required && !field.immutable {
            remove(&mut spec, unset);
            let now = children_of(&field.child, &base, spec);
            assert_eq!(now, seen[0], "unsetting {}", field.field);
        }
    }
}

#[test]
fn the_table_names_every_leaf_of_the_schema() {
    let definition = serde_json::to_value(definition()).unwrap();
    let spec =
        &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let mut leaves = BTreeSet::new();
    collect("", spec, &mut leaves);
    // What it leaves alone is up to the apply step; the children stay as they are.
    leaves.remove("suspend");
    let named: BTreeSet<String> = fields().into_iter().map(|field| field.field).collect();
    assert_eq!(named, leaves);
}

fn collect(path: &str, schema: &Value, leaves: &mut BTreeSet<String>) {
    let Some(members) = schema["properties"].as_object() else {
        leaves.insert(path.to_owned());
        return;
    };
    for (name, member) in members {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        collect(&path, member, leaves);
    }
}
