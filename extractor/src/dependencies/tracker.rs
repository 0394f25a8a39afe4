//! The last known health of each dependency.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::Fault;
use super::outcomes::Outcomes;

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
    outcomes: Outcomes,
    health: Health,
    last_call: Option<Instant>,
}

/// What `/dependencies` says of one dependency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Whether every action that was called last succeeded; `null` before the first call.
    pub reachable: Option<bool>,
    /// Of the last failure, while it lasts; see [`Fault::reason`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of all that fails, while it does; see [`Fault::message`].
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

    /// The service answered this action, be it with a refusal of our request's content.
    pub fn succeeded(&self, action: &str) {
        let now = Instant::now();
        self.note(now, |outcomes| outcomes.succeeded(action, now));
    }

    /// The service did not answer, or does not let us do this. Logged when it is news.
    pub fn failed(&self, action: &str, fault: &Fault) {
        let now = Instant::now();
        let is_news = self.note(now, |outcomes| outcomes.failed(action, fault, now));
        if is_news {
            tracing::warn!(
                dependency = self.0.name,
                reason = fault.reason,
                "{} cannot be used: {}",
                self.0.name,
                fault.message
            );
        }
    }

    /// The present state.
    #[must_use]
    pub fn health(&self) -> Health {
        self.lock().health.clone()
    }

    /// The actions whose own refusal stands.
    #[must_use]
    pub fn refused_actions(&self) -> Vec<String> {
        self.lock().outcomes.refused_actions()
    }

    /// How long nobody has asked: since the last call, or, while something fails, since that was last tried.
    /// `None` when nobody ever called.
    #[must_use]
    pub fn idle(&self) -> Option<Duration> {
        let state = self.lock();
        let last = state.outcomes.longest_untried().or(state.last_call);
        last.map(|call| call.elapsed())
    }

    fn note<T>(&self, now: Instant, note: impl FnOnce(&mut Outcomes) -> T) -> T {
        let mut state = self.lock();
        state.last_call = Some(now);
        let noted = note(&mut state.outcomes);
        let (reason, message) = state.outcomes.told().unzip();
        let reachable = Some(reason.is_none());
        let is_change = state.health.reachable != reachable;
        if is_change && reason.is_none() {
            tracing::info!(dependency = self.0.name, "{} is reachable", self.0.name);
        }
        state.health = Health {
            reachable,
            reason,
            message,
            since_unix_ms: if is_change {
                unix_ms()
            } else {
                state.health.since_unix_ms
            },
        };
        noted
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
        let queue = Dependency::named("queue");
        queue.failed(
            "sqs:SendMessage",
            &Fault::new("Unreachable", "nobody there"),
        );
        let since = queue.health().since_unix_ms;
        queue.failed("sqs:SendMessage", &Fault::new("Timeout", "no answer"));
        let health = queue.health();
        assert_eq!(
            (health.reachable, health.since_unix_ms),
            (Some(false), since)
        );
        assert_eq!(health.reason.as_deref(), Some("Timeout"));
        queue.succeeded("sqs:ReceiveMessage");
        let health = queue.health();
        assert_eq!(
            (health.reachable, health.reason, health.message),
            (Some(true), None, None)
        );
    }
}
