mod reference;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::*;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn schema() -> Value {
    let definition = serde_json::to_value(definition::described()).unwrap();
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// Calls `visit` with the path and the schema of every member below `schema`.
fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        walk(&format!("{path}.{name}"), member, visit);
    }
    for (suffix, key) in [("[]", "items"), ("{}", "additionalProperties")] {
        if schema[key].is_object() {
            walk(&format!("{path}{suffix}"), &schema[key], visit);
        }
    }
}

/// Compares the file with what the types give; writes it instead under WRITE_GENERATED.
fn assert_generated(path: &str, text: &str) {
    let path = repository().join(path);
    if std::env::var_os("WRITE_GENERATED").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let file = std::fs::read_to_string(&path).unwrap();
    assert!(
        file == text,
        "{} is old: run `make generated`",
        path.display()
    );
}

#[test]
fn the_generated_file_of_the_definition_is_the_output_of_the_types() {
    assert_generated(
        "crds/extractionpipelines.extraction.dev.yaml",
        &definition_yaml(),
    );
}

#[test]
fn the_generated_file_of_the_reference_names_every_member() {
    assert_generated("crds/README.md", &reference::reference(&schema()));
}

#[test]
fn every_member_of_the_spec_is_bounded() {
    walk(
        "spec",
        &schema()["properties"]["spec"],
        &mut |path, member| {
            let has = |key: &str| !member[key].is_null();
            let is_bounded = match member["type"].as_str() {
                Some("string") => has("enum") || has("maxLength"),
                Some("integer") => has("minimum") && has("maximum"),
                Some("array") => has("maxItems") && has("x-kubernetes-list-type"),
                Some("object") => has("properties") || has("maxProperties"),
                Some(_) => false,
                None => has("x-kubernetes-int-or-string") && has("maxLength"),
            };
            assert!(is_bounded, "{path} has no limit: {member}");
        },
    );
}

#[test]
fn every_member_is_explained() {
    walk("", &schema(), &mut |path, member| {
        let is_named = path.contains('.') && !path.ends_with(']') && !path.ends_with('}');
        let is_ours = !path.contains("conditions.") && path != ".metadata";
        let explanation = member["description"].as_str().unwrap_or_default();
        assert!(
            !is_named
                || !is_ours
                || explanation.ends_with(['.', ')'])
                || explanation.ends_with('`'),
            "{path} is not explained by whole sentences: '{explanation}'"
        );
    });
}

#[test]
fn every_rule_says_what_must_be() {
    let mut rules = 0;
    walk("", &schema(), &mut |path, member| {
        for rule in member["x-kubernetes-validations"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let message = rule["message"].as_str().unwrap_or_default();
            assert!(message.contains("must "), "{path}: '{message}'");
            rules += 1;
        }
    });
    assert!(rules > 20, "only {rules} rules were found");
}

#[test]
fn no_member_may_be_null() {
    walk("", &schema(), &mut |path, member| {
        assert!(member["nullable"].is_null(), "{path}");
    });
}

#[test]
fn an_empty_spec_has_the_documented_defaults() {
    let spec: ExtractionPipelineSpec = serde_json::from_value(json!({})).unwrap();
    let expected = json!({
        "documentTypes": ["Invoice", "Receipt"],
        "api": {
            "minReplicas": 3,
            "maxReplicas": 20,
            "resources": {
                "requests": { "cpu": "500m", "memory": "1Gi" },
                "limits": { "cpu": "1", "memory": "2Gi" },
            },
        },
        "worker": {
            "minReplicas": 1,
            "maxReplicas": 50,
            "concurrency": 1,
            "resources": {
                "requests": { "cpu": "1", "memory": "2Gi" },
                "limits": { "cpu": "2", "memory": "4Gi" },
            },
        },
        "retention": { "jobsDays": 90 },
        "suspend": "None",
    });
    assert_eq!(serde_json::to_value(spec).unwrap(), expected);
}

#[test]
fn every_sample_is_a_pipeline_without_unknown_members() {
    let folder = repository().join("manifests/samples");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let written: Value = serde_yaml::from_str(&text).unwrap();
        let pipeline: ExtractionPipeline = serde_json::from_value(written.clone()).unwrap();
        let read = serde_json::to_value(pipeline).unwrap();
        assert_contains(&path.display().to_string(), &read, &written);
        names.push(path.file_name().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "embedded.yaml",
            "invoices-aws.yaml",
            "local.yaml",
            "minimal.yaml"
        ]
    );
}

/// Everything in `part` is in `whole`, so nothing of it was dropped.
fn assert_contains(path: &str, whole: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            for (name, member) in members {
                assert_contains(&format!("{path}.{name}"), &whole[name], member);
            }
        }
        _ => assert_eq!(whole, part, "{path}"),
    }
}
