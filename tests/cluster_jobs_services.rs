//! Queue, bucket and credentials that are wrong are named in conditions until they are mended, on a live pipeline.

use std::time::Duration;

use anyhow::Result;
use extraction_tests::jobs::{Running, setting};
use extraction_tests::program::run;
use extraction_tests::sample::{self, Sample};
use extraction_tests::{cluster, pipeline, release};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

/// Until a condition tells.
const TOLD: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_queue_and_a_bucket_that_are_not_there_are_named_until_they_are_made() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let sample = Sample::prepare(&client, "absent").await?;
    let namespace = &sample.namespace.name;
    let absent = format!("{namespace}-absent");
    let mut spec = sample.spec()?;
    spec["queue"]["name"] = json!(absent);
    spec["storage"]["bucket"] = json!(absent);
    pipeline::apply(&client, namespace, sample::NAME, &spec).await?;
    let until = |kind, status| {
        pipeline::until_condition(&client, namespace, sample::NAME, kind, status, TOLD * 2)
    };
    let queue = until("QueueReachable", "False").await?;
    queue.names(&["QueueDoesNotExist", "NonExistentQueue"], &absent)?;
    let bucket = until("StorageReachable", "False").await?;
    bucket.names(&["NoSuchBucket"], &absent)?;
    run("tests/cluster/services/create-queue", &[&absent]).await?;
    run("tests/cluster/services/create-bucket", &[&absent]).await?;
    until("QueueReachable", "True").await?;
    until("StorageReachable", "True").await?;
    Ok(())
}

#[tokio::test]
async fn credentials_that_aws_does_not_know_are_told_and_mended_without_a_restart() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let running = Running::start("unknown-key").await?;
    // A kubelet brings a changed Secret into a pod within a minute or so.
    let long = Duration::from_secs(200);
    let right = setting("EXTRACTION_TEST_AWS_ACCESS_KEY_ID")?;
    set_access_key(&running, "nobodys-key").await?;
    let queue = running.until("QueueReachable", "False", long).await?;
    queue.names(&["InvalidClientTokenId"], "AWS_ACCESS_KEY_ID")?;
    let storage = running.until("StorageReachable", "False", long).await?;
    storage.names(&["InvalidAccessKeyId"], "AWS_ACCESS_KEY_ID")?;
    set_access_key(&running, &right).await?;
    running.until("QueueReachable", "True", long).await?;
    running.until("StorageReachable", "True", long).await?;
    Ok(())
}

async fn set_access_key(running: &Running, key: &str) -> Result<()> {
    let patch = json!({ "stringData": { "AWS_ACCESS_KEY_ID": key } });
    Api::<Secret>::namespaced(running.client.clone(), running.name())
        .patch("local-aws", &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    Ok(())
}
