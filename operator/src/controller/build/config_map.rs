//! The ConfigMap: settings of the extractor that come from the spec. Where a pod finds its files and ports is
//! said in the pod, so that this changes exactly when the user's settings do.

use std::collections::BTreeMap;

use extraction_contract::env;
use k8s_openapi::api::core::v1::ConfigMap;

use super::metadata::{self, short_hash};
use super::{ingress, service};
use crate::controller::validate::{Cluster, Mode, Pipeline};
use crate::crd::DocumentType;

/// Seconds after which the extraction of one document is ended; workers get a little more to finish.
pub(super) const JOB_TIMEOUT_SECONDS: i64 = 300;

/// Builds the settings shared by all pods of the pipeline.
pub(super) fn build_config_map(pipeline: &Pipeline) -> ConfigMap {
    let types: Vec<&str> = (pipeline.document_types.iter().copied())
        .map(DocumentType::as_str)
        .collect();
    let mut settings = vec![
        (env::DOCUMENT_TYPES, types.join(",")),
        (env::RETENTION_DAYS, pipeline.retention_days.to_string()),
        (env::JOB_TIMEOUT_SECONDS, JOB_TIMEOUT_SECONDS.to_string()),
        (env::LOG, "info".to_owned()),
        (env::PUBLIC_URL, public_url(pipeline)),
    ];
    if let Mode::Cluster(cluster) = &pipeline.mode {
        settings.extend(service_settings(cluster));
    }
    let data: BTreeMap<String, String> = settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    ConfigMap {
        metadata: metadata::recording(pipeline, pipeline.name.clone()),
        data: Some(data),
        ..ConfigMap::default()
    }
}

/// Changes exactly when a setting changes; pods carry it, so that they are replaced then.
pub(super) fn hash(config_map: &ConfigMap) -> String {
    let settings: Vec<String> = (config_map.data.iter().flatten())
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    short_hash(&settings.concat())
}

fn service_settings(cluster: &Cluster) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        (env::QUEUE_NAME, cluster.queue.clone()),
        (env::BUCKET, cluster.bucket.clone()),
        (env::AWS_REGION, cluster.aws.region.clone()),
    ];
    if !cluster.prefix.is_empty() {
        settings.push((env::BUCKET_PREFIX, cluster.prefix.clone()));
    }
    if let Some(endpoint) = &cluster.aws.endpoint {
        settings.push((env::AWS_ENDPOINT_URL, endpoint.url.clone()));
    }
    settings
}

/// Where clients reach the API: its host, or the Service for a pipeline that stays inside the cluster.
fn public_url(pipeline: &Pipeline) -> String {
    match &pipeline.ingress {
        Some(spec) if ingress::tls_secret(pipeline, spec).is_some() => {
            format!("https://{}", spec.host)
        }
        Some(spec) => format!("http://{}", spec.host),
        None => format!(
            "http://{}.{}.svc",
            service::name(pipeline),
            pipeline.namespace
        ),
    }
}
