//! Who asks. A client is believed when it is the API server, which says on whose behalf it asks, or when it brings a
//! token that the API server knows. Everybody else gets 401.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode, header};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use kube::api::PostParams;
use kube::{Api, Client};
use rustls::pki_types::{CertificateDer, UnixTime};
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tracing::warn;

use crate::cache::Cache;
use crate::front_proxy::Trust;
use crate::status::Failure;
use crate::{API_LIMIT, REVIEW_LIFE};

/// Group of everybody who is known.
const AUTHENTICATED: &str = "system:authenticated";
/// Answers about tokens that are kept.
const CAPACITY: usize = 1024;

/// The certificates that a client showed, its own first; empty when it showed none.
#[derive(Clone, Default)]
pub(crate) struct PeerCertificates(pub(crate) Arc<[CertificateDer<'static>]>);

pub(crate) struct Authenticator {
    client: Client,
    trust: Arc<Trust>,
    /// By hash, so that memory holds no token; `None` for a token that is not valid.
    tokens: Cache<[u8; 32], Option<UserInfo>>,
}

impl Authenticator {
    pub(crate) fn new(client: Client, trust: Arc<Trust>) -> Self {
        Self {
            client,
            trust,
            tokens: Cache::new(REVIEW_LIFE, CAPACITY),
        }
    }

    /// The user on whose behalf a request is made.
    pub(crate) async fn user(
        &self,
        peer: &PeerCertificates,
        headers: &HeaderMap,
    ) -> Result<UserInfo, Failure> {
        let front_proxy = self.trust.current();
        let proxied = match &*front_proxy {
            // Each request anew: a connection may live longer than the authority that signed its certificate.
            Some(proxy) if proxy.signed(&peer.0, UnixTime::now()) => proxy
                .user(headers)
                .map_err(|error| unauthorized(&error.to_string()))?,
            _ => None,
        };
        let user = match (proxied, bearer(headers)) {
            (Some(user), _) => user,
            (None, Some(token)) => self.reviewed(token).await?,
            (None, None) => {
                return Err(unauthorized(
                    "neither a certificate of the front proxy nor a bearer token",
                ));
            }
        };
        Ok(with_group(user, AUTHENTICATED))
    }

    async fn reviewed(&self, token: &str) -> Result<UserInfo, Failure> {
        let key: [u8; 32] = Sha256::digest(token).into();
        if let Some(known) = self.tokens.get(&key, Instant::now()) {
            return known.ok_or_else(|| unauthorized("the token is not valid"));
        }
        let review = TokenReview {
            spec: TokenReviewSpec {
                token: Some(token.to_owned()),
                audiences: None,
            },
            ..TokenReview::default()
        };
        let user = create(&self.client, &review)
            .await
            .map_err(|error| unavailable("TokenReview", &error))?
            .status
            .filter(|status| status.authenticated == Some(true))
            .and_then(|status| status.user);
        self.tokens.put(key, user.clone(), Instant::now());
        user.ok_or_else(|| unauthorized("the token is not valid"))
    }
}

/// Why a review has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReviewError {
    #[error("the API server did not answer in time")]
    Timeout,
    #[error(transparent)]
    Api(#[from] kube::Error),
}

/// Sends a review, which the API server answers but does not store.
pub(crate) async fn create<R>(client: &Client, review: &R) -> Result<R, ReviewError>
where
    R: kube::Resource<DynamicType = ()> + Clone + serde::Serialize + serde::de::DeserializeOwned,
    R: std::fmt::Debug,
{
    let api: Api<R> = Api::all(client.clone());
    let limit: Duration = API_LIMIT;
    timeout(limit, api.create(&PostParams::default(), review))
        .await
        .map_err(|_| ReviewError::Timeout)?
        .map_err(ReviewError::Api)
}

pub(crate) fn unavailable(review: &str, error: &ReviewError) -> Failure {
    warn!(%error, "cannot create a {review}");
    Failure::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("cannot create a {review}; is this server allowed to (system:auth-delegator)?"),
    )
}

fn unauthorized(message: &str) -> Failure {
    Failure::new(StatusCode::UNAUTHORIZED, message)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn with_group(mut user: UserInfo, group: &str) -> UserInfo {
    let groups = user.groups.get_or_insert_default();
    if !groups.iter().any(|found| found == group) {
        groups.push(group.to_owned());
    }
    user
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_bearer_token_is_found_and_nothing_else_is() {
        let token = |value: &str| {
            let value = HeaderValue::from_str(value).unwrap();
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("bearer  abc ").as_deref(), Some("abc"));
        for other in ["abc", "Bearer", "Bearer ", "Basic abc", "Bearerabc"] {
            assert_eq!(token(other), None, "{other}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }

    #[test]
    fn everybody_who_is_known_is_in_the_group_of_those_once() {
        let user = with_group(
            with_group(UserInfo::default(), AUTHENTICATED),
            AUTHENTICATED,
        );
        assert_eq!(user.groups, Some(vec![AUTHENTICATED.to_owned()]));
    }
}
