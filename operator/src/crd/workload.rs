//! What runs: API, workers, their pods and how long results are kept.

#![expect(
    unreachable_pub,
    reason = "KubeSchema copies each struct into a function and keeps its `pub`"
)]

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::format;
use super::pod_template::PodTemplate;

/// The HTTP API.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.minReplicas <= self.maxReplicas")
        .message("`minReplicas` must be less than or equal to `maxReplicas` (20 when not set)")
)]
pub struct Api {
    /// Fewest API pods. Without `queue` there is always one pod.
    #[serde(default = "Api::default_min_replicas")]
    #[schemars(range(min = 1, max = 100))]
    pub min_replicas: i32,

    /// Most API pods; between the two their number follows CPU (70 %) and memory (80 %) of the requests.
    #[serde(default = "Api::default_max_replicas")]
    #[schemars(range(min = 1, max = 100))]
    pub max_replicas: i32,

    /// CPU and memory of each API pod.
    #[serde(default = "Api::default_resources")]
    pub resources: Resources,

    /// Makes the API reachable from outside the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Ingress>,

    /// Merged over the pod template of the API, for what has no field here: tolerations, node selectors, sidecars, volumes.
    /// The API's container is named `api`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template: Option<PodTemplate>,
}

impl Api {
    fn default_min_replicas() -> i32 {
        3
    }

    fn default_max_replicas() -> i32 {
        20
    }

    fn default_resources() -> Resources {
        Resources::new(("500m", "1Gi"), ("1", "2Gi"))
    }
}

impl Default for Api {
    fn default() -> Self {
        Self {
            min_replicas: Self::default_min_replicas(),
            max_replicas: Self::default_max_replicas(),
            resources: Self::default_resources(),
            ingress: None,
            pod_template: None,
        }
    }
}

/// The workers.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.minReplicas <= self.maxReplicas")
        .message("`minReplicas` must be less than or equal to `maxReplicas` (50 when not set)")
)]
pub struct Worker {
    /// Fewest worker pods.
    #[serde(default = "Worker::default_min_replicas")]
    #[schemars(range(min = 1, max = 1000))]
    pub min_replicas: i32,

    /// Most worker pods; between the two their number follows CPU (70 % of the requests).
    #[serde(default = "Worker::default_max_replicas")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_replicas: i32,

    /// Documents that one worker extracts at the same time. Each takes about one CPU and 1 GiB: raise `resources` with it.
    #[serde(default = "Worker::default_concurrency")]
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: i32,

    /// CPU and memory of each worker pod.
    #[serde(default = "Worker::default_resources")]
    pub resources: Resources,

    /// Merged over the pod template of the workers, for what has no field here: tolerations, node selectors, sidecars, volumes.
    /// The worker's container is named `worker`; without `queue` the one container is named `serve`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template: Option<PodTemplate>,
}

impl Worker {
    fn default_min_replicas() -> i32 {
        1
    }

    fn default_max_replicas() -> i32 {
        50
    }

    fn default_concurrency() -> i32 {
        1
    }

    fn default_resources() -> Resources {
        Resources::new(("1", "2Gi"), ("2", "4Gi"))
    }
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            min_replicas: Self::default_min_replicas(),
            max_replicas: Self::default_max_replicas(),
            concurrency: Self::default_concurrency(),
            resources: Self::default_resources(),
            pod_template: None,
        }
    }
}

/// CPU and memory that a pod asks for and may use.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.requests) && has(self.requests.cpu) && has(self.requests.memory)")
        .message("`requests.cpu` and `requests.memory` must be set: the number of pods is measured against them"),
    validation = Rule::new("!has(self.requests) || ((!has(self.requests.cpu) || quantity(string(self.requests.cpu)).isGreaterThan(quantity('0'))) && (!has(self.requests.memory) || quantity(string(self.requests.memory)).isGreaterThan(quantity('0'))))")
        .message("`requests.cpu` and `requests.memory` must be greater than 0"),
    validation = Rule::new("!has(self.requests) || !has(self.limits) || !has(self.requests.cpu) || !has(self.limits.cpu) || quantity(string(self.requests.cpu)).compareTo(quantity(string(self.limits.cpu))) <= 0")
        .message("`requests.cpu` must be less than or equal to `limits.cpu`"),
    validation = Rule::new("!has(self.requests) || !has(self.limits) || !has(self.requests.memory) || !has(self.limits.memory) || quantity(string(self.requests.memory)).compareTo(quantity(string(self.limits.memory))) <= 0")
        .message("`requests.memory` must be less than or equal to `limits.memory`")
)]
pub struct Resources {
    /// What the scheduler sets aside for each pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Compute>,

    /// What each pod may use at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Compute>,
}

impl Resources {
    fn new(requests: (&str, &str), limits: (&str, &str)) -> Self {
        let compute = |(cpu, memory): (&str, &str)| Compute {
            cpu: Some(Quantity(cpu.to_owned())),
            memory: Some(Quantity(memory.to_owned())),
        };
        Self {
            requests: Some(compute(requests)),
            limits: Some(compute(limits)),
        }
    }
}

/// An amount of CPU and memory.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Compute {
    /// CPUs, such as `500m` or `2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "quantity_schema")]
    pub cpu: Option<Quantity>,

    /// Bytes of memory, such as `512Mi` or `2Gi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "quantity_schema")]
    pub memory: Option<Quantity>,
}

/// How the API is reached from outside.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(has(self.tlsSecretName) ? 1 : 0) + (has(self.clusterIssuer) ? 1 : 0) + (has(self.issuer) ? 1 : 0) <= 1")
        .message("at most one of `tlsSecretName`, `clusterIssuer` and `issuer` must be set")
)]
pub struct Ingress {
    /// Host name of the API, such as `invoices.example.com`.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = format::host_name())]
    pub host: String,

    /// IngressClass; the cluster's default when not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = format::object_name())]
    pub class_name: Option<String>,

    /// Secret of type `kubernetes.io/tls` with the certificate of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = format::object_name())]
    pub tls_secret_name: Option<String>,

    /// ClusterIssuer of cert-manager that makes the certificate, kept in the Secret `<pipeline>-tls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = format::object_name())]
    pub cluster_issuer: Option<String>,

    /// Issuer of cert-manager in the same namespace that makes the certificate, kept in the Secret `<pipeline>-tls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = format::object_name())]
    pub issuer: Option<String>,
}

/// How long finished jobs are kept.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// Days after which a finished job is deleted with its document and result; 0 keeps it for ever.
    #[serde(default = "Retention::default_jobs_days")]
    #[schemars(range(min = 0, max = 3650))]
    pub jobs_days: i32,
}

impl Retention {
    fn default_jobs_days() -> i32 {
        90
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            jobs_days: Self::default_jobs_days(),
        }
    }
}

/// A resource quantity, as text or as a whole number, that is positive or zero.
pub(super) fn quantity_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "x-kubernetes-int-or-string": true,
        "maxLength": 20,
        "pattern": r"^[0-9]+(\.[0-9]{1,3})?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$",
    })
}
