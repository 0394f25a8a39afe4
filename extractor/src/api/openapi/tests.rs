use std::collections::BTreeSet;

use super::*;

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn every_operation(document: &Value) -> Vec<(String, &Value)> {
    let paths = members(&document["paths"]);
    let all = paths.flat_map(|(path, methods)| {
        members(methods).map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    all.collect()
}

/// Calls with each value of the document and the way to it.
fn walk<'a>(value: &'a Value, way: &str, visit: &mut impl FnMut(&str, &'a Value)) {
    visit(way, value);
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                walk(member, &format!("{way}/{name}"), visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{way}/{index}"), visit);
            }
        }
        _ => {}
    }
}

/// A schema with what its `$ref` leads to.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => schema,
    }
}

/// Whether the example has what the schema requires and nothing that it does not know, all the way down.
fn assert_fits(document: &Value, schema: &Value, example: &Value, way: &str) {
    let schema = resolved(document, schema);
    if let Some(options) = schema["oneOf"].as_array() {
        let is_one = options.iter().any(|option| option["const"] == *example);
        assert!(is_one, "{way}: {example}");
    }
    if let Some(options) = schema["enum"].as_array() {
        assert!(options.contains(example), "{way}: {example}");
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            example.get(name.as_str().unwrap()).is_some(),
            "{way} lacks {name}"
        );
    }
    for (name, value) in members(example) {
        let way = format!("{way}.{name}");
        let known = schema["properties"].get(name);
        let known = known.or_else(|| {
            schema["additionalProperties"]
                .as_object()
                .map(|_| &schema["additionalProperties"])
        });
        if schema.get("properties").is_some() || schema["additionalProperties"].is_object() {
            assert_fits(
                document,
                known.unwrap_or_else(|| panic!("{way} is unknown")),
                value,
                &way,
            );
        }
    }
    for value in example.as_array().into_iter().flatten() {
        assert_fits(document, &schema["items"], value, way);
    }
}

#[test]
fn every_route_is_described_and_every_description_has_a_route() {
    let mut schemas = SchemaSettings::draft2020_12().into_generator();
    let operations = operations(&mut schemas);
    let described: BTreeSet<_> = operations
        .iter()
        .map(|operation| (operation.method.to_string(), operation.path))
        .collect();
    let routed: BTreeSet<_> = route_list()
        .into_iter()
        .map(|(method, path, _)| (method.to_string(), path))
        .collect();
    assert_eq!(described, routed);
    assert_eq!(described.len(), operations.len());
}

#[test]
fn every_description_is_a_phrase_without_links_of_the_source() {
    let document = document();
    let (mut count, mut bare) = (0, Vec::new());
    walk(&document, "", &mut |way, value| {
        let is_text = way.ends_with("/description") || way.ends_with("/summary");
        let (true, Some(text)) = (is_text, value.as_str()) else {
            return;
        };
        count += 1;
        if text.split_whitespace().count() < 3 {
            bare.push(format!("{way}: {text}"));
        }
        for leak in ["[`", "`]", "](", "::", "[ ", " ]"] {
            assert!(!text.contains(leak), "{way}: {text:?}");
        }
        assert_eq!(text.matches('`').count() % 2, 0, "{way}: {text:?}");
    });
    assert_eq!(bare, [""; 0], "too short to be a phrase");
    assert!(count > 150, "only {count} descriptions");
}

#[test]
fn every_operation_says_what_it_takes_and_what_it_answers() {
    let document = document();
    for (name, operation) in every_operation(&document) {
        for text in ["summary", "description"] {
            assert!(operation[text].as_str().unwrap().len() > 8, "{name}");
        }
        let curl = operation["x-codeSamples"][0]["source"].as_str().unwrap();
        let fixed = name.split(' ').nth(1).unwrap().split('{').next().unwrap();
        assert!(
            curl.contains(fixed) || curl.contains("$UPLOAD_URL"),
            "{name}: {curl}"
        );
        for parameter in operation["parameters"].as_array().unwrap() {
            assert!(
                parameter["description"].as_str().unwrap().len() > 8,
                "{name}: {parameter}"
            );
            assert!(parameter["schema"].is_object(), "{name}: {parameter}");
            assert!(
                !parameter["schema"].to_string().contains("null"),
                "{name}: {parameter}"
            );
        }
        let told: BTreeSet<_> = members(&operation["responses"])
            .map(|(_, response)| response["description"].as_str().unwrap())
            .collect();
        assert_eq!(
            told.len(),
            operation["responses"].as_object().unwrap().len(),
            "{name}: {told:?}"
        );
    }
}

#[test]
fn every_property_of_every_object_is_described() {
    let document = document();
    let form = &document["paths"]["/api/v1/documents"]["post"]["requestBody"]["content"];
    for (part, schema) in members(&form["multipart/form-data"]["schema"]["properties"]) {
        assert!(schema["description"].is_string(), "{part}");
    }
    for (name, schema) in members(&document["components"]["schemas"]) {
        assert!(schema["description"].is_string(), "{name}");
        for (property, schema) in members(&schema["properties"]) {
            assert!(schema["description"].is_string(), "{name}.{property}");
        }
        for variant in schema["oneOf"].as_array().into_iter().flatten() {
            assert!(variant["description"].is_string(), "{name} {variant}");
        }
    }
}

#[test]
fn every_body_has_an_example_that_fits_its_schema() {
    let document = document();
    for (name, operation) in every_operation(&document) {
        let answers = members(&operation["responses"]).map(|(_, response)| response);
        for body in answers.chain([&operation["requestBody"]]) {
            for (media, content) in members(&body["content"]) {
                let several = members(&content["examples"]).map(|(_, example)| &example["value"]);
                let examples: Vec<_> = several.chain(content.get("example")).collect();
                assert!(!examples.is_empty(), "{name} {media}");
                for example in examples {
                    assert_fits(&document, &content["schema"], example, &name);
                }
            }
        }
    }
}

#[test]
fn each_status_of_a_problem_names_the_types_that_come_with_it() {
    let document = document();
    let operation = &document["paths"]["/api/v1/jobs/{id}/result"]["get"];
    let missing = &operation["responses"]["409"];
    let schema = &missing["content"]["application/problem+json"]["schema"];
    let types = &schema["properties"]["type"]["enum"];
    assert_eq!(*types, json!(["https://extraction.dev/problems/no-result"]));
    assert_eq!(missing["description"], "`no-result`: There is no result.");
    let away = &operation["responses"]["503"];
    assert!(away["headers"]["Retry-After"].is_object(), "{away}");
    let stranger = &operation["responses"]["401"]["content"]["application/problem+json"];
    let detail = stranger["examples"]["unauthenticated"]["value"]["detail"]
        .as_str()
        .unwrap();
    assert!(
        !detail.contains("xk_"),
        "the admin key begins otherwise: {detail}"
    );
}

#[test]
fn words_with_a_fixed_choice_are_listed() {
    let document = document();
    let types = resolved(
        &document,
        &document["components"]["schemas"]["NewUpload"]["properties"]["document_type"],
    );
    let names: Vec<_> = types["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["const"])
        .collect();
    assert_eq!(names, ["Invoice", "Receipt"]);
    let form = &document["paths"]["/api/v1/documents"]["post"]["requestBody"]["content"]["multipart/form-data"];
    assert_eq!(
        resolved(&document, &form["schema"]["properties"]["document_type"]),
        types
    );
    let media =
        &document["components"]["schemas"]["NewUpload"]["properties"]["content_type"]["enum"];
    assert_eq!(media[0], "application/pdf");
}

#[test]
fn what_a_query_may_say_is_with_its_operation() {
    let document = document();
    let names = |path: &str| -> BTreeSet<String> {
        let parameters = document["paths"][path]["get"]["parameters"].as_array();
        let names = parameters.unwrap().iter().map(|one| one["name"].as_str());
        names.map(|name| name.unwrap().to_owned()).collect()
    };
    assert!(
        names("/api/v1/jobs").is_superset(&["after", "limit", "state"].map(str::to_owned).into())
    );
    assert_eq!(
        names("/api/v1/jobs/{id}"),
        ["id", "wait"].map(str::to_owned).into()
    );
    assert!(!names("/api/v1/keys").is_empty());
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_id_is_unique() {
    let document = document();
    walk(&document, "", &mut |way, value| {
        if let (true, Some(reference)) = (way.ends_with("/$ref"), value.as_str()) {
            assert!(
                document.pointer(&reference[1..]).is_some(),
                "{way}: {reference}"
            );
        }
    });
    let operations = every_operation(&document);
    let ids: BTreeSet<_> = operations
        .iter()
        .map(|(_, one)| one["operationId"].as_str())
        .collect();
    assert_eq!(ids.len(), route_list().len());
}
