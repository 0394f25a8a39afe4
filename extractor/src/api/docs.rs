//! The documentation as one plain page, made from the OpenAPI document: no script, nothing to load.

use std::fmt::Write;
use std::sync::OnceLock;

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::openapi;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color:#1a1a1a;background:#fff}code,pre{font:14px ui-monospace,monospace;background:#f3f3f3;border-radius:3px}\
code{padding:1px 4px}pre{padding:.75rem;overflow:auto}h2{margin-top:2.5rem;border-bottom:1px solid #ccc}\
h3{font:600 16px ui-monospace,monospace;margin:1.75rem 0 .25rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #e5e5e5}";

/// `GET /docs`
pub(super) async fn page() -> Response {
    static PAGE: OnceLock<String> = OnceLock::new();
    let page = PAGE.get_or_init(|| render(&openapi::document()));
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ];
    (headers, page.as_str()).into_response()
}

fn render(document: &Value) -> String {
    let info = &document["info"];
    let title = escape(text(&info["title"]));
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style>\
         <h1>{title} <small>{}</small></h1><p>{}</p>\
         <p>For machines: <a href=\"/openapi.json\">/openapi.json</a></p><h2>Requests</h2>",
        escape(text(&info["version"])),
        prose(text(&info["description"])),
    );
    for (path, methods) in members(&document["paths"]) {
        for (method, operation) in members(methods) {
            render_operation(&mut page, &method.to_uppercase(), path, operation);
        }
    }
    page.push_str("<h2>Objects</h2>");
    for (name, schema) in members(&document["components"]["schemas"]) {
        render_schema(&mut page, name, schema);
    }
    page.push_str("</html>");
    page
}

fn render_operation(page: &mut String, method: &str, path: &str, operation: &Value) {
    add(page, format_args!("<h3>{method} {}</h3>", escape(path)));
    add(
        page,
        format_args!(
            "<p>{}. {}</p>",
            prose(text(&operation["summary"])),
            prose(text(&operation["description"]))
        ),
    );
    page.push_str("<table>");
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let place = format!("{} ({})", text(&parameter["name"]), text(&parameter["in"]));
        row(
            page,
            &place,
            &type_of(&parameter["schema"]),
            text(&parameter["description"]),
        );
    }
    for (media, content) in members(&operation["requestBody"]["content"]) {
        row(
            page,
            "body",
            &format!("{media} {}", type_of(&content["schema"])),
            "",
        );
    }
    let mut problems = Vec::new();
    for (status, response) in members(&operation["responses"]) {
        for (media, content) in members(&response["content"]) {
            if media == "application/problem+json" {
                problems.push(status.as_str());
            } else {
                row(
                    page,
                    status,
                    &format!("{media} {}", type_of(&content["schema"])),
                    "",
                );
            }
        }
    }
    if !problems.is_empty() {
        row(
            page,
            &problems.join(", "),
            "application/problem+json Problem",
            "",
        );
    }
    page.push_str("</table>");
}

fn render_schema(page: &mut String, name: &str, schema: &Value) {
    add(page, format_args!("<h3 id=\"{0}\">{0}</h3>", escape(name)));
    add(
        page,
        format_args!("<p>{}</p><table>", prose(text(&schema["description"]))),
    );
    for (name, property) in members(&schema["properties"]) {
        row(
            page,
            name,
            &type_of(property),
            text(&property["description"]),
        );
    }
    for variant in schema["oneOf"].as_array().into_iter().flatten() {
        row(page, &type_of(variant), "", text(&variant["description"]));
    }
    page.push_str("</table>");
}

fn row(page: &mut String, name: &str, kind: &str, description: &str) {
    add(
        page,
        format_args!(
            "<tr><td><code>{}</code><td>{}<td>{}",
            escape(name),
            escape(kind),
            prose(description)
        ),
    );
}

/// A schema's type in a few words.
fn type_of(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    if let Some(options) = schema["anyOf"].as_array().or(schema["enum"].as_array()) {
        let options = options.iter().map(|option| match option {
            Value::Object(_) => type_of(option),
            value => value.to_string(),
        });
        return options.collect::<Vec<_>>().join(" or ");
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        kind => text(kind).to_owned(),
    };
    match kind.as_str() {
        "array" => format!("list of {}", type_of(&schema["items"])),
        _ => kind,
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn add(page: &mut String, arguments: std::fmt::Arguments<'_>) {
    page.write_fmt(arguments)
        .expect("writing to a string cannot fail");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Escaped text in which `back-quoted` parts are code.
fn prose(text: &str) -> String {
    let escaped = escape(text);
    let parts = escaped.split('`').enumerate();
    parts
        .map(|(place, part)| match place % 2 {
            1 => format!("<code>{part}</code>"),
            _ => part.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_route_and_loads_nothing() {
        let page = render(&openapi::document());
        for (method, path, _) in super::super::route_list() {
            assert!(
                page.contains(&format!("<h3>{method} {path}</h3>")),
                "{method} {path}"
            );
        }
        for part in ["<script", "http://", "src=", "url("] {
            assert!(!page.contains(part), "{part}");
        }
    }

    #[test]
    fn text_is_escaped_and_back_quotes_are_code() {
        assert_eq!(prose("a `<b>` c"), "a <code>&lt;b&gt;</code> c");
    }
}
