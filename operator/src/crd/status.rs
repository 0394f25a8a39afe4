//! What the operator reports about a pipeline.

#![expect(
    unreachable_pub,
    reason = "KubeSchema copies each struct into a function and keeps its `pub`"
)]

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// What the operator last saw. Counts that change with every document are metrics, not status.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ExtractionPipelineStatus {
    /// Generation of the spec that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Whether the pipeline works (`Ready`) and each thing that it needs; the message names the cause and the next step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// Image that the pods run: `spec.image`, or the operator's default at the time the spec was created or last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,

    /// Ready and wanted API pods: `3/3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,

    /// Ready and wanted worker pods: `2/2`. Not set for a pipeline of one pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<String>,
}

/// Conditions of a pipeline. Their meaning is part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// Documents are accepted and extracted.
    Ready,
    /// The queue answers with the pipeline's own credentials.
    QueueReachable,
    /// The bucket answers with the pipeline's own credentials.
    StorageReachable,
    /// The database answers.
    DatabaseReachable,
    /// The database has the schema of the image.
    DatabaseMigrated,
    /// Enough API pods are ready.
    ApiAvailable,
    /// Enough workers are ready.
    WorkersAvailable,
    /// Documents and results outlive the pods.
    DataDurable,
}

impl ConditionType {
    /// The `type` of the condition.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::QueueReachable => "QueueReachable",
            Self::StorageReachable => "StorageReachable",
            Self::DatabaseReachable => "DatabaseReachable",
            Self::DatabaseMigrated => "DatabaseMigrated",
            Self::ApiAvailable => "ApiAvailable",
            Self::WorkersAvailable => "WorkersAvailable",
            Self::DataDurable => "DataDurable",
        }
    }
}

impl fmt::Display for ConditionType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
