//! The OpenAPI 3.1 document. Schemas come from the types that are sent; security from the route table; the
//! rest is the table below, and a test holds it against the routes.

use std::sync::OnceLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::keyring::Scope;
use super::documents::{Accepted, DocumentBody};
use super::health::Health;
use super::jobs::{GetQuery, JobBody, JobList, ListQuery as JobListQuery};
use super::keys::{KeyBody, KeyList, ListQuery as KeyListQuery, MadeKey, NewKey};
use super::problem::ProblemBody;
use super::uploads::{NewUpload, UploadBody};
use super::{Access, route_list};
use crate::result::ExtractionResult;

/// What a route takes besides its path.
enum Takes {
    Nothing,
    /// The schema itself, not a reference to it: its members become parameters.
    Query(Schema),
    Json(Schema),
    Form,
    Bytes,
}

/// What a route is, for readers.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    takes: Takes,
    answer: (u16, Value),
    /// Statuses of problems besides those of its access.
    problems: &'static [u16],
}

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
    let problem = schemas.subschema_for::<ProblemBody>();
    let mut paths = Map::new();
    for (method, path, access) in route_list() {
        let method = method.as_str().to_lowercase();
        let operation = operations
            .iter()
            .find(|operation| operation.method == method && operation.path == path);
        let operation = operation.expect("a test finds routes without a description");
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        entry[method.as_str()] = describe(operation, access, &problem);
    }
    let scopes = Scope::ALL.map(Scope::as_str).join("`, `");
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Extraction API",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": format!(
                "Documents in, fields out. Every error is `application/problem+json` (RFC 9457) with a \
                 stable `type`. Every answer carries `X-Request-Id`. Send `Idempotency-Key` with a \
                 submission to repeat it safely. Keys have the scopes `{scopes}`."
            ),
        },
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A key: `xk_...`"},
                "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    })
}

fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    let mut operations = probes(schemas);
    operations.extend(submissions(schemas));
    operations.extend(jobs(schemas));
    operations.extend(keys(schemas));
    operations
}

fn probes(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    let health = body::<Health>(schemas);
    let ready = |path| Operation {
        method: "get",
        path,
        summary: "Whether requests are taken: not before the database was reached once",
        takes: Takes::Nothing,
        answer: (200, health.clone()),
        problems: &[503],
    };
    let text = |path, summary, media: &str| Operation {
        method: "get",
        path,
        summary,
        takes: Takes::Nothing,
        answer: (200, json!({media: {}})),
        problems: &[],
    };
    vec![
        Operation {
            summary: "Whether the process lives",
            problems: &[],
            ..ready("/health/live")
        },
        ready("/health/ready"),
        ready("/health"),
        ready("/api/health"),
        ready("/api/v1/health"),
        ready("/api/v2/timetable/health"),
        text("/docs", "This documentation as a page", "text/html"),
        text(
            "/openapi.json",
            "This documentation for machines",
            "application/json",
        ),
    ]
}

fn submissions(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    let accepted = body::<Accepted>(schemas);
    vec![
        Operation {
            method: "post",
            path: "/api/v1/documents",
            summary: "Submit a document in the request; `Location` names its job",
            takes: Takes::Form,
            answer: (202, accepted.clone()),
            problems: &[400, 413, 415, 422],
        },
        Operation {
            method: "get",
            path: "/api/v1/documents/{id}",
            summary: "What is known of a document",
            takes: Takes::Nothing,
            answer: (200, body::<DocumentBody>(schemas)),
            problems: &[404],
        },
        Operation {
            method: "post",
            path: "/api/v1/uploads",
            summary: "Ask for a signed request that puts a document into the storage; it lasts 900 s",
            takes: Takes::Json(schemas.subschema_for::<NewUpload>()),
            answer: (201, body::<UploadBody>(schemas)),
            problems: &[400, 409, 413, 415, 422],
        },
        Operation {
            method: "put",
            path: "/api/v1/uploads/{id}",
            summary: "Where the signed request leads when the storage is a folder; the id is the signed token",
            takes: Takes::Bytes,
            answer: (200, json!({})),
            problems: &[400, 403, 413],
        },
        Operation {
            method: "post",
            path: "/api/v1/uploads/{id}/complete",
            summary: "Say that the bytes are there; repeating it gives the same job",
            takes: Takes::Nothing,
            answer: (202, accepted),
            problems: &[404, 409, 413, 422],
        },
    ]
}

fn jobs(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    let job = body::<JobBody>(schemas);
    let one = |method, path, summary, status, problems| Operation {
        method,
        path,
        summary,
        takes: Takes::Nothing,
        answer: (status, job.clone()),
        problems,
    };
    let cancel = one(
        "post",
        "/api/v1/jobs/{id}/cancel",
        "Cancel a job that has not ended",
        200,
        &[404, 409],
    );
    let retry = one(
        "post",
        "/api/v1/jobs/{id}/retry",
        "Queue a job again that failed, was cancelled, was given up or needs review",
        202,
        &[404, 409],
    );
    vec![
        Operation {
            method: "get",
            path: "/api/v1/jobs",
            summary: "Jobs, newest first, filtered and in pages",
            takes: Takes::Query(JobListQuery::json_schema(schemas)),
            answer: (200, body::<JobList>(schemas)),
            problems: &[422],
        },
        Operation {
            takes: Takes::Query(GetQuery::json_schema(schemas)),
            ..one(
                "get",
                "/api/v1/jobs/{id}",
                "A job, at once or when it has ended",
                200,
                &[404, 422],
            )
        },
        Operation {
            method: "get",
            path: "/api/v1/jobs/{id}/result",
            summary: "What was found",
            takes: Takes::Nothing,
            answer: (200, body::<ExtractionResult>(schemas)),
            problems: &[404, 409],
        },
        cancel,
        retry,
    ]
}

fn keys(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    vec![
        Operation {
            method: "post",
            path: "/api/v1/keys",
            summary: "Make a key; its token is shown once",
            takes: Takes::Json(schemas.subschema_for::<NewKey>()),
            answer: (201, body::<MadeKey>(schemas)),
            problems: &[400, 413, 415, 422],
        },
        Operation {
            method: "get",
            path: "/api/v1/keys",
            summary: "All keys, oldest first, in pages",
            takes: Takes::Query(KeyListQuery::json_schema(schemas)),
            answer: (200, body::<KeyList>(schemas)),
            problems: &[422],
        },
        Operation {
            method: "delete",
            path: "/api/v1/keys/{id}",
            summary: "Revoke a key: refused at once here, within 5 s by other replicas",
            takes: Takes::Nothing,
            answer: (200, body::<KeyBody>(schemas)),
            problems: &[404],
        },
    ]
}

fn body<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    json!({"application/json": {"schema": schemas.subschema_for::<T>()}})
}

fn describe(operation: &Operation, access: Access, problem: &Schema) -> Value {
    let mut described = json!({
        "summary": operation.summary,
        "operationId": operation_id(operation),
        "parameters": parameters(operation),
        "security": security(access),
        "responses": responses(operation, access, problem),
    });
    if let Access::Key(scope) = access {
        described["description"] =
            format!("Needs a key with the scope `{}`.", scope.as_str()).into();
    }
    let content = match &operation.takes {
        Takes::Nothing | Takes::Query(_) => return described,
        Takes::Json(schema) => json!({"application/json": {"schema": schema}}),
        Takes::Bytes => json!({"application/octet-stream": {}}),
        Takes::Form => json!({"multipart/form-data": {"schema": {
            "type": "object",
            "required": ["file", "document_type"],
            "properties": {
                "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                "document_type": {"type": "string"},
            },
        }}}),
    };
    described["requestBody"] = json!({"required": true, "content": content});
    described
}

fn operation_id(operation: &Operation) -> String {
    let words = operation.path.split(['/', '.']);
    let plain = words.filter(|word| !word.is_empty() && !word.starts_with('{'));
    [operation.method]
        .into_iter()
        .chain(plain)
        .collect::<Vec<_>>()
        .join("_")
        + if operation.path.ends_with('}') {
            "_by_id"
        } else {
            ""
        }
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let mut parameters = Vec::new();
    if operation.path.contains("{id}") {
        parameters.push(json!({
            "name": "id", "in": "path", "required": true, "schema": {"type": "string"},
        }));
    }
    let is_submission = matches!(operation.path, "/api/v1/documents" | "/api/v1/uploads");
    if is_submission && operation.method == "post" {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "The same key with the same request gets the first answer again",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }));
    }
    if let Takes::Query(schema) = &operation.takes {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            parameters.push(json!({
                "name": name, "in": "query", "required": false,
                "description": property["description"], "schema": property,
            }));
        }
    }
    parameters
}

fn security(access: Access) -> Value {
    match access {
        Access::Key(_) => json!([{"bearer": []}, {"header": []}]),
        Access::Probe | Access::Open | Access::Link => json!([]),
    }
}

fn responses(operation: &Operation, access: Access, problem: &Schema) -> Value {
    let (status, content) = &operation.answer;
    let mut responses = Map::new();
    responses.insert(
        status.to_string(),
        json!({"description": "Done", "content": content}),
    );
    let common: &[u16] = match access {
        Access::Key(_) => &[401, 403, 429, 500, 503],
        Access::Open => &[429, 503],
        Access::Link => &[500, 503],
        Access::Probe => &[],
    };
    for status in operation.problems.iter().chain(common) {
        responses.insert(
            status.to_string(),
            json!({
                "description": "A problem",
                "content": {"application/problem+json": {"schema": problem}},
            }),
        );
    }
    responses.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_and_every_description_has_a_route() {
        let mut schemas = SchemaSettings::draft2020_12().into_generator();
        let described: BTreeSet<_> = operations(&mut schemas)
            .iter()
            .map(|operation| (operation.method.to_owned(), operation.path))
            .collect();
        let routed: BTreeSet<_> = route_list()
            .into_iter()
            .map(|(method, path, _)| (method.as_str().to_lowercase(), path))
            .collect();
        assert_eq!(described, routed);
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
            names("/api/v1/jobs")
                .is_superset(&["after", "limit", "state"].map(str::to_owned).into())
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
        let text = document.to_string();
        for part in text.split("\"$ref\":\"#").skip(1) {
            let pointer = part.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
        let mut ids = BTreeSet::new();
        for path in document["paths"].as_object().unwrap().values() {
            for operation in path.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id.to_owned()), "{id} twice");
            }
        }
        assert_eq!(ids.len(), route_list().len());
    }
}
