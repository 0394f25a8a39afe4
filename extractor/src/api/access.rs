//! What a request may do: the key it carries is checked, and its address charged, before the handler sees it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::keyring::{Client, Known, Scope};
use super::problem::Problem;
use super::state::ApiState;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
