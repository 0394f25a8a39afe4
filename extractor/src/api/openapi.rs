//! The OpenAPI 3.1 document. Schemas come from the types that are sent, problems from the one error type, security
//! from the route table; the rest are tables, one file for each noun, and tests hold them against the routes.

mod jobs;
mod keys;
mod operation;
mod service;
mod submissions;

use std::sync::OnceLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::keyring::Scope;
use super::problem::ProblemBody;
use super::route_list;
use operation::Operation;

// Identifiers in examples.
const JOB: &str = "0198c2f0-7d1a-7c3e-9b5e-2f4a6c8d0e11";
const DOCUMENT: &str = "0198c2f0-7d19-7a42-8c1d-5e3f7a9b1c22";
const UPLOAD: &str = "0198c2f0-7d18-7f06-a2b4-6d8e0f1a2b33";
const KEY: &str = "0198c2f0-7d17-7b88-b3c5-7e9f1a2b3c44";

/// What a client has to know before the first call; paragraphs are parted by an empty line.
const INTRODUCTION: &str = "Documents in, fields out: submit a document, watch its job, fetch the result.

Send a key with every call, as `Authorization: Bearer KEY` or `X-Api-Key: KEY`. The first key is the admin key, which has every scope: key `api-key` of the Secret `PIPELINE-admin-key`, or the file that `extractor serve` names when it starts. It makes others with `POST /api/v1/keys`.

Every error is `application/problem+json` (RFC 9457): its `type` is stable, its `detail` says what to do. With 429 and 503, `Retry-After` says when to try again.

Send `Idempotency-Key` with a submission, and it can be repeated without storing anything twice. Every answer carries `X-Request-Id`; send your own, and the log has it.";

/// `GET /openapi.json`
pub(super) async fn get() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| document().to_string());
    ([(CONTENT_TYPE, "application/json")], text.as_str()).into_response()
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let operations = operations(&mut schemas);
    schemas.subschema_for::<ProblemBody>();
    let mut paths = Map::new();
    for (method, path, access) in route_list() {
        let operation = operations
            .iter()
            .find(|operation| operation.method == method && operation.path == path);
        let operation = operation.expect("a test finds routes without a description");
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        entry[method.as_str().to_lowercase()] = operation.describe(access);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Extraction API",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": INTRODUCTION,
        },
        "tags": tags(),
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "headers": headers(),
            "securitySchemes": security_schemes(),
        },
    })
}

fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    let mut operations = submissions::operations(schemas);
    operations.extend(jobs::operations(schemas));
    operations.extend(keys::operations(schemas));
    operations.extend(service::operations(schemas));
    operations
}

fn tags() -> Value {
    json!([
        {"name": "Documents", "description": "Submit a document in one request, and see what is known of it."},
        {"name": "Uploads", "description": "Put a document into the storage by a signed request, then submit it."},
        {"name": "Jobs", "description": "Watch, cancel and retry extractions, and fetch their results."},
        {"name": "Keys", "description": "Make, list and revoke the keys that clients send."},
        {"name": "Service", "description": "Probes, and this documentation."},
    ])
}

fn headers() -> Value {
    json!({
        "RequestId": {
            "description": "Names this request in the log: the client's own `X-Request-Id`, or a new one.",
            "schema": {"type": "string"},
        },
        "RetryAfter": {
            "description": "Seconds after which to try again.",
            "schema": {"type": "integer", "minimum": 1},
        },
    })
}

fn security_schemes() -> Value {
    let scopes = Scope::ALL.map(Scope::as_str).join("`, `");
    let about = format!(
        "The admin key, which may do everything, or a key made with `POST /api/v1/keys`, which has some of the scopes `{scopes}`."
    );
    json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": about},
        "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": about},
    })
}

#[cfg(test)]
#[path = "openapi/tests.rs"]
mod tests;
