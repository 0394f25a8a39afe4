//! Jobs and their results.

use axum::http::Method;
use schemars::JsonSchema;
use schemars::generate::SchemaGenerator;
use serde_json::{Value, json};

use super::super::jobs::{GetQuery, JobBody, JobList, ListQuery};
use super::super::problem::Problem;
use super::operation::{Answer, Operation, Takes};
use super::{DOCUMENT, JOB};
use crate::result::ExtractionResult;

const ID: &str = "The job's identifier: `job_id` of the answer to the submission.";

pub(super) fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    vec![
        list(schemas),
        get(schemas),
        result(schemas),
        cancel(schemas),
        retry(schemas),
    ]
}

fn list(schemas: &mut SchemaGenerator) -> Operation {
    let example = json!({"jobs": [job("succeeded")], "next": format!("1769860800000.{JOB}")});
    Operation {
        method: Method::GET,
        path: "/api/v1/jobs",
        summary: "Jobs, newest first, filtered and in pages",
        description: "Filters are combined with and. Give `next` of a page as `after` of the next call, with the same filters.",
        id: "",
        takes: Takes::Query(ListQuery::json_schema(schemas)),
        answer: Answer::json::<JobList>(schemas, 200, "A page of jobs.", &example),
        problems: vec![
            Problem::Invalid("`limit` must be 1 to 200".into()),
            Problem::UnknownDocumentType("Invoice, Receipt".into()),
        ],
        curl: "curl -sS -H \"Authorization: Bearer $KEY\" \"$URL/api/v1/jobs?state=needs_review&limit=20\"",
    }
}

fn get(schemas: &mut SchemaGenerator) -> Operation {
    let told = "The job as it is now, or as it was when the time was over.";
    Operation {
        method: Method::GET,
        path: "/api/v1/jobs/{id}",
        summary: "A job, at once or when it has ended",
        description: "With `wait` the answer comes as soon as the job is final, which saves asking again and again.",
        id: ID,
        takes: Takes::Query(GetQuery::json_schema(schemas)),
        answer: Answer::json::<JobBody>(schemas, 200, told, &job("succeeded")),
        problems: vec![
            Problem::NotFound("job"),
            Problem::Invalid("`wait` must be 0 to 20 seconds".into()),
        ],
        curl: "curl -sS -H \"Authorization: Bearer $KEY\" \"$URL/api/v1/jobs/$JOB_ID?wait=20\"",
    }
}

fn result(schemas: &mut SchemaGenerator) -> Operation {
    let told = "The fields, each with its place on the page.";
    Operation {
        method: Method::GET,
        path: "/api/v1/jobs/{id}/result",
        summary: "What was found in the document",
        description: "There is one when the job is `succeeded` or `needs_review`. A field that the document does not print is absent, never made up.",
        id: ID,
        takes: Takes::Nothing,
        answer: Answer::json::<ExtractionResult>(schemas, 200, told, &found()),
        problems: vec![
            Problem::NotFound("job"),
            Problem::NoResult("the job is failed (malformed) and has no result".into()),
        ],
        curl: "curl -sS -H \"Authorization: Bearer $KEY\" $URL/api/v1/jobs/$JOB_ID/result",
    }
}

fn cancel(schemas: &mut SchemaGenerator) -> Operation {
    let told = "The job is cancelled, now or before.";
    Operation {
        method: Method::POST,
        path: "/api/v1/jobs/{id}/cancel",
        summary: "Cancel a job that has not ended",
        description: "A worker that has it in hand stops soon after and stores nothing.",
        id: ID,
        takes: Takes::Nothing,
        answer: Answer::json::<JobBody>(schemas, 200, told, &job("cancelled")),
        problems: vec![
            Problem::NotFound("job"),
            Problem::Conflict("the job is succeeded and cannot be cancelled any more".into()),
        ],
        curl: "curl -sS -X POST -H \"Authorization: Bearer $KEY\" $URL/api/v1/jobs/$JOB_ID/cancel",
    }
}

fn retry(schemas: &mut SchemaGenerator) -> Operation {
    let told = "The job is queued again.";
    Operation {
        method: Method::POST,
        path: "/api/v1/jobs/{id}/retry",
        summary: "Queue a job again that has ended without a good result",
        description: "For jobs that failed, were cancelled, were given up after too many attempts, or need review.",
        id: ID,
        takes: Takes::Nothing,
        answer: Answer::json::<JobBody>(schemas, 202, told, &job("queued")),
        problems: vec![
            Problem::NotFound("job"),
            Problem::Conflict("the job is succeeded and there is nothing to retry".into()),
        ],
        curl: "curl -sS -X POST -H \"Authorization: Bearer $KEY\" $URL/api/v1/jobs/$JOB_ID/retry",
    }
}

fn job(state: &str) -> Value {
    json!({
        "id": JOB, "document_id": DOCUMENT, "document_type": "Invoice", "state": state,
        "attempts": 1, "created_at": "2026-01-31T12:00:00.000Z",
        "updated_at": "2026-01-31T12:00:02.500Z",
    })
}

fn found() -> Value {
    let bounds = json!({"left": 0.71, "top": 0.82, "width": 0.09, "height": 0.014});
    let total = json!({
        "value": "1234.50", "raw": "1.234,50", "page": 1, "box": bounds, "confidence": 0.98,
        "engine": "text_layer",
        "checks": [{"name": "subtotal_plus_tax_is_total", "passed": true}],
    });
    let word = json!({"text": "1.234,50", "box": bounds, "confidence": 1.0});
    json!({
        "schema": crate::result::SCHEMA, "job_id": JOB, "document_type": "Invoice",
        "pages": [{
            "number": 1, "width": 595.0, "height": 842.0, "engine": "text_layer", "words": [word],
        }],
        "fields": {"total": total},
        "line_items": [{"fields": {"price": total}}],
        "routing": {"outcome": "succeeded", "reasons": []},
        "timings": {"recognise_ms": 12, "extract_ms": 3},
    })
}
