//! The documentation as one plain page, made from the OpenAPI document: no script, nothing to load.

mod html;

use std::sync::OnceLock;

use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::openapi;
use html::{escape, members, paragraphs, prose, text, type_of};

const STYLE: &str = include_str!("docs/style.css");

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
    let tags: Vec<&Value> = document["tags"].as_array().into_iter().flatten().collect();
    let contents: String = tags.iter().map(|tag| contents(document, tag)).collect();
    let requests: String = tags.iter().map(|tag| requests(document, tag)).collect();
    let objects: String = members(&document["components"]["schemas"])
        .map(|(name, schema)| object(name, schema))
        .collect();
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>{STYLE}</style></head><body>\
         <h1>{title} <small>{}</small></h1>{}<p>For machines: <a href=\"/openapi.json\">/openapi.json</a></p>\
         <nav>{contents}<h4><a href=\"#objects\">Objects</a></h4></nav>\
         <main>{requests}<h2 id=\"objects\">Objects</h2>{objects}</main></body></html>",
        escape(text(&info["version"])),
        paragraphs(text(&info["description"])),
    )
}

/// Method in capitals, path and operation of each request of this tag.
fn operations<'a>(
    document: &'a Value,
    tag: &'a Value,
) -> impl Iterator<Item = (String, &'a String, &'a Value)> {
    let paths = members(&document["paths"]);
    let all = paths.flat_map(|(path, methods)| {
        members(methods).map(move |(method, operation)| (method.to_uppercase(), path, operation))
    });
    all.filter(move |(_, _, operation)| operation["tags"][0] == tag["name"])
}

fn contents(document: &Value, tag: &Value) -> String {
    let lines: String = operations(document, tag)
        .map(|(method, path, operation)| {
            format!(
                "<li><a href=\"#{}\"><code>{method} {}</code></a> {}",
                text(&operation["operationId"]),
                escape(path),
                prose(text(&operation["summary"])),
            )
        })
        .collect();
    let name = text(&tag["name"]);
    format!("<h4><a href=\"#{name}\">{name}</a></h4><ul>{lines}</ul>")
}

fn requests(document: &Value, tag: &Value) -> String {
    let all: String = operations(document, tag)
        .map(|(method, path, operation)| request(&method, path, operation))
        .collect();
    let name = text(&tag["name"]);
    let about = prose(text(&tag["description"]));
    format!("<h2 id=\"{name}\">{name}</h2><p>{about}</p>{all}")
}

fn request(method: &str, path: &str, operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters: String = parameters
        .map(|parameter| {
            let place = format!("{} ({})", text(&parameter["name"]), text(&parameter["in"]));
            let kind = type_of(&parameter["schema"]);
            row(&place, &kind, text(&parameter["description"]))
        })
        .collect();
    let body: String = members(&operation["requestBody"]["content"])
        .map(|(media, content)| taken(media, content))
        .collect();
    let answers: String = members(&operation["responses"])
        .map(|(status, response)| answer(status, response))
        .collect();
    let examples: String = members(&operation["responses"])
        .map(|(status, response)| examples(status, response))
        .collect();
    format!(
        "<section><h3 id=\"{}\"><code>{method} {}</code></h3><p>{}.</p><p>{}</p><pre>{}</pre>{}{body}{}{examples}</section>",
        text(&operation["operationId"]),
        escape(path),
        prose(text(&operation["summary"])),
        prose(text(&operation["description"])),
        escape(text(&operation["x-codeSamples"][0]["source"])),
        table("Parameters", &parameters),
        table("Answers", &answers),
    )
}

fn taken(media: &str, content: &Value) -> String {
    let schema = &content["schema"];
    let mut rows: String = members(&schema["properties"])
        .map(|(name, part)| row(name, &type_of(part), text(&part["description"])))
        .collect();
    if rows.is_empty() {
        rows = row(media, &type_of(schema), text(&schema["description"]));
    }
    let example = match &content["example"] {
        Value::Object(_) if media == "application/json" => pretty(&content["example"]),
        _ => String::new(),
    };
    table(&format!("Body: {media}"), &rows) + &example
}

fn answer(status: &str, response: &Value) -> String {
    let kinds: Vec<String> = members(&response["content"])
        .map(|(media, content)| match type_of(&content["schema"]) {
            named if named.starts_with('<') => named,
            _ => escape(media),
        })
        .collect();
    row(status, &kinds.join(", "), text(&response["description"]))
}

/// Folded away: the example of a good answer, or one of each kind of problem.
fn examples(status: &str, response: &Value) -> String {
    let mut shown = String::new();
    for (_, content) in members(&response["content"]) {
        if let example @ Value::Object(_) = &content["example"] {
            shown += &pretty(example);
        }
        for (_, example) in members(&content["examples"]) {
            shown += &pretty(&example["value"]);
        }
    }
    if shown.is_empty() {
        return shown;
    }
    format!("<details><summary>Example of {status}</summary>{shown}</details>")
}

fn object(name: &str, schema: &Value) -> String {
    let required = |name: &str| {
        let names = schema["required"].as_array();
        names.is_some_and(|names| names.iter().any(|one| one == name))
    };
    let properties = members(&schema["properties"]).map(|(name, property)| {
        let presence = if required(name) {
            ""
        } else {
            ", may be absent"
        };
        let kind = type_of(property) + presence;
        row(name, &kind, text(&property["description"]))
    });
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    let variants = variants.map(|one| row(text(&one["const"]), "", text(&one["description"])));
    let rows: String = properties.chain(variants).collect();
    format!(
        "<section><h3 id=\"{0}\"><code>{0}</code></h3><p>{1}</p>{2}</section>",
        escape(name),
        prose(text(&schema["description"])),
        table("", &rows),
    )
}

fn table(title: &str, rows: &str) -> String {
    match (rows, title) {
        ("", _) => String::new(),
        (_, "") => format!("<table>{rows}</table>"),
        _ => format!("<h4>{}</h4><table>{rows}</table>", escape(title)),
    }
}

/// `kind` is HTML already.
fn row(name: &str, kind: &str, description: &str) -> String {
    format!(
        "<tr><th><code>{}</code></th><td>{kind}</td><td>{}</td></tr>",
        escape(name),
        prose(description)
    )
}

fn pretty(example: &Value) -> String {
    format!("<pre>{}</pre>", escape(&format!("{example:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_route_and_loads_nothing() {
        let page = render(&openapi::document());
        for (method, path, _) in super::super::route_list() {
            let heading = format!("<code>{method} {path}</code></h3>");
            assert!(page.contains(&heading), "{method} {path}");
        }
        for part in ["<script", "http://", "src=", "url("] {
            assert!(!page.contains(part), "{part}");
        }
    }

    #[test]
    fn every_link_inside_the_page_leads_somewhere_and_nothing_of_the_source_leaks() {
        let page = render(&openapi::document());
        for part in page.split("href=\"#").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(page.contains(&format!("id=\"{name}\"")), "{name}");
        }
        for leak in ["[<code>", "<code>]", "null"] {
            assert!(!page.contains(leak), "{leak}");
        }
    }
}
