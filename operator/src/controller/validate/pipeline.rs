//! The validated pipeline: no member is optional unless its absence means something.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::controller::observe::DatabaseAddress;
use crate::crd::{DocumentType, Ingress, Resources, SecretKey, Suspend};

/// Everything that the children are built from.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    pub name: String,
    pub namespace: String,
    /// Set on every child, so that deleting the pipeline deletes them.
    pub owner: OwnerReference,
    /// Namespace whose pods may read the metrics port of the pipeline's pods.
    pub operator_namespace: String,
    /// Image of every pod, recorded in `status.image`.
    pub image: String,
    /// When the node fetches the image: `IfNotPresent`, `Always` or `Never`.
    pub pull_policy: String,
    /// Types of documents accepted, at least one.
    pub document_types: Vec<DocumentType>,
    /// How the API is reached from outside; `None` keeps it inside.
    pub ingress: Option<Ingress>,
    pub worker_replicas: Replicas,
    /// Documents that one worker extracts at the same time.
    pub worker_concurrency: i32,
    pub worker_pods: Pods,
    /// Days that finished jobs are kept; 0 for ever.
    pub retention_days: i32,
    pub suspend: Suspend,
    pub mode: Mode,
}

/// How the parts of a pipeline are spread over pods.
#[derive(Debug, Clone, PartialEq)]
pub enum Mode {
    /// API and workers apart, on queue, bucket and database.
    Cluster(Box<Cluster>),
    /// Everything in one pod.
    Embedded(Embedded),
}

/// What only a pipeline on AWS services has.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    pub aws: Aws,
    /// Name of the SQS queue.
    pub queue: String,
    pub bucket: String,
    /// Prefix of every key in the bucket; empty for none.
    pub prefix: String,
    /// Where the database URL is kept.
    pub database: SecretKey,
    /// Where the database URL points to.
    pub database_address: DatabaseAddress,
    pub api_replicas: Replicas,
    pub api_pods: Pods,
}

/// Access to AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aws {
    pub region: String,
    pub endpoint: Option<Endpoint>,
    pub credentials: Credentials,
}

/// A service used instead of AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The URL without a final slash.
    pub url: String,
    /// Host name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Who the pods are for AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// ARN of the role that the ServiceAccounts' tokens are exchanged for.
    Role(String),
    /// Name of the Secret with the keys.
    Secret(String),
    /// Whatever the node or the cluster gives the pods.
    Ambient,
}

/// What only a pipeline of one pod has.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    pub volume: Volume,
}

/// Where one pod keeps its data.
#[derive(Debug, Clone, PartialEq)]
pub enum Volume {
    /// A claim that outlives the pod.
    Claim { class: String, size: Quantity },
    /// A folder that is deleted with the pod.
    Temporary { size: Quantity },
}

/// Fewest and most pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replicas {
    pub min: i32,
    pub max: i32,
}

/// What the user said about the pods of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Pods {
    pub resources: Resources,
    /// Merged over our pod template; empty when the user gave none.
    pub overlay: PodTemplateSpec,
}
