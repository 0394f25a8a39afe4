//! The reference of the resource in Markdown, made from the schema.

use std::fmt::Write;

use serde_json::Value;

/// Every member of the spec and the status, with its default and its limits, and the rules between members.
pub(super) fn reference(schema: &Value) -> String {
    let mut text = String::from(
        "# ExtractionPipeline\n\nGenerated from the types in `operator/src/crd.rs`: `make generated`. \
         The same text as `kubectl explain xp --recursive`.\n",
    );
    for root in ["spec", "status"] {
        let members = &schema["properties"][root];
        let mut rows = Vec::new();
        let mut rules = Vec::new();
        collect(root, members, &mut rows, &mut rules);
        let _ = write!(
            text,
            "\n## {root}\n\n{}\n\n| member | type | default | limits | meaning |\n|---|---|---|---|---|\n",
            members["description"].as_str().unwrap_or_default()
        );
        text.extend(rows);
        if !rules.is_empty() {
            text.push_str("\nRules, checked when the object is written:\n\n");
            text.extend(rules);
        }
    }
    text
}

fn collect(path: &str, schema: &Value, rows: &mut Vec<String>, rules: &mut Vec<String>) {
    for rule in list(&schema["x-kubernetes-validations"]) {
        let message = rule["message"].as_str().unwrap_or_default();
        rules.push(format!("- `{path}`: {message}\n"));
    }
    let required: Vec<&str> = list(&schema["required"])
        .filter_map(Value::as_str)
        .collect();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let meaning = member["description"].as_str().unwrap_or_default();
        let default = match &member["default"] {
            Value::Null if required.contains(&name.as_str()) => "required".to_owned(),
            Value::Null | Value::Object(_) => String::new(),
            value => format!("`{}`", value.to_string().replace('"', "")),
        };
        rows.push(format!(
            "| `{path}` | {} | {default} | {} | {} |\n",
            kind(member),
            limits(member).replace('|', "\\|"),
            meaning.replace('|', "\\|"),
        ));
        if path != "status.conditions" {
            collect(&path, member, rows, rules);
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn kind(member: &Value) -> String {
    if member["x-kubernetes-int-or-string"] == true {
        return "quantity".to_owned();
    }
    match member["type"].as_str() {
        Some("array") => format!("list of {}", kind(&member["items"])),
        Some("object") if member["additionalProperties"].is_object() => "map".to_owned(),
        other => other.unwrap_or_default().to_owned(),
    }
}

fn limits(member: &Value) -> String {
    let number = |key: &str| member[key].as_f64();
    let bounds = [
        ("minimum", "maximum", ""),
        ("minItems", "maxItems", " items"),
        ("minLength", "maxLength", " characters"),
    ];
    let mut parts: Vec<String> = (bounds.into_iter())
        .filter_map(|(least, most, unit)| match (number(least), number(most)) {
            (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
            (None, Some(most)) => Some(format!("at most {most}{unit}")),
            _ => None,
        })
        .collect();
    let values: Vec<&str> = list(&member["enum"]).filter_map(Value::as_str).collect();
    if !values.is_empty() {
        parts.push(format!("`{}`", values.join("`, `")));
    }
    parts.join("; ")
}
