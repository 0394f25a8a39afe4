//! The services a pipeline talks to: AWS, queue, storage, database.

#![expect(
    unreachable_pub,
    reason = "KubeSchema copies each struct into a function and keeps its `pub`"
)]

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::format;
use super::workload::quantity_schema;

/// Access to AWS.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!(has(self.roleArn) && has(self.credentialsSecretRef))")
        .message("`roleArn` and `credentialsSecretRef` must not be set both")
)]
pub struct Aws {
    /// Region of the queue and the bucket, such as `eu-west-1`.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-z]{2,}(-[a-z0-9]+)+$')")
            .message("must be the code of a region, such as 'eu-west-1'")
    )]
    pub region: String,

    /// Base URL of a service that speaks S3 and SQS, used instead of AWS: `http://10.0.0.1:4566`. Pods are let out to this
    /// host and port only, so a Service in front of it must have the port of its pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(
        validation = Rule::new("self.matches('^https?://[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?/?$')")
            .message("must be a URL of scheme, host and port only, such as 'http://10.0.0.1:4566'")
    )]
    pub endpoint_url: Option<String>,

    /// Role that the pods take through their ServiceAccounts (IAM roles for service accounts). Its trust policy must
    /// admit `system:serviceaccount:<namespace>:<pipeline>-api` and `system:serviceaccount:<namespace>:<pipeline>-worker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    #[x_kube(
        validation = Rule::new("self.matches('^arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z0-9_+=,.@/-]+$')")
            .message("must be the ARN of a role, such as 'arn:aws:iam::123456789012:role/invoices'")
    )]
    pub role_arn: Option<String>,

    /// Secret with the keys `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and `AWS_SESSION_TOKEN` if there is one.
    /// Neither this nor `roleArn`: the pods use whatever the node or the cluster gives them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_secret_ref: Option<LocalSecret>,
}

/// An SQS queue.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Name of a standard queue, which must exist.
    #[schemars(length(min = 1, max = 80))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-zA-Z0-9_-]+$')")
            .message("must be the name, not the URL, of a standard queue: letters, digits, '-' and '_'")
    )]
    pub name: String,
}

/// A bucket, or a volume.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!(has(self.bucket) && has(self.storageClassName))")
        .message("`bucket` and `storageClassName` must not be set both"),
    validation = Rule::new("!(has(self.bucket) && has(self.size))")
        .message("`size` must not be set with `bucket`: it is the size of the volume of a pipeline without bucket"),
    validation = Rule::new("has(self.bucket) || !has(self.prefix)")
        .message("`prefix` must not be set without `bucket`"),
    validation = Rule::new("(has(self.prefix) ? self.prefix : '') == (has(oldSelf.prefix) ? oldSelf.prefix : '')")
        .message("`prefix` must not change: documents and results would no longer be found; create another pipeline"),
    validation = Rule::new("!has(self.storageClassName) || !has(oldSelf.storageClassName) || quantity(has(self.size) ? string(self.size) : '10Gi').compareTo(quantity(has(oldSelf.size) ? string(oldSelf.size) : '10Gi')) >= 0")
        .message("`size` must not become smaller ('10Gi' when not set): volumes only grow")
)]
pub struct Storage {
    /// S3 bucket for documents and results, which must exist. It must not change later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 3, max = 63))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-z0-9][a-z0-9.-]*[a-z0-9]$') && !self.contains('..') && !self.contains('.-') && !self.contains('-.') && !self.startsWith('xn--') && !self.matches('^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+$')")
            .message("must be the name of a bucket: lower-case letters, digits, '-' and '.' between two of them, with a letter or digit at both ends, not 'xn--...' and no IP address"),
        validation = Rule::new("self == oldSelf")
            .message("must not change: documents and results would no longer be found; create another pipeline")
    )]
    pub bucket: Option<String>,

    /// Prefix of every key in the bucket, without a leading or final slash: `finance/invoices`. It must not change later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(
        validation = Rule::new(r#"self.matches("^[a-zA-Z0-9!_.*'()-]+(/[a-zA-Z0-9!_.*'()-]+)*$") && !self.split("/").exists(part, part == "." || part == "..")"#)
            .message("must be parts of letters, digits and any of !_.*'()- with one '/' between two of them; '.' and '..' are no parts")
    )]
    pub prefix: Option<String>,

    /// StorageClass of the volume of a pipeline without bucket. Not set: the data is lost with its pod, and the
    /// condition `DataDurable` says so. It may be set later (nothing is carried over), then it must not change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(
        validation = format::object_name(),
        validation = Rule::new("self == oldSelf")
            .message("must not change: the data stays on the volume of the first class; create another pipeline")
    )]
    pub storage_class_name: Option<String>,

    /// Size of the volume of a pipeline without bucket; 10Gi when not set. It may grow where the StorageClass allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "quantity_schema")]
    #[x_kube(
        validation = Rule::new("quantity(string(self)).compareTo(quantity('64Mi')) >= 0 && quantity(string(self)).compareTo(quantity('64Ti')) <= 0")
            .message("must be at least '64Mi' and at most '64Ti'")
    )]
    pub size: Option<Quantity>,
}

/// A PostgreSQL database.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    /// Secret key with the URL `postgres://user:password@host:5432/name`. A new value is used without a restart. Pods are
    /// let out to this host and port only, so a Service in front of the database must have the port of its pods.
    pub url_secret_ref: SecretKey,
}

/// A key of a Secret in the pipeline's namespace.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = format::object_name())]
    pub name: String,

    /// Key inside the Secret.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-zA-Z0-9._-]+$') && self != '.' && !self.startsWith('..')")
            .message("must be a key of a Secret: letters, digits, '.', '-' and '_'")
    )]
    pub key: String,
}

/// A Secret in the pipeline's namespace.
#[derive(KubeSchema, Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LocalSecret {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = format::object_name())]
    pub name: String,
}
