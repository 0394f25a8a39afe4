//! Whether a Secret that the spec refers to holds what it is referred to for.

use std::collections::BTreeMap;

use crate::controller::observe::{KeyState, Observed, SecretState};

/// Why a key of a Secret can't be used: a reason for machines, cause and next step for people.
pub(super) type Unusable = (&'static str, String);

/// The keys of the Secret `name`, which `field` of the spec refers to.
pub(super) fn keys<'a>(
    observed: &'a Observed,
    field: &str,
    name: &str,
    wanted: &str,
) -> Result<&'a BTreeMap<String, KeyState>, Unusable> {
    match observed.secrets.get(name) {
        Some(SecretState::Present { keys, .. }) => Ok(keys),
        Some(SecretState::Forbidden) => Err((
            "SecretForbidden",
            format!(
                "the operator may not read Secret '{name}' of `{field}`: allow its ServiceAccount to get Secrets in this namespace"
            ),
        )),
        Some(SecretState::Missing) | None => Err((
            "SecretMissing",
            format!(
                "Secret '{name}' of `{field}` does not exist; create it in this namespace: kubectl create secret generic {name} {wanted}"
            ),
        )),
    }
}

/// The key `key` of the Secret, which must have a value.
pub(super) fn key<'a>(
    keys: &'a BTreeMap<String, KeyState>,
    field: &str,
    name: &str,
    key: &str,
) -> Result<&'a KeyState, Unusable> {
    match keys.get(key) {
        None => Err((
            "SecretKeyMissing",
            format!("Secret '{name}' of `{field}` has no key '{key}': add it"),
        )),
        Some(state) if state.is_empty => Err((
            "SecretKeyEmpty",
            format!("key '{key}' of Secret '{name}' of `{field}` is empty: give it a value"),
        )),
        Some(state) => Ok(state),
    }
}
