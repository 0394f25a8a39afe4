//! Probes and the documentation itself.

use axum::http::Method;
use schemars::generate::SchemaGenerator;
use serde_json::{Value, json};

use super::super::health::Health;
use super::super::problem::Problem;
use super::operation::{Answer, Operation, Takes};

pub(super) fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    vec![
        Operation {
            summary: "Whether the process lives",
            description: "Answers as long as the process answers anything at all, whatever it depends on.",
            answer: health(schemas, "The process lives."),
            problems: Vec::new(),
            ..ready(schemas, "/health/live", "curl -sS $URL/health/live")
        },
        ready(schemas, "/health/ready", "curl -sS $URL/health/ready"),
        ready(schemas, "/health", "curl -sS $URL/health"),
        ready(schemas, "/api/health", "curl -sS $URL/api/health"),
        ready(schemas, "/api/v1/health", "curl -sS $URL/api/v1/health"),
        ready(
            schemas,
            "/api/v2/timetable/health",
            "curl -sS $URL/api/v2/timetable/health",
        ),
        Operation {
            curl: "curl -sS $URL/docs",
            ..text(
                "/docs",
                "This documentation as a page",
                "The page needs no script and loads nothing.",
                "The page, as HTML text.",
                json!({"text/html": {"schema": {"type": "string"}, "example": "<!doctype html>"}}),
            )
        },
        Operation {
            curl: "curl -sS $URL/openapi.json",
            ..text(
                "/openapi.json",
                "This documentation for machines",
                "The OpenAPI 3.1 document of this release; clients can be generated from it.",
                "The OpenAPI document itself.",
                json!({"application/json": {"schema": {"type": "object"}, "example": {"openapi": "3.1.0"}}}),
            )
        },
    ]
}

fn health(schemas: &mut SchemaGenerator, description: &'static str) -> Answer {
    let example = json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")});
    Answer::json::<Health>(schemas, 200, description, &example)
}

fn ready(schemas: &mut SchemaGenerator, path: &'static str, curl: &'static str) -> Operation {
    Operation {
        method: Method::GET,
        path,
        summary: "Whether requests are taken",
        description: "Not before the migrated database was reached once; from then on always, so that clients get our own 503 with `Retry-After` while a dependency is away.",
        id: "",
        takes: Takes::Nothing,
        answer: health(schemas, "Requests are taken."),
        problems: vec![Problem::Unavailable("migrated database")],
        curl,
    }
}

fn text(
    path: &'static str,
    summary: &'static str,
    description: &'static str,
    answer: &'static str,
    content: Value,
) -> Operation {
    Operation {
        method: Method::GET,
        path,
        summary,
        description,
        id: "",
        takes: Takes::Nothing,
        answer: Answer {
            status: 200,
            description: answer,
            content,
            location: None,
        },
        problems: Vec::new(),
        curl: "",
    }
}
