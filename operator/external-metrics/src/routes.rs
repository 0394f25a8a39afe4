//! The paths we answer, in the order in which one meets them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query as Parameters, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use k8s_openapi::api::authentication::v1::UserInfo;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use crate::authenticate::{Authenticator, PeerCertificates};
use crate::authorize::Authorizer;
use crate::front_proxy::Trust;
use crate::provider::{Provider, Query};
use crate::status::Failure;
use crate::{discovery, open_api, selector, values};

/// Time that the provider has for one answer; autoscalers wait longer.
const PROVIDER_LIMIT: Duration = Duration::from_secs(10);

/// What the handlers share.
pub(crate) struct App<P> {
    pub(crate) provider: Arc<P>,
    pub(crate) trust: Arc<Trust>,
    pub(crate) authenticator: Authenticator,
    pub(crate) authorizer: Authorizer,
}

pub(crate) fn router<P: Provider>(app: App<P>) -> Router {
    let app = Arc::new(app);
    // For everybody who is known; there is nothing to learn from these.
    let documents = Router::new()
        .route("/apis", get(groups))
        .route(
            "/apis/external.metrics.k8s.io",
            get(|| document(discovery::group)),
        )
        .route(
            "/apis/external.metrics.k8s.io/v1beta1",
            get(|| document(discovery::resources)),
        )
        .route("/openapi/v2", get(|| document(open_api::v2)))
        .route("/openapi/v3", get(|| document(open_api::v3_index)))
        .route(open_api::V3_PATH, get(|| document(open_api::v3)));
    // For those who may read the metric.
    let metrics = Router::new().route(
        "/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}",
        get(samples::<P>),
    );
    let known = documents
        .merge(metrics)
        .fallback(|| async { Failure::new(StatusCode::NOT_FOUND, "there is no such path") })
        .layer(middleware::from_fn_with_state(
            app.clone(),
            authenticated::<P>,
        ));
    // For everybody: probes of kubelets say no name.
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready::<P>))
        .merge(known)
        .method_not_allowed_fallback(|| async {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "metrics can only be read")
        })
        .with_state(app)
}

async fn ready<P: Provider>(State(app): State<Arc<App<P>>>) -> Result<&'static str, Failure> {
    let not_yet = |message| Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, message));
    if app.trust.current().is_none() {
        return not_yet("it is not known yet how the API server proves who it is");
    }
    if !app.provider.is_ready() {
        return not_yet("the provider is not ready");
    }
    Ok("ok")
}

async fn authenticated<P: Provider>(
    State(app): State<Arc<App<P>>>,
    peer: Option<Extension<PeerCertificates>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = peer.map(|Extension(peer)| peer).unwrap_or_default();
    match app.authenticator.user(&peer, request.headers()).await {
        Ok(user) => {
            request.extensions_mut().insert(user);
            next.run(request).await
        }
        Err(failure) => failure.into_response(),
    }
}

async fn document(make: impl Fn() -> Value) -> Json<Value> {
    Json(make())
}

async fn groups(headers: HeaderMap) -> Response {
    let accept: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    if !discovery::wants_aggregated(&accept.join(",")) {
        return Json(discovery::groups()).into_response();
    }
    // The document never changes within a release, so its version is what tells one from another.
    const TAG: &str = concat!("\"", env!("CARGO_PKG_VERSION"), "\"");
    let known = headers.get(header::IF_NONE_MATCH);
    let mut response = match known.is_some_and(|known| known == TAG) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Json(discovery::aggregated()).into_response(),
    };
    let answered = response.headers_mut();
    answered.insert(header::CONTENT_TYPE, discovery::AGGREGATED);
    answered.insert(header::ETAG, header::HeaderValue::from_static(TAG));
    answered.insert(header::VARY, header::HeaderValue::from_static("Accept"));
    response
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default, rename = "labelSelector")]
    selector: String,
}

async fn samples<P: Provider>(
    State(app): State<Arc<App<P>>>,
    Extension(user): Extension<UserInfo>,
    path: Result<Path<(String, String)>, PathRejection>,
    wanted: Result<Parameters<Wanted>, QueryRejection>,
) -> Result<Json<Value>, Failure> {
    let Path((namespace, metric)) = path.map_err(|error| bad(&error))?;
    app.authorizer.may_read(user, &namespace, &metric).await?;
    let Parameters(wanted) = wanted.map_err(|error| bad(&error))?;
    let query = Query {
        selector: selector::parse(&wanted.selector).map_err(|error| bad(&error))?,
        namespace,
        metric,
    };
    let samples = timeout(PROVIDER_LIMIT, app.provider.samples(&query))
        .await
        .map_err(|_| {
            Failure::new(
                StatusCode::GATEWAY_TIMEOUT,
                "the provider did not answer in time",
            )
        })?
        .map_err(|error| Failure::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    Ok(Json(values::list(&query.metric, samples)))
}

fn bad(error: &dyn std::error::Error) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, error.to_string())
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
