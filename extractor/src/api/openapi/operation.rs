//! One operation of the document: what a table says of it, and how that becomes OpenAPI.

use std::collections::BTreeMap;

use axum::http::Method;
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::super::Access;
use super::super::problem::Problem;

/// What a route takes besides its path.
pub(super) enum Takes {
    Nothing,
    /// The schema itself, not a reference to it: its members become parameters.
    Query(Schema),
    /// Media type, schema and example of the body.
    Body(&'static str, Value, Value),
}

/// What a route is, for readers.
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// What a client has to know before the first call.
    pub(super) description: &'static str,
    /// What `{id}` in the path is.
    pub(super) id: &'static str,
    pub(super) takes: Takes,
    pub(super) answer: Answer,
    /// Samples of the problems besides those of its access.
    pub(super) problems: Vec<Problem>,
    /// The call with curl; `$URL` and `$KEY` are the reader's.
    pub(super) curl: &'static str,
}

/// What a route answers when all went well.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) description: &'static str,
    /// By media type; empty without a body.
    pub(super) content: Value,
    /// What `Location` names, where there is one.
    pub(super) location: Option<&'static str>,
}

impl Answer {
    /// A JSON body of this type, with an example of it.
    pub(super) fn json<T: JsonSchema>(
        schemas: &mut SchemaGenerator,
        status: u16,
        description: &'static str,
        example: &Value,
    ) -> Self {
        let schema = schemas.subschema_for::<T>();
        Self {
            status,
            description,
            content: json!({"application/json": {"schema": schema, "example": example}}),
            location: None,
        }
    }
}

/// Problems that any JSON body may meet.
pub(super) fn body_problems() -> Vec<Problem> {
    vec![
        Problem::BadRequest("the body is no JSON".into()),
        Problem::TooLarge(super::super::input::MAX_JSON_BYTES as u64),
        Problem::UnsupportedMediaType("the body must be `application/json`".into()),
        Problem::Invalid("missing field `name`".into()),
    ]
}

impl Operation {
    /// Its OpenAPI object.
    pub(super) fn describe(&self, access: Access) -> Value {
        let mut described = json!({
            "tags": [self.tag()],
            "summary": self.summary,
            "description": self.description_for(access),
            "operationId": self.operation_id(),
            "parameters": self.parameters(),
            "security": security(access),
            "responses": self.responses(access),
            "x-codeSamples": [{"lang": "Shell", "label": "curl", "source": self.curl}],
        });
        if let Takes::Body(media, schema, example) = &self.takes {
            described["requestBody"] = json!({
                "required": true,
                "content": {*media: {"schema": schema, "example": example}},
            });
        }
        described
    }

    /// The noun of the path.
    pub(super) fn tag(&self) -> &'static str {
        match self.path.strip_prefix("/api/v1/") {
            Some(rest) if rest.starts_with("documents") => "Documents",
            Some(rest) if rest.starts_with("uploads") => "Uploads",
            Some(rest) if rest.starts_with("jobs") => "Jobs",
            Some(rest) if rest.starts_with("keys") => "Keys",
            _ => "Service",
        }
    }

    fn description_for(&self, access: Access) -> String {
        match access {
            Access::Key(scope) => format!(
                "{} Needs a key with the scope `{}`.",
                self.description,
                scope.as_str()
            ),
            Access::Probe | Access::Open | Access::Link => {
                format!("{} Needs no key.", self.description)
            }
        }
    }

    fn operation_id(&self) -> String {
        let method = self.method.as_str().to_lowercase();
        let words = self.path.split(['/', '.']);
        let plain = words.filter(|word| !word.is_empty() && !word.starts_with('{'));
        let by_id = self.path.ends_with('}').then_some("by_id");
        let all = [method.as_str()].into_iter().chain(plain).chain(by_id);
        all.collect::<Vec<_>>().join("_")
    }

    fn parameters(&self) -> Vec<Value> {
        let mut parameters = Vec::new();
        if self.path.contains("{id}") {
            parameters.push(json!({
                "name": "id", "in": "path", "required": true,
                "description": self.id, "schema": {"type": "string"},
            }));
        }
        let is_submission = matches!(self.path, "/api/v1/documents" | "/api/v1/uploads");
        if is_submission && self.method == Method::POST {
            parameters.push(json!({
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "A name of the client's own for this submission: the same key with the same request gets the first answer again, and stores nothing twice.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
                "example": "order-4711",
            }));
        }
        if let Takes::Query(schema) = &self.takes {
            let properties = schema.get("properties").and_then(Value::as_object);
            for (name, property) in properties.into_iter().flatten() {
                parameters.push(json!({
                    "name": name, "in": "query", "required": false,
                    "description": property["description"], "schema": present(property),
                }));
            }
        }
        parameters
    }

    fn responses(&self, access: Access) -> Value {
        let mut by_status: BTreeMap<u16, Vec<Problem>> = BTreeMap::new();
        for problem in self.problems.iter().cloned().chain(common(access)) {
            let (status, code, _) = problem.kind();
            let known = by_status.entry(status.as_u16()).or_default();
            if known.iter().all(|other| other.kind().1 != code) {
                known.push(problem);
            }
        }
        let mut responses = Map::new();
        responses.insert(self.answer.status.to_string(), good(&self.answer));
        for (status, problems) in by_status {
            responses.insert(status.to_string(), bad(&problems));
        }
        responses.into()
    }
}

/// A parameter of a query is given or left out, and never `null`.
fn present(property: &Value) -> Value {
    let mut schema = property.clone();
    let is_null = |option: &Value| option == "null" || option["type"] == "null";
    if let Some(options) = schema["anyOf"].as_array() {
        let given = options.iter().find(|option| !is_null(option));
        schema = given.cloned().unwrap_or_default();
    }
    if let Some(kinds) = schema["type"].as_array() {
        let given = kinds.iter().find(|kind| !is_null(kind));
        schema["type"] = given.cloned().unwrap_or_default();
    }
    if let Some(members) = schema.as_object_mut() {
        members.remove("description");
    }
    schema
}

fn security(access: Access) -> Value {
    match access {
        Access::Key(_) => json!([{"bearer": []}, {"header": []}]),
        Access::Probe | Access::Open | Access::Link => json!([]),
    }
}

/// What may be wrong with any call of such an access.
fn common(access: Access) -> Vec<Problem> {
    match access {
        Access::Key(scope) => vec![
            Problem::Unauthenticated,
            Problem::MissingScope(scope.as_str()),
            Problem::TooManyRequests(12),
            Problem::Internal,
            Problem::Unavailable("database"),
            Problem::Overloaded,
            Problem::TimedOut,
        ],
        Access::Open => vec![Problem::TooManyRequests(12), Problem::Overloaded],
        Access::Link => vec![
            Problem::Internal,
            Problem::Unavailable("storage"),
            Problem::Overloaded,
            Problem::TimedOut,
        ],
        Access::Probe => Vec::new(),
    }
}

fn good(answer: &Answer) -> Value {
    let mut headers = json!({"X-Request-Id": {"$ref": "#/components/headers/RequestId"}});
    if let Some(location) = answer.location {
        headers["Location"] = json!({"description": location, "schema": {"type": "string"}});
    }
    json!({"description": answer.description, "headers": headers, "content": answer.content})
}

/// Every kind of problem with its own name, words and example.
fn bad(problems: &[Problem]) -> Value {
    let (mut told, mut types, mut examples) = (Vec::new(), Vec::new(), Map::new());
    let mut headers = json!({"X-Request-Id": {"$ref": "#/components/headers/RequestId"}});
    for problem in problems {
        let (_, code, title) = problem.kind();
        let body = json!(problem.body());
        told.push(format!("`{code}`: {title}."));
        types.push(body["type"].clone());
        examples.insert(code.into(), json!({"summary": title, "value": body}));
        if problem.retry_after_seconds().is_some() {
            headers["Retry-After"] = json!({"$ref": "#/components/headers/RetryAfter"});
        }
    }
    json!({
        "description": told.join(" "),
        "headers": headers,
        "content": {"application/problem+json": {
            "schema": {
                "$ref": "#/components/schemas/Problem",
                "properties": {"type": {"enum": types}},
            },
            "examples": examples,
        }},
    })
}
