//! API keys: what each may do, how a new one is made, and whose a token is.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::problem::Problem;
use super::state::ApiState;
use crate::config::SecretFile;

/// Name of the client that holds the admin key.
const ADMIN: &str = "admin";
/// How long a key, and the content of the admin key file, is believed without looking again.
const BELIEVED_MS: u64 = 5_000;
/// Keys remembered at most.
const REMEMBERED: usize = 10_000;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Scope {
    /// Submit documents and complete uploads.
    #[serde(rename = "documents:write")]
    DocumentsWrite,
    /// Read what is known of documents.
    #[serde(rename = "documents:read")]
    DocumentsRead,
    /// Read jobs and their results.
    #[serde(rename = "jobs:read")]
    JobsRead,
    /// Cancel and retry jobs.
    #[serde(rename = "jobs:write")]
    JobsWrite,
    /// Make, list and revoke keys.
    #[serde(rename = "keys:admin")]
    KeysAdmin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 5] = [
        Self::DocumentsWrite,
        Self::DocumentsRead,
        Self::JobsRead,
        Self::JobsWrite,
        Self::KeysAdmin,
    ];

    /// As stored and as clients read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DocumentsWrite => "documents:write",
            Self::DocumentsRead => "documents:read",
            Self::JobsRead => "jobs:read",
            Self::JobsWrite => "jobs:write",
            Self::KeysAdmin => "keys:admin",
        }
    }
}

/// The holder of a valid key; handlers take it as an extension.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// `admin` or the key's id.
    pub(super) id: String,
    /// What it may do.
    pub(super) scopes: Vec<Scope>,
}

/// A new token and its hash. 256 random bits need no slow hash: nobody guesses them.
pub(super) fn new_token() -> (String, String) {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    let token = format!("xk_{}", hex::encode(bytes));
    let hash = hex::encode(Sha256::digest(&token));
    (token, hash)
}

/// What is known of a token at hand.
pub(super) enum Known {
    /// Whose it is.
    Client(Client),
    /// It was a key some seconds ago.
    Before([u8; 32]),
    /// It has the form of a key.
    Not([u8; 32]),
    /// It is none.
    Nobody,
}

/// Finds the client of a token, and remembers it for a few seconds: so long a revoked key may still work.
pub(super) struct Keyring {
    admin_key: SecretFile,
    admin_hash: Mutex<Option<(i64, [u8; 32])>>,
    remembered: Mutex<HashMap<[u8; 32], (i64, Client)>>,
}

impl Keyring {
    pub(super) fn new(admin_key: SecretFile) -> Self {
        Self {
            admin_key,
            admin_hash: Mutex::default(),
            remembered: Mutex::default(),
        }
    }

    /// Forgets every key: one was revoked.
    pub(super) fn forget(&self) {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// What is known of a token without asking the database.
    pub(super) fn look(&self, token: &str, now_ms: i64) -> Known {
        let hash: [u8; 32] = Sha256::digest(token).into();
        if self.is_admin(&hash, now_ms) {
            return Known::Client(Client {
                id: ADMIN.to_owned(),
                scopes: Scope::ALL.to_vec(),
            });
        }
        let has_our_form = token.len() == 67 && token.starts_with("xk_");
        if !has_our_form {
            return Known::Nobody;
        }
        let remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match remembered.get(&hash) {
            Some((at, client)) if is_fresh(*at, now_ms) => Known::Client(client.clone()),
            Some(_) => Known::Before(hash),
            None => Known::Not(hash),
        }
    }

    /// Asks the database for the key with this hash.
    pub(super) async fn ask(
        &self,
        state: &ApiState,
        hash: [u8; 32],
    ) -> Result<Option<Client>, Problem> {
        let key = state.store().api_key_by_hash(&hex::encode(hash)).await?;
        let client = key.map(|key| Client {
            scopes: known_scopes(&key.scopes),
            id: key.id,
        });
        match &client {
            Some(client) => self.remember(hash, client.clone(), state.now_ms()),
            None => self.forget_one(&hash),
        }
        Ok(client)
    }

    fn forget_one(&self, hash: &[u8; 32]) {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(hash);
    }

    fn remember(&self, hash: [u8; 32], client: Client, now_ms: i64) {
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED {
            remembered.retain(|_, (at, _)| is_fresh(*at, now_ms));
        }
        if remembered.len() < REMEMBERED || remembered.contains_key(&hash) {
            remembered.insert(hash, (now_ms, client));
        }
    }

    /// Hashes are compared, so neither the length nor a common beginning shows in the time it takes.
    fn is_admin(&self, hash: &[u8; 32], now_ms: i64) -> bool {
        let mut known = self
            .admin_hash
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.is_none_or(|(at, _)| !is_fresh(at, now_ms)) {
            *known = match self.admin_key.read() {
                Ok(key) => Some((now_ms, Sha256::digest(key.expose()).into())),
                Err(error) => {
                    tracing::error!(%error, "there is no admin key");
                    None
                }
            };
        }
        known.is_some_and(|(_, admin)| bool::from(admin.ct_eq(hash)))
    }
}

/// Whether what was seen then may be believed now; a clock that was set back ends it too.
fn is_fresh(then_ms: i64, now_ms: i64) -> bool {
    now_ms.abs_diff(then_ms) < BELIEVED_MS
}

/// Scopes of a later release are unknown to this one and allow nothing.
pub(super) fn known_scopes(names: &[String]) -> Vec<Scope> {
    Scope::ALL
        .into_iter()
        .filter(|scope| names.iter().any(|name| name == scope.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_reads_the_same_in_json_and_in_rust() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
    }

    #[test]
    fn tokens_are_256_random_bits() {
        let (one, hash) = new_token();
        assert_eq!((one.len(), hash.len()), (67, 64));
        assert_ne!(one, new_token().0);
    }
}
