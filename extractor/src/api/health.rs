//! Health: whether the process lives, and whether it may get requests.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::state::ApiState;

/// The answer to a probe.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Health {
    /// `ok`, or `starting` until the database was reached with the right schema once.
    status: &'static str,
    /// Version of this program.
    version: &'static str,
}

const fn health(status: &'static str) -> axum::Json<Health> {
    axum::Json(Health {
        status,
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// `GET /health/live`: the event loop answers.
pub(super) async fn live() -> axum::Json<Health> {
    health("ok")
}

/// `GET /health/ready` and its older names.
pub(super) async fn ready(State(state): State<ApiState>) -> (StatusCode, axum::Json<Health>) {
    match state.is_ready().await {
        Ok(true) => (StatusCode::OK, health("ok")),
        Ok(false) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, health("starting")),
    }
}
