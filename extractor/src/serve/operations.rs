//! The port that people do not see: metrics, dependencies and health.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use extraction_contract::path;

use crate::dependencies::Dependencies;
use crate::metrics::Metrics;
use crate::store::Store;

/// What the port tells of.
#[derive(Clone)]
pub(super) struct Operations {
    pub(super) health: Dependencies,
    pub(super) metrics: Metrics,
    pub(super) store: Store,
    /// Whether this process has all it needs to begin.
    pub(super) ready: Arc<AtomicBool>,
}

impl Operations {
    /// The port's routes.
    pub(super) fn router(self) -> Router {
        Router::new()
            .route(path::METRICS, get(metrics))
            .route(path::DEPENDENCIES, get(dependencies))
            .route(path::HEALTH_LIVE, get(|| async { "ok\n" }))
            .route(path::HEALTH_READY, get(ready))
            .with_state(self)
    }
}

async fn metrics(State(operations): State<Operations>) -> Response {
    let Operations {
        health,
        metrics,
        store,
        ..
    } = &operations;
    let all = [
        ("queue", &health.queue),
        ("storage", &health.storage),
        ("database", &health.database),
    ];
    for (name, dependency) in all {
        if let Some(reachable) = dependency.health().reachable {
            metrics
                .dependency_reachable
                .with_label_values(&[name])
                .set(i64::from(reachable));
        }
    }
    let (used, open) = store.connections();
    metrics
        .database_connections
        .with_label_values(&["used"])
        .set(i64::from(used));
    metrics
        .database_connections
        .with_label_values(&["open"])
        .set(i64::from(open));
    let format = [(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)];
    (format, metrics.to_text()).into_response()
}

async fn dependencies(State(operations): State<Operations>) -> Json<serde_json::Value> {
    Json(operations.health.to_json())
}

async fn ready(State(operations): State<Operations>) -> (StatusCode, &'static str) {
    if operations.ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting\n")
    }
}
