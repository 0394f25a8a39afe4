//! No member of the spec does nothing: each of `tests/fields.yaml` shows in the child that it names, and the
//! table names every leaf of the schema.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{objects, observed, sample};
use crate::controller::build::build;
use crate::controller::observe::Observed;
use crate::controller::validate::validate;
use crate::crd::{ExtractionPipeline, definition};

#[expect(
    unreachable_pub,
    dead_code,
    reason = "shared with the tests on a cluster"
)]
#[path = "../../../../../tests/src/fields.rs"]
mod table;

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

fn children_of(kind: &str, base: &ExtractionPipeline, spec: Value) -> Vec<Value> {
    let mut pipeline = base.clone();
    pipeline.spec = serde_json::from_value(spec).unwrap();
    let valid = validate(&pipeline, &world()).unwrap().pipeline;
    let mut found = objects(build(&valid));
    found.retain(|object| object["kind"] == kind);
    found
}

#[test]
fn every_member_of_the_spec_shows_in_its_child() {
    for field in table::all() {
        let base = sample(match field.base.as_str() {
            "cluster" => "local",
            _ => "minimal",
        });
        let sample = serde_json::to_value(&base.spec).unwrap();
        let mut seen = Vec::new();
        for spec in field.specs(&sample) {
            let now = children_of(&field.child, &base, spec.clone());
            assert!(
                !seen.contains(&now),
                "{} changes no {}: {spec:#}",
                field.field,
                field.child
            );
            seen.push(now);
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
    let named: BTreeSet<String> = table::all().into_iter().map(|field| field.field).collect();
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
