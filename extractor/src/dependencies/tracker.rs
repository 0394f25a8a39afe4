//! The last known health of each dependency.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::Fault;

/// The three that a process may depend on.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// SQS, or the queue in memory.
    pub queue: Dependency,
    /// S3, or a folder.
    pub storage: Dependency,
    /// PostgreSQL or SQLite.
    pub database: Dependency,
}

impl Default for Dependencies {
    fn default() -> Self {
        Self {
            queue: Dependency::named("queue"),
            storage: Dependency::named("storage"),
            database: Dependency::named("database"),
        }
    }
}

impl Dependencies {
    /// The document of `/dependencies`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "queue": self.queue.health(),
            "storage": self.storage.health(),
            "database": self.database.health(),
        })
    }
}

/// One of them; clones share their state.
#[derive(Clone, Debug, Default)]
pub struct Dependency(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    name: &'static str,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    health: Health,
    last_call: Option<Instant>,
}

/// What `/dependencies` says of one dependency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Whether the last call was answered; `null` before the first.
    pub reachable: Option<bool>,
    /// Of the last failure, while it lasts; see [`Fault::reason`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of the last failure, while it lasts; see [`Fault::message`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When `reachable` last changed, in milliseconds since 1970.
    pub since_unix_ms: u64,
}

impl Dependency {
    /// A dependency of which nothing is known yet; the name appears in logs.
    #[must_use]
    pub fn named(name: &'static str) -> Self {
        Self(Arc::new(Shared {
            name,
            state: Mutex::default(),
        }))
    }

    /// The service answered, be it with a refusal of our request's content.
    pub fn succeeded(&self) {
        let mut state = self.lock();
        state.last_call = Some(Instant::now());
        if state.health.reachable != Some(true) {
            state.health = Health {
                reachable: Some(true),
                reason: None,
                message: None,
                since_unix_ms: unix_ms(),
            };
            tracing::info!(dependency = self.0.name, "{} is reachable", self.0.name);
        }
    }

    /// The service did not answer, or does not let us in. Logged when it is news.
    pub fn failed(&self, fault: &Fault) {
        let mut state = self.lock();
        state.last_call = Some(Instant::now());
        if state.health.reason.as_deref() != Some(&fault.reason) {
            tracing::warn!(
                dependency = self.0.name,
                reason = fault.reason,
                "{} cannot be used: {}",
                self.0.name,
                fault.message
            );
        }
        if state.health.reachable != Some(false) {
            state.health.since_unix_ms = unix_ms();
        }
        state.health.reachable = Some(false);
        state.health.reason = Some(fault.reason.clone());
        state.health.message = Some(fault.message.clone());
    }

    /// Notes the outcome of a call and hands it on.
    pub fn observe<T>(&self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        match &outcome {
            Ok(_) => self.succeeded(),
            Err(fault) => self.failed(fault),
        }
        outcome
    }

    /// The present state.
    #[must_use]
    pub fn health(&self) -> Health {
        self.lock().health.clone()
    }

    /// How long nobody has called it; `None` when nobody ever did.
    #[must_use]
    pub fn idle(&self) -> Option<Duration> {
        self.lock().last_call.map(|call| call.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unasked_dependency_is_neither_reachable_nor_not() {
        let json = Dependencies::default().to_json();
        assert_eq!(json["queue"]["reachable"], serde_json::Value::Null);
    }

    #[test]
    fn a_failure_is_told_until_the_next_success() {
        let all = Dependencies::default();
        all.queue
            .failed(&Fault::new("AccessDenied", "sqs:SendMessage denied"));
        let since = all.queue.health().since_unix_ms;
        all.queue.failed(&Fault::new("Timeout", "no answer"));
        let health = all.queue.health();
        assert_eq!(
            (health.reachable, health.since_unix_ms),
            (Some(false), since)
        );
        assert_eq!(health.reason.as_deref(), Some("Timeout"));
        all.queue.succeeded();
        let health = all.queue.health();
        assert_eq!(
            (health.reachable, health.reason, health.message),
            (Some(true), None, None)
        );
    }
}
