//! Input from clients: JSON bodies, query strings, ids and labels, checked strictly.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// Longest label of a document.
const MAX_LABEL_CHARS: usize = 255;

/// A JSON body; unknown members are refused by the type.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        use axum::extract::rejection::JsonRejection as R;
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(R::JsonDataError(error)) => Err(Problem::Invalid(cause(&error).into())),
            Err(R::MissingJsonContentType(_)) => Err(Problem::UnsupportedMediaType(
                "the body must be `application/json`".into(),
            )),
            Err(R::BytesRejection(error)) => Err(too_large_or_broken(error.status())),
            Err(error) => Err(Problem::BadRequest(error.body_text().into())),
        }
    }
}

/// A query string; unknown parameters are refused by the type.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::Invalid(cause(&error).into())),
        }
    }
}

/// An id in a path: a UUID, or there is no such thing.
pub(super) struct Id(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        path.ok()
            .and_then(|path| path.parse::<uuid::Uuid>().ok())
            .map(|id| Self(id.to_string()))
            .ok_or(Problem::NotFound("id"))
    }
}

/// Largest JSON body.
pub(super) const MAX_JSON_BYTES: usize = 64 * 1024;

fn too_large_or_broken(status: axum::http::StatusCode) -> Problem {
    if status == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        Problem::TooLarge(MAX_JSON_BYTES as u64)
    } else {
        Problem::BadRequest("the body ended early".into())
    }
}

/// The innermost message: which member, and what is wrong with it.
fn cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The client's name for a document, kept as a label: without control characters, with a maximum length.
pub(super) fn label(name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(MAX_LABEL_CHARS)
        .collect();
    if clean.trim().is_empty() {
        "document".to_owned()
    } else {
        clean
    }
}

/// The value of `Idempotency-Key`, if there is one.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or("");
    let is_fit = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if is_fit {
        Ok(Some(text.to_owned()))
    } else {
        Err(Problem::Invalid(
            "`Idempotency-Key` must be 1 to 255 visible ASCII characters".into(),
        ))
    }
}

/// Refuses a document type that this pipeline does not handle.
pub(super) fn check_document_type(given: &str, known: &[String]) -> Result<(), Problem> {
    if known.iter().any(|name| name == given) {
        Ok(())
    } else {
        Err(Problem::UnknownDocumentType(known.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_no_control_characters_and_an_end() {
        assert_eq!(label("a\r\nb\0.pdf"), "a\u{fffd}\u{fffd}b\u{fffd}.pdf");
        assert_eq!(label(" "), "document");
        assert_eq!(
            label("../../etc/passwd"),
            "../../etc/passwd",
            "it is a label only"
        );
        assert_eq!(label(&"ä".repeat(300)).chars().count(), 255);
    }
}
