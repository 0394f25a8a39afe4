//! Secrets that the operator makes. Their values are random, so they are made while applying, once.
//! Other modules know them by [`GENERATED`].

use extraction_contract::secret_key;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::metadata;
use crate::controller::validate::Pipeline;

/// End of the name of the Secret with the key that has every scope of the API.
pub(super) const ADMIN_KEY: &str = "admin-key";
/// End of the name of the Secret with the key that signs upload links and page cursors.
pub(super) const TOKEN_SIGNING_KEY: &str = "token-signing-key";

/// End of the name and the one key of each Secret whose value the operator makes.
pub(in crate::controller) const GENERATED: [(&str, &str); 2] = [
    (ADMIN_KEY, secret_key::ADMIN_KEY),
    (TOKEN_SIGNING_KEY, secret_key::TOKEN_SIGNING_KEY),
];

/// A Secret of one key with a random value; an existing value is never replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratedSecret {
    pub metadata: ObjectMeta,
    /// The key that holds the value.
    pub key: &'static str,
}

/// Builds the Secrets that every pipeline has.
pub(super) fn build_generated_secrets(pipeline: &Pipeline) -> Vec<GeneratedSecret> {
    GENERATED
        .map(|(suffix, key)| GeneratedSecret {
            metadata: metadata::shared(pipeline, metadata::child_name(pipeline, suffix)),
            key,
        })
        .into()
}
