//! Documents: submitting one in the request itself, and what is known of it.

use axum::extract::{Extension, FromRequest, Multipart, Request, State};
use axum::http::header::{CONTENT_LENGTH, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::form::{self, Form, MAX_FORM_OVERHEAD};
use super::input::{Id, check_document_type, idempotency_key, label};
use super::keyring::Client;
use super::problem::Problem;
use super::state::ApiState;
use super::time::Time;
use crate::document::DocumentType;
use crate::page::Kind;
use crate::store::{
    Document, Idempotency, JobState, NewDocument, NewJob, Recorded, Submitted, Upload,
};

/// A submission was accepted and is kept.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Accepted {
    /// The job to watch: `GET /api/v1/jobs/{job_id}`.
    pub(super) job_id: String,
    /// The document it works on.
    pub(super) document_id: String,
    /// `queued`, unless the upload was completed before.
    pub(super) state: JobState,
}

/// What is known of a document.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Document")]
pub(super) struct DocumentBody {
    /// The document's identifier, a UUID.
    id: String,
    /// The client's name for it.
    file_name: String,
    /// What its first bytes say it is; absent while nobody has read an upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    /// SHA-256 of its bytes in hex; absent while nobody has read an upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// Its size in bytes.
    size_bytes: i64,
    /// The document type, as submitted.
    #[schemars(with = "DocumentType")]
    document_type: String,
    /// When it was accepted.
    created_at: Time,
}

impl From<Document> for DocumentBody {
    fn from(document: Document) -> Self {
        Self {
            id: document.id,
            file_name: document.file_name,
            content_type: document.content_type,
            sha256: document.sha256,
            size_bytes: document.size_bytes,
            document_type: document.document_type,
            created_at: Time(document.created_ms),
        }
    }
}

/// `GET /api/v1/documents/{id}`
pub(super) async fn get(
    State(state): State<ApiState>,
    Id(id): Id,
) -> Result<axum::Json<DocumentBody>, Problem> {
    let document = state.store().document(&id).await?;
    let document = document.ok_or(Problem::NotFound("document"))?;
    Ok(axum::Json(document.into()))
}

/// `POST /api/v1/documents`: the bytes are stored before the job, so that a job always has its document.
pub(super) async fn create(
    State(state): State<ApiState>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Result<Response, Problem> {
    let key = idempotency_key(request.headers())?;
    let limit = state.config().max_document_bytes;
    let expected = expected_bytes(request.headers(), limit)?;
    let _room = state.reserve_buffer(expected).await?;
    let form = Multipart::from_request(request, &state)
        .await
        .map_err(|rejection| Problem::UnsupportedMediaType(rejection.body_text().into()))?;
    let form = form::read(form, limit).await?;
    check_document_type(&form.document_type, &state.config().document_types)?;
    let kind = Kind::of(&form.bytes).ok_or(Problem::UnsupportedDocument)?;
    let content_type = kind.media_type();
    let sha256 = hex::encode(Sha256::digest(&form.bytes));
    let request_hash = request_hash(&form, &sha256);
    if let Some(key) = &key
        && let Some(first) = state.store().recorded(&client.id, key).await?
    {
        return repeat(&first, &request_hash);
    }
    let new = new_job(&state, &client, &form, content_type, sha256);
    let idempotency = key.map(|key| Idempotency {
        client: client.id,
        key,
        response: to_json(&accepted(&new)),
        request_hash: request_hash.clone(),
        job_id: Some(new.id.clone()),
    });
    promise(&state, &new).await?;
    let blob_key = &new.document.blob_key;
    state
        .blobs()
        .put(blob_key, content_type, form.bytes)
        .await?;
    queue(&state, &new, idempotency.as_ref(), &request_hash).await
}

/// Stores the job, unless the same submission did so meanwhile.
async fn queue(
    state: &ApiState,
    new: &NewJob,
    idempotency: Option<&Idempotency>,
    request_hash: &str,
) -> Result<Response, Problem> {
    let stored = state.store().submit(new, idempotency, state.now_ms());
    if let Submitted::Repeated(first) = stored.await? {
        return repeat(&first, request_hash);
    }
    state.wake_relay();
    tracing::info!(
        job_id = new.id,
        document_id = new.document.id,
        size_bytes = new.document.size_bytes,
        "accepted a document"
    );
    Ok(accepted(new).into_response())
}

fn accepted(new: &NewJob) -> Accepted {
    Accepted {
        job_id: new.id.clone(),
        document_id: new.document.id.clone(),
        state: JobState::Queued,
    }
}

/// How much memory the body may need: what it says, or the most that is taken.
fn expected_bytes(headers: &HeaderMap, limit: u64) -> Result<u64, Problem> {
    let said = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match said {
        Some(bytes) if bytes > limit.saturating_add(MAX_FORM_OVERHEAD) => {
            Err(Problem::TooLarge(limit))
        }
        Some(bytes) => Ok(bytes.min(limit)),
        None => Ok(limit),
    }
}

fn new_job(
    state: &ApiState,
    client: &Client,
    form: &Form,
    content_type: &str,
    sha256: String,
) -> NewJob {
    let document_id = state.new_id();
    NewJob {
        id: state.new_id(),
        document_type: form.document_type.clone(),
        document: NewDocument {
            client: client.id.clone(),
            file_name: label(&form.file_name),
            declared_content_type: label(&form.content_type),
            content_type: Some(content_type.to_owned()),
            sha256: Some(sha256),
            size_bytes: i64::try_from(form.bytes.len()).unwrap_or(i64::MAX),
            blob_key: format!("documents/{document_id}"),
            id: document_id,
        },
    }
}

/// Whatever ends this request before the job is stored: the sweeper finds the promise, and deletes the bytes.
async fn promise(state: &ApiState, new: &NewJob) -> Result<(), Problem> {
    let (document, now_ms) = (&new.document, state.now_ms());
    let upload = Upload {
        id: document.id.clone(),
        client: document.client.clone(),
        file_name: document.file_name.clone(),
        content_type: document.declared_content_type.clone(),
        size_bytes: document.size_bytes,
        document_type: new.document_type.clone(),
        blob_key: document.blob_key.clone(),
        created_ms: now_ms,
        expires_ms: now_ms,
        job_id: None,
    };
    state.store().create_upload(&upload, None).await?;
    Ok(())
}

/// What the request asked for; the parts have fixed lengths or an end that they cannot contain.
fn request_hash(form: &Form, sha256: &str) -> String {
    let parts = ["document", sha256, &form.document_type, &form.file_name];
    hex::encode(Sha256::digest(parts.join("\0")))
}

/// The first answer again, if the request is the same.
fn repeat(first: &Recorded, request_hash: &str) -> Result<Response, Problem> {
    if first.request_hash != request_hash {
        return Err(Problem::IdempotencyKeyReused);
    }
    let accepted: Accepted =
        serde_json::from_str(&first.response).map_err(|_| Problem::IdempotencyKeyReused)?;
    Ok(accepted.into_response())
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let location = format!("/api/v1/jobs/{}", self.job_id);
        (
            StatusCode::ACCEPTED,
            [(LOCATION, location)],
            axum::Json(self),
        )
            .into_response()
    }
}

/// JSON of one of our own types.
pub(super) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("strings and numbers always serialise")
}
