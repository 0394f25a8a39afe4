//! Who calls and what they may do: API keys with scopes, checked before the handler sees the request.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::problem::Problem;
use super::state::ApiState;
use crate::config::SecretFile;

/// Name of the client that holds the admin key.
pub(super) const ADMIN: &str = "admin";
/// How long a key, and the content of the admin key file, is believed without looking again.
const BELIEVED_MS: u64 = 5_000;
/// Keys remembered at most.
const REMEMBERED: usize = 10_000;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Scope {
    /// Submit documents.
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

/// Lets a request pass that carries a key with the scope, within the key's rate.
pub(super) async fn authorise(
    State((state, scope)): State<(ApiState, Scope)>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = token(request.headers()).map(str::to_owned);
    let address = address(&state, &request);
    match admit(&state, scope, token.as_deref(), address).await {
        Ok(client) => {
            tracing::Span::current().record("client", &client.id);
            request.extensions_mut().insert(client);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admit(
    state: &ApiState,
    scope: Scope,
    token: Option<&str>,
    address: IpAddr,
) -> Result<Client, Problem> {
    let known = token.map_or(Known::Nobody, |token| {
        state.keyring().look(token, state.now_ms())
    });
    let client = match known {
        Known::Client(client) => Some(client),
        Known::Before(hash) => state.keyring().ask(state, hash).await?,
        Known::Not(hash) => return admit_stranger(state, scope, hash, address).await,
        Known::Nobody => None,
    };
    let Some(client) = client else {
        state.limits().charge_address(address)?;
        return Err(Problem::Unauthenticated);
    };
    admit_client(state, scope, client)
}

/// Charges the address before the database is asked, so that made-up keys are not all looked up, and gives that back
/// unless the key was made up.
async fn admit_stranger(
    state: &ApiState,
    scope: Scope,
    hash: [u8; 32],
    address: IpAddr,
) -> Result<Client, Problem> {
    state.limits().charge_address(address)?;
    let answer = state.keyring().ask(state, hash).await;
    if !matches!(answer, Ok(None)) {
        state.limits().refund_address(address);
    }
    let client = answer?.ok_or(Problem::Unauthenticated)?;
    admit_client(state, scope, client)
}

fn admit_client(state: &ApiState, scope: Scope, client: Client) -> Result<Client, Problem> {
    state.limits().charge_key(&client.id)?;
    if client.scopes.contains(&scope) {
        Ok(client)
    } else {
        Err(Problem::MissingScope(scope.as_str()))
    }
}

/// Charges requests to what is open without a key (documentation) to their address.
pub(super) async fn charge_address(
    State(state): State<ApiState>,
    request: Request,
    next: Next,
) -> Response {
    match state.limits().charge_address(address(&state, &request)) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The address to charge: the peer, or what the outermost proxy that we trust saw as its peer.
fn address(state: &ApiState, request: &Request) -> IpAddr {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    let forwarded: Vec<Option<IpAddr>> = request
        .headers()
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|part| part.trim().parse().ok())
        .collect();
    match state.config().trusted_proxies {
        0 => peer,
        hops => forwarded
            .len()
            .checked_sub(hops)
            .and_then(|place| forwarded.get(place).copied().flatten())
            .unwrap_or(peer),
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok().map(str::trim))
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
enum Known {
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
    fn look(&self, token: &str, now_ms: i64) -> Known {
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
    async fn ask(&self, state: &ApiState, hash: [u8; 32]) -> Result<Option<Client>, Problem> {
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
    fn tokens_are_taken_from_either_header() {
        let with = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            token(&headers).map(str::to_owned)
        };
        assert_eq!(with("authorization", "Bearer a").as_deref(), Some("a"));
        assert_eq!(with("authorization", "bearer  a").as_deref(), Some("a"));
        assert_eq!(with("x-api-key", "a").as_deref(), Some("a"));
        assert_eq!(with("authorization", "Basic a"), None);
    }

    #[test]
    fn tokens_are_256_random_bits() {
        let (one, hash) = new_token();
        assert_eq!((one.len(), hash.len()), (67, 64));
        assert_ne!(one, new_token().0);
    }
}
