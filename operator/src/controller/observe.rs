//! First step, the only one that reads: what a reconcile knows of the world besides the pipeline itself.

mod children;
pub mod dependencies;
mod pods;
mod secrets;

pub(super) use children::is_ours;
pub use children::{Child, Children};
pub use dependencies::{Dependencies, Dependency, Sample};
pub use pods::{Addresses, MigrationReport, PodProblem, Pods};

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use futures::try_join;
use kube::Client;
use tokio::time::timeout;

use crate::crd::ExtractionPipeline;

/// Time that a single call to the API server may take.
pub const CALL_LIMIT: Duration = Duration::from_secs(10);

/// The world as one reconcile sees it. Validation and status depend on nothing else.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Settings of the operator itself.
    pub settings: Settings,
    /// Every Secret that the spec refers to, by name.
    pub secrets: BTreeMap<String, SecretState>,
    /// The Secrets that the operator makes, by name.
    pub generated: BTreeMap<String, SecretState>,
    /// The children that exist.
    pub children: Children,
    /// What is wrong with the pipeline's pods, and where they are.
    pub pods: Pods,
    /// Queue, storage and database as the pods see them.
    pub dependencies: Sample,
}

/// Settings of the operator that children depend on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Image of the extractor for pipelines that name none.
    pub default_image: String,
    /// `imagePullPolicy` of the extractor's containers.
    pub pull_policy: String,
    /// Namespace the operator runs in; its pods may read the metrics port of the pipelines' pods.
    pub operator_namespace: String,
}

/// What is known of a Secret. Values are never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretState {
    /// There is no Secret of this name.
    Missing,
    /// The operator may not read Secrets in this namespace.
    Forbidden,
    /// The Secret exists.
    Present {
        /// Another one of the same name has another.
        uid: String,
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
    /// Name of the database.
    pub name: String,
}

/// Why the world could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server did not answer within [`CALL_LIMIT`].
    #[error("cannot read {what}: the API server did not answer in time")]
    Timeout {
        /// What was read.
        what: String,
    },
    /// The API server refused.
    #[error("cannot read {what}: {source}")]
    Read {
        /// What was read.
        what: String,
        /// Its answer.
        source: kube::Error,
    },
}

/// Reads everything that concerns `pipeline`; `dependencies` was sampled before.
pub async fn observe(
    client: &Client,
    pipeline: &ExtractionPipeline,
    settings: &Settings,
    dependencies: Sample,
) -> Result<Observed, Error> {
    let (secrets, generated, children, pods) = try_join!(
        secrets::observe(client, pipeline, secrets::referenced(pipeline)),
        secrets::observe(client, pipeline, secrets::generated(pipeline)),
        children::observe(client, pipeline),
        pods::observe(client, pipeline),
    )?;
    Ok(Observed {
        settings: settings.clone(),
        secrets,
        generated,
        children,
        pods,
        dependencies,
    })
}

/// One call to the API server, with a time limit.
async fn read<T>(what: &str, call: impl Future<Output = kube::Result<T>>) -> Result<T, Error> {
    match timeout(CALL_LIMIT, call).await {
        Err(_) => Err(Error::Timeout {
            what: what.to_owned(),
        }),
        Ok(Err(source)) => Err(Error::Read {
            what: what.to_owned(),
            source,
        }),
        Ok(Ok(value)) => Ok(value),
    }
}
