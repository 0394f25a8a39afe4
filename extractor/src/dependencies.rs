//! Whether the queue, the storage and the database answer, as this process sees them.
//!
//! Adapters report the outcome of every real call; a probe asks only when nobody else did.

pub mod aws;
mod outcomes;
mod probe;
mod tracker;

pub use probe::{Probe, keep_probing};
pub use tracker::{Dependencies, Dependency, Health};

/// Why a dependency cannot be used, in words for the person who has to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({reason})")]
pub struct Fault {
    /// CamelCase word, fit for a condition's reason: the service's own error code where it has one.
    pub reason: String,
    /// What failed, and the permission, name or setting to mend. Never carries a secret.
    pub message: String,
    /// Whether other actions may work all the same, as when one permission is missing.
    pub is_of_one_action: bool,
}

impl Fault {
    /// Keeps every action from working, until told otherwise.
    #[must_use]
    pub fn new(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            message: message.into(),
            is_of_one_action: false,
        }
    }

    /// The same, of this action alone.
    #[must_use]
    pub fn of_one_action(self) -> Self {
        Self {
            is_of_one_action: true,
            ..self
        }
    }
}
