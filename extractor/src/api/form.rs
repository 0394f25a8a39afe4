//! The multipart form of a submission: `file` and `document_type`, in any order.

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use bytes::{Bytes, BytesMut};

use super::problem::Problem;

/// Bytes of a form besides the document: boundaries, part headers, the document type.
pub(super) const MAX_FORM_OVERHEAD: u64 = 64 * 1024;
const MAX_TEXT_BYTES: u64 = 256;

/// A form as received.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) file_name: String,
    pub(super) content_type: String,
    pub(super) document_type: String,
    pub(super) bytes: Bytes,
}

/// Reads the form, the file up to `limit` bytes.
pub(super) async fn read(mut multipart: Multipart, limit: u64) -> Result<Form, Problem> {
    let mut file = None;
    let mut document_type = None;
    while let Some(field) = multipart
        .next_field()
        .await
        .map_err(|e| broken(&e, limit))?
    {
        match field.name() {
            Some("file") if file.is_none() => {
                let name = field.file_name().unwrap_or_default().to_owned();
                let content_type = field.content_type().unwrap_or_default().to_owned();
                file = Some((name, content_type, read_field(field, limit).await?));
            }
            Some("document_type") if document_type.is_none() => {
                let bytes = read_field(field, MAX_TEXT_BYTES).await?;
                let text = String::from_utf8(bytes.to_vec());
                document_type = Some(text.map_err(|_| expected_parts())?);
            }
            _ => return Err(expected_parts()),
        }
    }
    let (Some((file_name, content_type, bytes)), Some(document_type)) = (file, document_type)
    else {
        return Err(expected_parts());
    };
    if bytes.is_empty() {
        return Err(Problem::EmptyDocument);
    }
    Ok(Form {
        file_name,
        content_type,
        document_type,
        bytes,
    })
}

async fn read_field(mut field: Field<'_>, limit: u64) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = field.chunk().await.map_err(|e| broken(&e, limit))? {
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(Problem::TooLarge(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

fn broken(error: &MultipartError, limit: u64) -> Problem {
    if error.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        Problem::TooLarge(limit)
    } else {
        Problem::BadRequest("the multipart body is malformed or ended early".into())
    }
}

fn expected_parts() -> Problem {
    Problem::Invalid(
        "the form must have one `file` and one `document_type`, and nothing else".into(),
    )
}
