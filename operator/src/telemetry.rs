//! How the operator is watched: its log, and the HTTP server of `/metrics` and `/health/*`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::metrics::Metrics;

/// A watch that fails for longer than this makes the replica unready.
const WATCH_GRACE: Duration = Duration::from_secs(30);
/// A replica that heard nothing from the API server for longer than this is unready.
const SILENCE_GRACE: Duration = Duration::from_secs(60);

/// What readiness depends on.
#[derive(Debug, Default)]
pub struct Health {
    answered: Mutex<Option<Instant>>,
    failing: Mutex<BTreeMap<String, Instant>>,
}

impl Health {
    /// Call whenever the API server answered the elector.
    pub fn api_server_answered(&self) {
        *lock(&self.answered) = Some(Instant::now());
    }

    /// Call when the watch of `resource` failed.
    pub fn watch_failed(&self, resource: &str) {
        lock(&self.failing)
            .entry(resource.to_owned())
            .or_insert_with(Instant::now);
    }

    /// Call when the watch of `resource` delivered.
    pub fn watch_delivered(&self, resource: &str) {
        lock(&self.failing).remove(resource);
    }

    /// Call when this replica stops watching, since a standby depends on no watch.
    pub fn watches_ended(&self) {
        lock(&self.failing).clear();
    }

    /// Why the replica is not ready at `now`; `None` when it is.
    pub(crate) fn problem(&self, now: Instant) -> Option<String> {
        match *lock(&self.answered) {
            None => return Some("the API server has not answered yet".to_owned()),
            Some(at) if now.duration_since(at) > SILENCE_GRACE => {
                return Some("the API server does not answer".to_owned());
            }
            Some(_) => {}
        }
        let failing = lock(&self.failing);
        let (resource, _) = failing
            .iter()
            .find(|(_, since)| now.duration_since(**since) > WATCH_GRACE)?;
        Some(format!("the watch of {resource} fails"))
    }
}

/// A poisoned lock only means that another task panicked; the maps inside stay valid.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Logs as JSON lines to standard error; `filter` in the form of `EnvFilter`, e.g. `info`.
pub fn init_log(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

/// Serves `/metrics`, `/health/live` and `/health/ready` until `stop`.
pub async fn serve(
    address: SocketAddr,
    metrics: Metrics,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/metrics", get(render))
        .route("/health/live", get(|| async { "alive\n" }))
        .route("/health/ready", get(ready))
        .with_state(metrics);
    let listener = TcpListener::bind(address).await?;
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

async fn render(State(metrics): State<Metrics>) -> Response {
    match metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn ready(State(metrics): State<Metrics>) -> (StatusCode, String) {
    match metrics.health.problem(Instant::now()) {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, format!("{problem}\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_ready_once_the_api_server_answered() {
        let health = Health::default();
        assert!(health.problem(Instant::now()).is_some());
        health.api_server_answered();
        assert_eq!(health.problem(Instant::now()), None);
        assert!(
            health
                .problem(Instant::now() + SILENCE_GRACE + Duration::from_secs(1))
                .is_some()
        );
    }

    #[test]
    fn a_watch_that_keeps_failing_makes_the_replica_unready_until_it_delivers() {
        let health = Health::default();
        health.api_server_answered();
        health.watch_failed("deployments");
        let later = Instant::now() + WATCH_GRACE + Duration::from_secs(1);
        assert_eq!(health.problem(Instant::now()), None);
        assert_eq!(
            health.problem(later).as_deref(),
            Some("the watch of deployments fails")
        );
        health.watch_delivered("deployments");
        assert_eq!(health.problem(later), None);
    }
}
