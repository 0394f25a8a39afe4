//! First step, the only one that reads: what a reconcile knows of the world besides the pipeline itself.

use std::collections::BTreeMap;

/// The world as one reconcile sees it. Validation and status depend on nothing else.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Settings of the operator itself.
    pub settings: Settings,
    /// Every Secret that the spec refers to, by name.
    pub secrets: BTreeMap<String, SecretState>,
}

/// Settings of the operator that children depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Image of the extractor for pipelines that name none.
    pub default_image: String,
    /// Namespace the operator runs in; its pods may read the metrics port of the pipelines' pods.
    pub operator_namespace: String,
}

/// What is known of a Secret that a spec refers to. Values are never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretState {
    /// There is no Secret of this name.
    Missing,
    /// The operator may not read Secrets in this namespace.
    Forbidden,
    /// The Secret exists.
    Present {
        /// Changes with every write to the Secret.
        resource_version: String,
        /// What each key holds.
        keys: BTreeMap<String, KeyState>,
    },
}

/// What is known of one key of a Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    /// The value has no bytes besides white space.
    pub is_empty: bool,
    /// The value read as a PostgreSQL URL; the error says in words, without the value, why it is none.
    pub database: Result<DatabaseAddress, &'static str>,
}

/// Where a database URL points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseAddress {
    /// Host name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}
