//! The `ExtractionPipeline` custom resource: spec and status types with the rules that the API server
//! enforces (bounds in the schema, CEL for whatever crosses fields). Types only, no logic.
//!
//! Doc comments of this module are what `kubectl explain xp.spec` prints, so they speak to users.

#![expect(
    unreachable_pub,
    reason = "KubeSchema copies each struct into a function and keeps its `pub`"
)]

mod connection;
mod definition;
mod format;
mod pod_template;
mod status;
mod workload;

pub use connection::{Aws, Database, LocalSecret, Queue, SecretKey, Storage};
pub use definition::{definition, definition_yaml};
pub use pod_template::{PodMetadata, PodTemplate};
pub use status::{ConditionType, ExtractionPipelineStatus};
pub use workload::{Api, Compute, Ingress, Resources, Retention, Worker};

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the pipeline is to be run.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[kube(
    group = "extraction.dev",
    version = "v1alpha1",
    kind = "ExtractionPipeline",
    plural = "extractionpipelines",
    shortname = "xp",
    category = "extraction",
    namespaced,
    status = "ExtractionPipelineStatus",
    derive = "PartialEq",
    doc = "An API that takes documents and the workers that turn them into fields. An empty `spec` runs everything in one pod.",
    validation = Rule::new("self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("`metadata.name` must be at most 40 lower-case letters, digits and '-', starting with a letter and ending with a letter or digit: the names of Services and Jobs are made from it"),
    printcolumn(name = "READY", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "REASON", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(name = "API", type_ = "string", json_path = ".status.api"),
    printcolumn(name = "WORKERS", type_ = "string", json_path = ".status.workers"),
    printcolumn(name = "QUEUE", type_ = "string", json_path = ".spec.queue.name"),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.queue) == has(self.database) && has(self.queue) == (has(self.storage) && has(self.storage.bucket))")
        .message("`queue`, `storage.bucket` and `database` must be set together, or not at all"),
    validation = Rule::new("!has(self.queue) || has(self.aws)")
        .message("`aws` must be set with its `region` when `queue` is set"),
    validation = Rule::new("has(self.queue) || !has(self.aws)")
        .message("`aws` must not be set without `queue`: a pipeline of one pod uses no AWS service"),
    validation = Rule::new("has(self.queue) == has(oldSelf.queue)")
        .message("`queue`, `storage.bucket` and `database` must not be added or removed later: documents and results would stay behind; create another pipeline"),
    validation = Rule::new("!has(oldSelf.storage) || !has(oldSelf.storage.storageClassName) || (has(self.storage) && has(self.storage.storageClassName))")
        .message("`storage.storageClassName` must not be removed: the volume and its data would be deleted"),
    validation = Rule::new("has(self.queue) || !has(self.api) || !has(self.api.podTemplate)")
        .message("`api.podTemplate` must not be set without `queue`: the one pod is described by `worker.podTemplate`")
)]
pub struct ExtractionPipelineSpec {
    /// Types of documents that the API accepts; others are refused at upload. Each is `Invoice` or `Receipt`.
    #[serde(default = "DocumentType::all")]
    #[schemars(length(min = 1, max = 2))]
    // Atomic, so that an apply which names one type drops the other, which was there by default and is nobody's.
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = Rule::new("self.all(one, self.exists_one(other, other == one))")
            .message("must not name a type twice")
    )]
    pub document_types: Vec<DocumentType>,

    /// Image of the extractor, with a tag or a digest: `registry.example/extractor:0.1.0` or
    /// `registry.example/extractor@sha256:...`. Not set: the image of the operator's release, taken when this
    /// spec is created or changed and recorded in `status.image`, so that an upgrade of the operator restarts no pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(
        validation = format::image(),
        validation = Rule::new("self.matches('(:[^:/@]+|@sha256:[a-f0-9]{64})$') && !self.endsWith(':latest')")
            .message("must end with a tag other than 'latest' or with a digest '@sha256:...'")
    )]
    pub image: Option<String>,

    /// Region and credentials for the queue and the bucket. Set exactly when `queue` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws: Option<Aws>,

    /// The SQS queue that carries work to the workers. Set `queue`, `storage.bucket` and `database` together;
    /// with none of them the pipeline is one pod that needs no other service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Queue>,

    /// Where documents and results are kept: a bucket, or the volume of the one pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,

    /// The PostgreSQL database that holds jobs, keys and results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Database>,

    /// The HTTP API that takes documents and serves results.
    #[serde(default)]
    pub api: Api,

    /// The workers that extract. Without `queue` the one pod takes `concurrency`, `resources` and `podTemplate` from here.
    #[serde(default)]
    pub worker: Worker,

    /// How long finished jobs are kept.
    #[serde(default)]
    pub retention: Retention,

    /// Stops the operator from acting on this pipeline; running pods keep running. `None`: acts as usual.
    /// `Rollouts`: Deployments and migrations stay as they are, so that no pod restarts; everything else is kept
    /// up to date, and a Deployment that is deleted meanwhile is made again as this spec says. `All`: changes nothing and only reports status.
    #[serde(default)]
    pub suspend: Suspend,
}

/// A type of document.
#[derive(
    Clone, Copy, Debug, Deserialize, Serialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord,
)]
pub enum DocumentType {
    Invoice,
    Receipt,
}

impl DocumentType {
    /// Every type there is, in the order of the reference.
    pub fn all() -> Vec<Self> {
        vec![Self::Invoice, Self::Receipt]
    }

    /// The name in the API and in the extractor's settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "Invoice",
            Self::Receipt => "Receipt",
        }
    }
}

/// What the operator leaves alone.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
pub enum Suspend {
    #[default]
    None,
    Rollouts,
    All,
}

#[cfg(test)]
mod tests;
