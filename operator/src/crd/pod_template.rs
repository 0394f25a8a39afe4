//! What users add to pods: an overlay of the pod template.

#![expect(
    unreachable_pub,
    reason = "KubeSchema copies each struct into a function and keeps its `pub`"
)]

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Additions to a pod template. Lists with names (containers, volumes, environment, ports) are merged by name.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PodTemplate {
    /// Labels and annotations added to the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<PodMetadata>,

    /// Any fields of a PodSpec (`kubectl explain pod.spec`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "pod_spec_schema")]
    pub spec: Option<Map<String, Value>>,
}

/// Labels and annotations added to pods.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PodMetadata {
    /// Labels; those of `app.kubernetes.io` belong to the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "labels_schema")]
    #[x_kube(
        validation = Rule::new("self.all(key, !key.startsWith('app.kubernetes.io/'))")
            .message("must not contain keys of 'app.kubernetes.io/': they select the pods")
    )]
    pub labels: Option<BTreeMap<String, String>>,

    /// Annotations; those of `extraction.dev` belong to the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "annotations_schema")]
    #[x_kube(
        validation = Rule::new("self.all(key, !key.startsWith('extraction.dev/'))")
            .message("must not contain keys of 'extraction.dev/'")
    )]
    pub annotations: Option<BTreeMap<String, String>>,
}

fn pod_spec_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

fn labels_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": { "type": "string", "maxLength": 63 },
    })
}

fn annotations_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": { "type": "string", "maxLength": 4096 },
    })
}
