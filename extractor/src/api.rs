//! The HTTP API: the route table in reading order, and what is wrapped round every route.

mod access;
mod docs;
mod documents;
mod envelope;
mod form;
mod health;
mod input;
mod jobs;
mod keyring;
mod keys;
mod limits;
mod linger;
mod openapi;
mod problem;
mod state;
mod time;
mod uploads;
mod waiting;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state as layer, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use tower_http::catch_panic::CatchPanicLayer;

pub use keyring::Scope;
pub use limits::Rate;
pub use openapi::document as openapi_document;
pub use problem::Problem;
pub use state::{ApiConfig, ApiState, Clock, RequestObserver, RequestOutcome};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody, as often as they like: probes.
    Probe,
    /// Anybody, within the rate of their address.
    Open,
    /// Whoever holds a signed link; the handler checks it.
    Link,
    /// Holders of a key with this scope.
    Key(Scope),
}

/// One line of the table.
struct Route {
    method: Method,
    path: &'static str,
    access: Access,
    handler: MethodRouter<ApiState>,
}

/// The whole API.
fn routes() -> Vec<Route> {
    use Access::{Key, Link, Open, Probe};
    use Scope::{DocumentsRead, DocumentsWrite, JobsRead, JobsWrite, KeysAdmin};
    vec![
        get("/health/live", Probe, health::live),
        get("/health/ready", Probe, health::ready),
        get("/health", Probe, health::ready),
        get("/api/health", Probe, health::ready),
        get("/api/v1/health", Probe, health::ready),
        get("/api/v2/timetable/health", Probe, health::ready),
        get("/docs", Open, docs::page),
        get("/openapi.json", Open, openapi::get),
        post("/api/v1/documents", Key(DocumentsWrite), documents::create),
        get("/api/v1/documents/{id}", Key(DocumentsRead), documents::get),
        post("/api/v1/uploads", Key(DocumentsWrite), uploads::create),
        put("/api/v1/uploads/{id}", Link, uploads::put),
        post(
            "/api/v1/uploads/{id}/complete",
            Key(DocumentsWrite),
            uploads::complete,
        ),
        get("/api/v1/jobs", Key(JobsRead), jobs::list),
        get("/api/v1/jobs/{id}", Key(JobsRead), jobs::get),
        get("/api/v1/jobs/{id}/result", Key(JobsRead), jobs::result),
        post("/api/v1/jobs/{id}/cancel", Key(JobsWrite), jobs::cancel),
        post("/api/v1/jobs/{id}/retry", Key(JobsWrite), jobs::retry),
        post("/api/v1/keys", Key(KeysAdmin), keys::create),
        get("/api/v1/keys", Key(KeysAdmin), keys::list),
        delete("/api/v1/keys/{id}", Key(KeysAdmin), keys::revoke),
    ]
}

/// Method, path and access of every route, for tests and the documentation.
#[must_use]
pub fn route_list() -> Vec<(Method, &'static str, Access)> {
    let routes = routes().into_iter();
    routes
        .map(|route| (route.method, route.path, route.access))
        .collect()
}

/// The API as a service.
pub fn router(state: ApiState) -> Router {
    let mut table = Router::new();
    for route in routes() {
        let handler = route.handler.layer(body_limit(&state, route.path));
        table = table.route(
            route.path,
            match route.access {
                Access::Probe => handler,
                Access::Link => handler
                    .route_layer(layer(state.clone(), limits::limit_time))
                    .route_layer(layer(state.clone(), limits::limit_concurrency)),
                Access::Open => handler
                    .route_layer(layer(state.clone(), limits::limit_concurrency))
                    .route_layer(layer(state.clone(), access::charge_address)),
                Access::Key(scope) => handler
                    .route_layer(layer((state.clone(), scope), access::authorise))
                    .route_layer(layer(state.clone(), limits::limit_time))
                    .route_layer(layer(state.clone(), limits::limit_concurrency)),
            },
        );
    }
    table
        .layer(map_response(problem::give_every_error_a_body))
        .layer(CatchPanicLayer::custom(answer_a_panic))
        .layer(layer(state.clone(), envelope::wrap))
        .layer(from_fn(linger::read_on))
        .with_state(state)
}

/// Documents bound their own bodies exactly; the frame here only has to let them through.
fn body_limit(state: &ApiState, path: &str) -> DefaultBodyLimit {
    let bytes = match path {
        "/api/v1/documents" => state.config().max_document_bytes + form::MAX_FORM_OVERHEAD,
        _ => input::MAX_JSON_BYTES as u64,
    };
    DefaultBodyLimit::max(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// The panic message stays in the log: it may quote what a client sent.
fn answer_a_panic(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    Problem::Internal.into_response()
}

fn get<H: Handler<T, ApiState>, T: 'static>(
    path: &'static str,
    access: Access,
    handler: H,
) -> Route {
    route(Method::GET, MethodFilter::GET, path, access, handler)
}

fn post<H: Handler<T, ApiState>, T: 'static>(
    path: &'static str,
    access: Access,
    handler: H,
) -> Route {
    route(Method::POST, MethodFilter::POST, path, access, handler)
}

fn put<H: Handler<T, ApiState>, T: 'static>(
    path: &'static str,
    access: Access,
    handler: H,
) -> Route {
    route(Method::PUT, MethodFilter::PUT, path, access, handler)
}

fn delete<H: Handler<T, ApiState>, T: 'static>(
    path: &'static str,
    access: Access,
    handler: H,
) -> Route {
    route(Method::DELETE, MethodFilter::DELETE, path, access, handler)
}

fn route<H: Handler<T, ApiState>, T: 'static>(
    method: Method,
    filter: MethodFilter,
    path: &'static str,
    access: Access,
    handler: H,
) -> Route {
    Route {
        method,
        path,
        access,
        handler: on(filter, handler),
    }
}
