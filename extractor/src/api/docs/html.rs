//! Pieces of the page: text that is safe in HTML, and types in a few words.

use serde_json::{Map, Value};

/// A schema's type in a few words, as HTML: objects with a name are links.
pub(super) fn type_of(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = escape(reference.rsplit('/').next().unwrap_or_default());
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    if let Some(options) = schema["anyOf"].as_array() {
        let given = options.iter().filter(|option| option["type"] != "null");
        return given.map(type_of).collect::<Vec<_>>().join(" or ");
    }
    if let Some(options) = schema["enum"].as_array() {
        let options = options
            .iter()
            .map(|option| format!("<code>{}</code>", escape(text(option))));
        return options.collect::<Vec<_>>().join(", ");
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => {
            let given = kinds.iter().map(text).filter(|kind| *kind != "null");
            given.collect::<Vec<_>>().join(" or ")
        }
        kind => text(kind).to_owned(),
    };
    let named = &schema["additionalProperties"];
    match kind.as_str() {
        "array" => format!("list of {}", type_of(&schema["items"])),
        "object" if named.is_object() => format!("{} by name", type_of(named)),
        "string" if schema["format"] == "date-time" => "time, RFC 3339".into(),
        _ => escape(&kind),
    }
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub(super) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Escaped text in which `back-quoted` parts are code.
pub(super) fn prose(text: &str) -> String {
    let escaped = escape(text);
    let parts = escaped.split('`').enumerate();
    parts
        .map(|(place, part)| match place % 2 {
            1 => format!("<code>{part}</code>"),
            _ => part.to_owned(),
        })
        .collect()
}

/// Prose parted by empty lines.
pub(super) fn paragraphs(text: &str) -> String {
    let all = text.split("\n\n");
    all.map(|one| format!("<p>{}</p>", prose(one))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_escaped_and_back_quotes_are_code() {
        assert_eq!(prose("a `<b>` c"), "a <code>&lt;b&gt;</code> c");
    }

    #[test]
    fn types_are_told_in_a_few_words() {
        let list = json!({"type": "array", "items": {"$ref": "#/components/schemas/Job"}});
        assert_eq!(type_of(&list), "list of <a href=\"#Job\">Job</a>");
        assert_eq!(type_of(&json!({"type": ["string", "null"]})), "string");
        let one = json!({"anyOf": [{"type": "integer"}, {"type": "null"}]});
        assert_eq!(type_of(&one), "integer");
    }
}
