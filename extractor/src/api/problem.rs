//! The only HTTP error type: RFC 9457 problem+json. It says what to do and never shows a stack or SQL.

use std::borrow::Cow;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::blobs::BlobError;
use crate::store::StoreError;

/// Base of every problem's `type`.
const TYPE_BASE: &str = "https://extraction.dev/problems/";

/// Seconds after which a client should try again when a dependency is away.
const RETRY_SECONDS: u64 = 5;

/// Everything that the API refuses or fails to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The request cannot be understood.
    BadRequest(Cow<'static, str>),
    /// No key, or not a valid one.
    Unauthenticated,
    /// The key lacks a scope.
    MissingScope(&'static str),
    /// A signed link that is not ours, was altered, or has ended.
    LinkRefused(Cow<'static, str>),
    /// No such thing: job, document, upload, key, or route.
    NotFound(&'static str),
    /// The route has no such method.
    MethodNotAllowed,
    /// The state of the thing does not allow it.
    Conflict(Cow<'static, str>),
    /// The job has no result yet, or none at all.
    NoResult(Cow<'static, str>),
    /// The `Idempotency-Key` was used for another request.
    IdempotencyKeyReused,
    /// A body larger than the limit in bytes.
    TooLarge(u64),
    /// The request's own `Content-Type` is wrong.
    UnsupportedMediaType(Cow<'static, str>),
    /// The document is of no type we read.
    UnsupportedDocument,
    /// The document has no bytes.
    EmptyDocument,
    /// The document type is not one of this pipeline's.
    UnknownDocumentType(String),
    /// A value is missing or out of its bounds.
    Invalid(Cow<'static, str>),
    /// More requests than the limit; seconds until the next is taken.
    TooManyRequests(u64),
    /// The server has as much in hand as it can hold.
    Overloaded,
    /// The request took longer than its limit.
    TimedOut,
    /// Database or storage is away, so nothing can be kept.
    Unavailable(&'static str),
    /// Our fault.
    Internal,
}

/// The body of an error.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct ProblemBody {
    /// Stable name of the kind of problem.
    r#type: String,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request, and the next step.
    detail: Cow<'static, str>,
    /// The reason code that a job would carry, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Problem {
    /// Status, kebab-case code and title of each kind.
    pub(super) fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::BadRequest(_) => (S::BAD_REQUEST, "bad-request", "The request is malformed"),
            Self::Unauthenticated => (S::UNAUTHORIZED, "unauthenticated", "An API key is needed"),
            Self::MissingScope(_) => (S::FORBIDDEN, "missing-scope", "The key lacks a scope"),
            Self::LinkRefused(_) => (S::FORBIDDEN, "link-refused", "The signed link is refused"),
            Self::NotFound(_) => (S::NOT_FOUND, "not-found", "There is no such thing"),
            Self::MethodNotAllowed => (
                S::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "The method is not allowed here",
            ),
            Self::Conflict(_) => (S::CONFLICT, "conflict", "The state does not allow it"),
            Self::NoResult(_) => (S::CONFLICT, "no-result", "There is no result"),
            Self::IdempotencyKeyReused => (
                S::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "The key was used for another request",
            ),
            Self::TooLarge(_) => (
                S::PAYLOAD_TOO_LARGE,
                "file-too-large",
                "The body is too large",
            ),
            Self::UnsupportedMediaType(_) => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "The content type of the request is not taken",
            ),
            Self::UnsupportedDocument => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-type",
                "The document is of no type we read",
            ),
            Self::EmptyDocument => (
                S::UNPROCESSABLE_ENTITY,
                "empty-file",
                "The document has no bytes",
            ),
            Self::UnknownDocumentType(_) => (
                S::UNPROCESSABLE_ENTITY,
                "unknown-document-type",
                "The document type is not configured",
            ),
            Self::Invalid(_) => (S::UNPROCESSABLE_ENTITY, "invalid", "A value is not allowed"),
            Self::TooManyRequests(_) => (
                S::TOO_MANY_REQUESTS,
                "too-many-requests",
                "The rate limit is reached",
            ),
            Self::Overloaded => (S::SERVICE_UNAVAILABLE, "overloaded", "The server is full"),
            Self::TimedOut => (
                S::SERVICE_UNAVAILABLE,
                "timed-out",
                "The request took too long",
            ),
            Self::Unavailable(_) => (
                S::SERVICE_UNAVAILABLE,
                "dependency-unavailable",
                "A service we need is away",
            ),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "internal", "We made a mistake"),
        }
    }

    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::BadRequest(detail)
            | Self::LinkRefused(detail)
            | Self::Conflict(detail)
            | Self::NoResult(detail)
            | Self::UnsupportedMediaType(detail)
            | Self::Invalid(detail) => detail.clone(),
            Self::Unauthenticated => {
                "send `Authorization: Bearer KEY` or `X-Api-Key: KEY`, with the admin key or a key that was made with it and is not revoked".into()
            }
            Self::MissingScope(scope) => {
                format!("this needs a key with the scope `{scope}`").into()
            }
            Self::NotFound(what) => format!("there is no such {what}").into(),
            Self::MethodNotAllowed => "see the `Allow` header for the methods of this path".into(),
            Self::IdempotencyKeyReused => {
                "a different request must use a different `Idempotency-Key`".into()
            }
            Self::TooLarge(limit) => format!("the body must be at most {limit} bytes").into(),
            Self::UnsupportedDocument => {
                "the document must be PDF, PNG, JPEG, TIFF, WebP, BMP or GIF; its first bytes decide".into()
            }
            Self::EmptyDocument => "the document must have at least one byte".into(),
            Self::UnknownDocumentType(known) => {
                format!("`document_type` must be one of {known}").into()
            }
            Self::TooManyRequests(seconds) => format!("try again in {seconds} s").into(),
            Self::Overloaded => "try again in a moment; nothing was stored".into(),
            Self::TimedOut => "the time limit of a request was reached; look before trying again".into(),
            Self::Unavailable(what) => {
                format!("the {what} cannot be reached and nothing was accepted; try again later").into()
            }
            Self::Internal => "the log has more under this response's `X-Request-Id`".into(),
        }
    }

    /// As clients get it.
    pub(super) fn body(&self) -> ProblemBody {
        let (status, code, title) = self.kind();
        ProblemBody {
            r#type: format!("{TYPE_BASE}{code}"),
            title,
            status: status.as_u16(),
            detail: self.detail(),
            reason: self.reason(),
        }
    }

    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::EmptyDocument => Some("empty_file"),
            Self::UnsupportedDocument => Some("unsupported_type"),
            Self::TooLarge(_) => Some("file_too_large"),
            _ => None,
        }
    }

    /// What `Retry-After` says, where trying again may help.
    pub(super) fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::TooManyRequests(seconds) => Some(*seconds),
            Self::Overloaded => Some(1),
            Self::TimedOut | Self::Unavailable(_) => Some(RETRY_SECONDS),
            _ => None,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, ..) = self.kind();
        let mut response = (status, axum::Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self == Self::Unauthenticated {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// An outage is told by the dependency's tracker once, so only our own faults are logged here.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() {
            return Self::Unavailable("database");
        }
        tracing::error!(error = error.explain(), "a database statement failed");
        Self::Internal
    }
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        if matches!(error, BlobError::Unavailable(_)) {
            return Self::Unavailable("storage");
        }
        tracing::error!(%error, "an object could not be used");
        Self::Internal
    }
}

/// Errors that the framework answers on its own (no such route, wrong method, unreadable path) get a body too.
pub(super) async fn give_every_error_a_body(response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let is_ours = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value == "application/problem+json");
    if is_ours {
        return response;
    }
    let problem = match status {
        StatusCode::NOT_FOUND => Problem::NotFound("route"),
        StatusCode::METHOD_NOT_ALLOWED => Problem::MethodNotAllowed,
        StatusCode::SERVICE_UNAVAILABLE => Problem::Overloaded,
        status if status.is_server_error() => Problem::Internal,
        _ => Problem::BadRequest("the request cannot be understood".into()),
    };
    let allow = response.headers().get(axum::http::header::ALLOW).cloned();
    let mut answer = problem.into_response();
    if let Some(allow) = allow {
        answer
            .headers_mut()
            .insert(axum::http::header::ALLOW, allow);
    }
    answer
}
