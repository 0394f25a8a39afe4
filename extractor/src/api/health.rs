//! Health: whether the process lives, and whether it may get requests.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::problem::Problem;
use super::state::ApiState;

/// The answer to a probe.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Health {
    /// `ok`; anything else is a problem.
    status: &'static str,
    /// Version of this program.
    version: &'static str,
}

const fn health() -> axum::Json<Health> {
    axum::Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// `GET /health/live`: the event loop answers.
pub(super) async fn live() -> axum::Json<Health> {
    health()
}

/// `GET /health/ready` and its older names.
pub(super) async fn ready(State(state): State<ApiState>) -> Result<axum::Json<Health>, Problem> {
    match state.is_ready().await {
        Ok(true) => Ok(health()),
        Ok(false) => Err(Problem::Unavailable("migrated database")),
        Err(_) => Err(Problem::Unavailable("database")),
    }
}
