//! Signed permission to write one object through our own API, for stores that cannot presign.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::config::Secret;

/// What the holder of the link may write, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadLink {
    /// Of the object.
    pub key: String,
    /// That the request must carry.
    pub content_type: String,
    /// Exact number of bytes.
    pub size: u64,
    /// Seconds since 1970 after which the link is refused.
    pub expires_unix_seconds: u64,
}

/// Why a link is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UploadLinkError {
    /// Not made by us, or altered.
    #[error("the upload link is not valid")]
    Invalid,
    /// Too late.
    #[error("the upload link has expired")]
    Expired,
}

impl UploadLink {
    /// Path of the API that takes the upload; the token follows.
    pub const PATH: &'static str = "/api/v1/uploads/";

    /// The link as one URL-safe token.
    #[must_use]
    pub fn sign(&self, secret: &Secret) -> String {
        let payload = serde_json::to_vec(self).expect("strings and numbers always serialise");
        let signature = mac(secret, &payload).finalize().into_bytes();
        format!("{}.{}", hex::encode(payload), hex::encode(signature))
    }

    /// Reads a token made by [`UploadLink::sign`], `now` in seconds since 1970.
    pub fn verify(token: &str, secret: &Secret, now: u64) -> Result<Self, UploadLinkError> {
        let parts = token.split_once('.').ok_or(UploadLinkError::Invalid)?;
        let payload = hex::decode(parts.0).map_err(|_| UploadLinkError::Invalid)?;
        let signature = hex::decode(parts.1).map_err(|_| UploadLinkError::Invalid)?;
        mac(secret, &payload)
            .verify_slice(&signature)
            .map_err(|_| UploadLinkError::Invalid)?;
        let link: Self = serde_json::from_slice(&payload).map_err(|_| UploadLinkError::Invalid)?;
        if now > link.expires_unix_seconds {
            return Err(UploadLinkError::Expired);
        }
        Ok(link)
    }
}

/// The key serves several purposes, so each signs under its own label.
fn mac(secret: &Secret, payload: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(b"upload-link\0");
    mac.update(payload);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> UploadLink {
        UploadLink {
            key: "documents/a".into(),
            content_type: "application/pdf".into(),
            size: 5,
            expires_unix_seconds: 100,
        }
    }

    #[test]
    fn a_link_is_good_until_it_expires() {
        let secret = Secret::new("a");
        let token = link().sign(&secret);
        assert_eq!(UploadLink::verify(&token, &secret, 100), Ok(link()));
        assert_eq!(
            UploadLink::verify(&token, &secret, 101),
            Err(UploadLinkError::Expired)
        );
    }

    #[test]
    fn an_altered_link_or_another_key_is_refused() {
        let secret = Secret::new("a");
        let token = link().sign(&secret);
        let bigger = UploadLink { size: 6, ..link() }.sign(&Secret::new("b"));
        let mixed = format!(
            "{}.{}",
            bigger.split_once('.').unwrap().0,
            token.split_once('.').unwrap().1
        );
        for token in [bigger.as_str(), mixed.as_str(), "", ".", "zz.zz"] {
            assert_eq!(
                UploadLink::verify(token, &secret, 0),
                Err(UploadLinkError::Invalid)
            );
        }
    }
}
