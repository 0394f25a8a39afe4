//! Documents, and uploads by signed link.

use axum::http::Method;
use schemars::generate::SchemaGenerator;
use serde_json::{Value, json};

use super::super::documents::{Accepted, DocumentBody};
use super::super::problem::Problem;
use super::super::uploads::{NewUpload, UploadBody};
use super::operation::{Answer, Operation, Takes, body_problems};
use super::{DOCUMENT, JOB, UPLOAD};
use crate::document::DocumentType;

pub(super) fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    vec![
        submit(schemas),
        Operation {
            method: Method::GET,
            path: "/api/v1/documents/{id}",
            summary: "What is known of a document",
            description: "Its name, type, size and hash; never its bytes.",
            id: "The document's identifier: `document_id` of the answer to its submission.",
            takes: Takes::Nothing,
            answer: Answer::json::<DocumentBody>(
                schemas,
                200,
                "The document, without its bytes.",
                &document(),
            ),
            problems: vec![Problem::NotFound("document")],
            curl: "curl -sS -H \"Authorization: Bearer $KEY\" $URL/api/v1/documents/$DOCUMENT_ID",
        },
        begin_upload(schemas),
        put(),
        complete(schemas),
    ]
}

/// Problems of a document, however it comes.
fn document_problems() -> Vec<Problem> {
    vec![
        Problem::TooLarge(20_971_520),
        Problem::UnsupportedDocument,
        Problem::EmptyDocument,
        Problem::UnknownDocumentType("Invoice, Receipt".into()),
        Problem::IdempotencyKeyReused,
    ]
}

fn submit(schemas: &mut SchemaGenerator) -> Operation {
    let mut problems = document_problems();
    problems.extend([
        Problem::BadRequest("the multipart body is malformed or ended early".into()),
        Problem::UnsupportedMediaType("the body must be `multipart/form-data`".into()),
        Problem::Invalid(
            "the form must have one `file` and one `document_type`, and nothing else".into(),
        ),
    ]);
    let mut document_type = json!(schemas.subschema_for::<DocumentType>());
    document_type["description"] =
        "What the document is: one of the types that this pipeline is configured for.".into();
    let form = json!({
        "type": "object",
        "required": ["file", "document_type"],
        "additionalProperties": false,
        "properties": {
            "file": {
                "type": "string",
                "contentMediaType": "application/octet-stream",
                "description": "The bytes of the document, with its file name: PDF, PNG, JPEG, TIFF, WebP, BMP or GIF. Its first bytes decide, not its name.",
            },
            "document_type": document_type,
        },
    });
    let example = json!({"document_type": "Invoice", "file": "(the bytes of invoice.pdf)"});
    Operation {
        method: Method::POST,
        path: "/api/v1/documents",
        summary: "Submit a document in the request",
        description: "Stores the document and queues a job for it; watch the job that `Location` names. Large files are better sent by a signed link: see `POST /api/v1/uploads`.",
        id: "",
        takes: Takes::Body("multipart/form-data", form, example),
        answer: accepted(schemas, "The document is kept and its job is queued."),
        problems,
        curl: "curl -sS -H \"Authorization: Bearer $KEY\" -H \"Idempotency-Key: order-4711\" \\\n  -F document_type=Invoice -F file=@invoice.pdf $URL/api/v1/documents",
    }
}

fn begin_upload(schemas: &mut SchemaGenerator) -> Operation {
    let mut problems = document_problems();
    problems.push(Problem::Conflict(
        "the upload has ended; ask for a new one".into(),
    ));
    problems.extend(body_problems());
    let example = json!({
        "file_name": "invoice.pdf", "content_type": "application/pdf", "size_bytes": 48213,
        "document_type": "Invoice",
    });
    let schema = json!(schemas.subschema_for::<NewUpload>());
    let answer = json!({
        "id": UPLOAD, "method": "PUT",
        "url": format!("https://invoices.s3.eu-west-1.amazonaws.com/uploads/{UPLOAD}?X-Amz-Signature=..."),
        "headers": {"content-length": "48213", "content-type": "application/pdf"},
        "expires_at": "2026-01-31T12:15:00.000Z",
    });
    let made = "A signed request: send the bytes with it within 900 s.";
    Operation {
        method: Method::POST,
        path: "/api/v1/uploads",
        summary: "Ask for a signed request that puts a document into the storage",
        description: "In three steps: ask for the signed request; send the bytes with exactly its method, URL and headers; say that they are there with `POST /api/v1/uploads/{id}/complete`.",
        id: "",
        takes: Takes::Body("application/json", schema, example),
        answer: Answer::json::<UploadBody>(schemas, 201, made, &answer),
        problems,
        curl: "curl -sS -H \"Authorization: Bearer $KEY\" -H \"Content-Type: application/json\" \\\n  -d '{\"file_name\":\"invoice.pdf\",\"content_type\":\"application/pdf\",\"size_bytes\":48213,\"document_type\":\"Invoice\"}' \\\n  $URL/api/v1/uploads\n# then, with `url` and `headers` of the answer:\ncurl -sS -X PUT -H \"Content-Type: application/pdf\" --data-binary @invoice.pdf \"$UPLOAD_URL\"\ncurl -sS -X POST -H \"Authorization: Bearer $KEY\" $URL/api/v1/uploads/$UPLOAD_ID/complete",
    }
}

fn put() -> Operation {
    let bytes = json!({
        "type": "string",
        "contentMediaType": "application/octet-stream",
        "description": "The bytes of the document, exactly as many as the upload was asked for.",
    });
    Operation {
        method: Method::PUT,
        path: "/api/v1/uploads/{id}",
        summary: "Where a signed request leads when the storage is a folder",
        description: "Only with the embedded storage, and only as the `url` of an upload: the token in it is the permission and names type and size.",
        id: "The signed token; take the whole `url` of the upload instead of making this path.",
        takes: Takes::Body(
            "application/octet-stream",
            bytes,
            json!("(the bytes of invoice.pdf)"),
        ),
        answer: Answer {
            status: 200,
            description: "The bytes are stored; complete the upload now.",
            content: json!({}),
            location: None,
        },
        problems: vec![
            Problem::BadRequest("the body ended early".into()),
            Problem::LinkRefused("the link has ended".into()),
        ],
        curl: "curl -sS -X PUT -H \"Content-Type: application/pdf\" --data-binary @invoice.pdf \"$UPLOAD_URL\"",
    }
}

fn complete(schemas: &mut SchemaGenerator) -> Operation {
    Operation {
        method: Method::POST,
        path: "/api/v1/uploads/{id}/complete",
        summary: "Say that the bytes of an upload are there",
        description: "Queues the job. Repeating it gives the same job, so it can be sent again when the answer was lost.",
        id: "The upload's identifier: `id` of the answer to `POST /api/v1/uploads`.",
        takes: Takes::Nothing,
        answer: accepted(schemas, "The job is queued, or was before."),
        problems: vec![
            Problem::NotFound("upload"),
            Problem::Conflict("nothing was uploaded yet; send the signed request first".into()),
            Problem::TooLarge(20_971_520),
            Problem::EmptyDocument,
        ],
        curl: "curl -sS -X POST -H \"Authorization: Bearer $KEY\" $URL/api/v1/uploads/$UPLOAD_ID/complete",
    }
}

fn accepted(schemas: &mut SchemaGenerator, description: &'static str) -> Answer {
    let example = json!({"job_id": JOB, "document_id": DOCUMENT, "state": "queued"});
    Answer {
        location: Some("The job: `/api/v1/jobs/{job_id}`."),
        ..Answer::json::<Accepted>(schemas, 202, description, &example)
    }
}

fn document() -> Value {
    json!({
        "id": DOCUMENT, "file_name": "invoice.pdf", "content_type": "application/pdf",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "size_bytes": 48213, "document_type": "Invoice", "created_at": "2026-01-31T12:00:00.000Z",
    })
}
