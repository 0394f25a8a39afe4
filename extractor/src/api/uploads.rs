//! Uploads: the client puts the bytes into the storage itself, by a signed link, and then says so.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::documents::{Accepted, to_json};
use super::input::{Body, Id, check_document_type, idempotency_key, label};
use super::keyring::Client;
use super::problem::Problem;
use super::state::ApiState;
use super::time::Time;
use crate::blobs::UploadLink;
use crate::document::DocumentType;
use crate::page::Kind;
use crate::store::{
    Completed, Idempotency, JobState, NewDocument, NewJob, UPLOAD_COMPLETION_MS, Upload,
};

/// How long a signed link lasts.
const LINK_LASTS: Duration = Duration::from_secs(900);

/// What the client is going to upload.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUpload {
    /// The client's name for the document.
    file_name: String,
    /// One of the types that we read; the signed link takes only this one.
    #[schemars(extend("enum" = Kind::ALL.map(Kind::media_type)))]
    content_type: String,
    /// Exact size in bytes, at least 1; the signed link takes only this one.
    size_bytes: u64,
    /// What the document is: one of the types that this pipeline is configured for.
    #[schemars(with = "DocumentType")]
    document_type: String,
}

/// A signed request for the client to send.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Upload")]
pub(super) struct UploadBody {
    /// The upload's identifier, a UUID; complete it with `POST /api/v1/uploads/{id}/complete`.
    id: String,
    /// The method to send it with, always `PUT`.
    method: String,
    /// Where to send the bytes.
    url: String,
    /// Headers to send exactly as given.
    headers: std::collections::BTreeMap<String, String>,
    /// When the link ends: 900 s after it was made.
    expires_at: Time,
}

/// `POST /api/v1/uploads`
pub(super) async fn create(
    State(state): State<ApiState>,
    Extension(client): Extension<Client>,
    headers: axum::http::HeaderMap,
    Body(new): Body<NewUpload>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    check(&state, &new)?;
    let id = state.new_id();
    let request_hash = hex::encode(Sha256::digest(to_json(&new)));
    let idempotency = key.map(|key| Idempotency {
        client: client.id.clone(),
        key,
        request_hash: request_hash.clone(),
        response: id.clone(),
        job_id: None,
    });
    let upload = upload(id, client, new, state.now_ms());
    // Signed first: a link that cannot be made must leave no row behind.
    let body = sign(&state, &upload).await?;
    let first = state.store().create_upload(&upload, idempotency.as_ref());
    let body = match first.await? {
        None => body,
        Some(first) if first.request_hash != request_hash => {
            return Err(Problem::IdempotencyKeyReused);
        }
        Some(first) => {
            let upload = state.store().upload(&first.response).await?;
            sign(&state, &upload.ok_or(Problem::NotFound("upload"))?).await?
        }
    };
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

fn upload(id: String, client: Client, new: NewUpload, now_ms: i64) -> Upload {
    Upload {
        blob_key: format!("uploads/{id}"),
        id,
        client: client.id,
        file_name: label(&new.file_name),
        content_type: new.content_type,
        size_bytes: i64::try_from(new.size_bytes).unwrap_or(i64::MAX),
        document_type: new.document_type,
        created_ms: now_ms,
        expires_ms: now_ms + 1_000 * LINK_LASTS.as_secs().cast_signed(),
        job_id: None,
    }
}

fn check(state: &ApiState, new: &NewUpload) -> Result<(), Problem> {
    check_document_type(&new.document_type, &state.config().document_types)?;
    if !Kind::ALL
        .iter()
        .any(|kind| kind.media_type() == new.content_type)
    {
        return Err(Problem::UnsupportedDocument);
    }
    match new.size_bytes {
        0 => Err(Problem::EmptyDocument),
        size if size > state.config().max_document_bytes => {
            Err(Problem::TooLarge(state.config().max_document_bytes))
        }
        _ => Ok(()),
    }
}

/// The signed request; a repeated one lasts only as long as the first.
async fn sign(state: &ApiState, upload: &Upload) -> Result<UploadBody, Problem> {
    let left_ms = u64::try_from(upload.expires_ms - state.now_ms()).unwrap_or(0);
    if left_ms < 1_000 {
        return Err(Problem::Conflict(
            "the upload has ended; ask for a new one".into(),
        ));
    }
    let signed = state
        .blobs()
        .presign_put(
            &upload.blob_key,
            &upload.content_type,
            upload.size_bytes.unsigned_abs(),
            Duration::from_millis(left_ms),
        )
        .await?;
    Ok(UploadBody {
        id: upload.id.clone(),
        method: signed.method,
        url: signed.url,
        headers: signed.headers.into_iter().collect(),
        expires_at: Time(upload.expires_ms),
    })
}

/// `POST /api/v1/uploads/{id}/complete`: the same answer every time.
pub(super) async fn complete(
    State(state): State<ApiState>,
    Extension(client): Extension<Client>,
    Id(id): Id,
) -> Result<Accepted, Problem> {
    let upload = state.store().upload(&id).await?;
    let upload = upload
        .filter(|upload| upload.client == client.id)
        .ok_or(Problem::NotFound("upload"))?;
    if let Some(job_id) = &upload.job_id {
        return completed_before(&state, job_id).await;
    }
    if state.now_ms() > upload.expires_ms + UPLOAD_COMPLETION_MS {
        return Err(Problem::Conflict(
            "the upload has ended; ask for a new one".into(),
        ));
    }
    let size_bytes = uploaded_bytes(&state, &upload).await?;
    let new = new_job(&state, upload, size_bytes);
    let stored = state.store().complete_upload(&id, &new, state.now_ms());
    match stored.await? {
        Completed::Before(job_id) => return completed_before(&state, &job_id).await,
        Completed::Unknown => return Err(Problem::NotFound("upload")),
        Completed::Created => state.wake_relay(),
    }
    tracing::info!(
        job_id = new.id,
        document_id = new.document.id,
        size_bytes,
        "accepted an upload"
    );
    Ok(Accepted {
        job_id: new.id,
        document_id: new.document.id,
        state: JobState::Queued,
    })
}

fn new_job(state: &ApiState, upload: Upload, size_bytes: i64) -> NewJob {
    NewJob {
        id: state.new_id(),
        document_type: upload.document_type,
        document: NewDocument {
            id: state.new_id(),
            client: upload.client,
            file_name: upload.file_name,
            declared_content_type: upload.content_type,
            content_type: None,
            sha256: None,
            size_bytes,
            blob_key: upload.blob_key,
        },
    }
}

/// The size of what lies in the storage, within the limits of a document.
async fn uploaded_bytes(state: &ApiState, upload: &Upload) -> Result<i64, Problem> {
    let Some(head) = state.blobs().head(&upload.blob_key).await? else {
        return Err(Problem::Conflict(
            "nothing was uploaded yet; send the signed request first".into(),
        ));
    };
    match head.size {
        0 => Err(Problem::EmptyDocument),
        size if size > state.config().max_document_bytes => {
            Err(Problem::TooLarge(state.config().max_document_bytes))
        }
        size => Ok(i64::try_from(size).unwrap_or(i64::MAX)),
    }
}

async fn completed_before(state: &ApiState, job_id: &str) -> Result<Accepted, Problem> {
    let job = state.store().job(job_id).await?;
    let job = job.ok_or(Problem::NotFound("job"))?;
    Ok(Accepted {
        job_id: job.id,
        document_id: job.document_id,
        state: job.state,
    })
}

/// `PUT /api/v1/uploads/{token}`: takes the bytes where the storage cannot sign links. The token is the
/// permission; it names key, type and size.
pub(super) async fn put(
    State(state): State<ApiState>,
    Path(token): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let link = verify(&state, &token)?;
    let headers = request.headers();
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let has_size = said(CONTENT_LENGTH).is_some_and(|size| size.parse() == Ok(link.size));
    if !has_size || said(CONTENT_TYPE) != Some(&link.content_type) {
        return Err(Problem::LinkRefused(
            "`Content-Type` and `Content-Length` must be those of the signed request".into(),
        ));
    }
    let _room = state.reserve_buffer(link.size).await?;
    let limit = usize::try_from(link.size).unwrap_or(usize::MAX);
    let body = axum::body::to_bytes(request.into_body(), limit).await;
    let bytes: Bytes = body.map_err(|_| Problem::BadRequest("the body ended early".into()))?;
    state
        .blobs()
        .put(&link.key, &link.content_type, bytes)
        .await?;
    Ok(StatusCode::OK)
}

fn verify(state: &ApiState, token: &str) -> Result<UploadLink, Problem> {
    let secret = state.config().signing_key.read().map_err(|error| {
        tracing::error!(%error, "there is no signing key");
        Problem::Unavailable("signing key")
    })?;
    let now = u64::try_from(state.now_ms() / 1_000).unwrap_or(0);
    UploadLink::verify(token, &secret, now)
        .map_err(|error| Problem::LinkRefused(error.to_string().into()))
}
