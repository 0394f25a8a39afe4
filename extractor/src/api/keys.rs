//! API keys: made, listed, revoked. The token is shown once, in the answer that makes it.

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::input::{Body, Id, Query};
use super::keyring::{Client, Scope, known_scopes, new_token};
use super::problem::Problem;
use super::state::ApiState;
use super::time::Time;
use crate::store::{ApiKey, NewApiKey};

const PAGE: i64 = 100;

/// What a new key is for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    /// What people call it: 1 to 100 characters.
    name: String,
    /// What it may do: at least one, and none that the maker's own key lacks.
    scopes: Vec<Scope>,
}

/// A key without its token.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Key")]
pub(super) struct KeyBody {
    /// The key's identifier, a UUID; not the key itself.
    id: String,
    /// What people call the key.
    name: String,
    /// What it may do.
    scopes: Vec<Scope>,
    /// When it was made.
    created_at: Time,
    /// When it was revoked; absent while it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Time>,
}

/// A new key with its token.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct MadeKey {
    /// What is kept of it.
    #[serde(flatten)]
    known: KeyBody,
    /// The key to send with requests. It is shown here and never again.
    key: String,
}

/// A page of keys, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct KeyList {
    /// The keys, revoked ones too.
    keys: Vec<KeyBody>,
    /// Give it as `after` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Paging of the list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Where the last page ended: its `next`.
    after: Option<String>,
}

impl From<ApiKey> for KeyBody {
    fn from(key: ApiKey) -> Self {
        Self {
            scopes: known_scopes(&key.scopes),
            id: key.id,
            name: key.name,
            created_at: Time(key.created_ms),
            revoked_at: key.revoked_ms.map(Time),
        }
    }
}

/// `POST /api/v1/keys`
pub(super) async fn create(
    State(state): State<ApiState>,
    Extension(client): Extension<Client>,
    Body(new): Body<NewKey>,
) -> Result<Response, Problem> {
    let name = new.name.trim();
    check(name, &new.scopes, &client)?;
    let granted = Scope::ALL
        .into_iter()
        .filter(|scope| new.scopes.contains(scope));
    let (token, hash) = new_token();
    let key = NewApiKey {
        id: state.new_id(),
        name: name.to_owned(),
        scopes: granted.map(|scope| scope.as_str().to_owned()).collect(),
        hash,
    };
    let now_ms = state.now_ms();
    state.store().create_api_key(&key, now_ms).await?;
    tracing::info!(key_id = key.id, scopes = ?key.scopes, by = client.id, "made an API key");
    let location = format!("/api/v1/keys/{}", key.id);
    let made = MadeKey {
        known: KeyBody {
            scopes: known_scopes(&key.scopes),
            id: key.id,
            name: key.name,
            created_at: Time(now_ms),
            revoked_at: None,
        },
        key: token,
    };
    Ok((
        StatusCode::CREATED,
        [(LOCATION, location)],
        axum::Json(made),
    )
        .into_response())
}

/// Nobody gives away what they lack.
fn check(name: &str, scopes: &[Scope], client: &Client) -> Result<(), Problem> {
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(Problem::Invalid(
            "`name` must be 1 to 100 characters without control characters".into(),
        ));
    }
    if scopes.is_empty() {
        return Err(Problem::Invalid(
            "`scopes` must name at least one scope".into(),
        ));
    }
    if let Some(missing) = scopes.iter().find(|scope| !client.scopes.contains(scope)) {
        return Err(Problem::MissingScope(missing.as_str()));
    }
    Ok(())
}

/// `GET /api/v1/keys`
pub(super) async fn list(
    State(state): State<ApiState>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<KeyList>, Problem> {
    let after = query.after.unwrap_or_default();
    if !after.is_empty() && after.parse::<uuid::Uuid>().is_err() {
        return Err(Problem::Invalid(
            "`after` must be the `next` of a page".into(),
        ));
    }
    let mut keys = state.store().api_keys(&after, PAGE + 1).await?;
    let has_more = keys.len() as i64 > PAGE;
    keys.truncate(PAGE as usize);
    Ok(axum::Json(KeyList {
        next: keys.last().filter(|_| has_more).map(|key| key.id.clone()),
        keys: keys.into_iter().map(KeyBody::from).collect(),
    }))
}

/// `DELETE /api/v1/keys/{id}`: the key stops working, here at once and in other replicas within 5 s.
pub(super) async fn revoke(
    State(state): State<ApiState>,
    Extension(client): Extension<Client>,
    Id(id): Id,
) -> Result<axum::Json<KeyBody>, Problem> {
    let key = state.store().revoke_api_key(&id, state.now_ms()).await?;
    let key = key.ok_or(Problem::NotFound("key"))?;
    state.keyring().forget();
    tracing::info!(key_id = key.id, by = client.id, "revoked an API key");
    Ok(axum::Json(key.into()))
}
