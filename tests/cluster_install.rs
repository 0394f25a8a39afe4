//! Helm, and what it leaves.

use std::time::Duration;

use anyhow::Result;
use extraction_tests::{cluster, release, wait};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;

#[tokio::test]
async fn helm_install_ends_with_two_available_operators() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let deployments: Api<Deployment> = Api::namespaced(client, release::NAMESPACE);
    wait::present(
        deployments,
        release::NAME,
        "two replicas available",
        Duration::from_secs(30),
        |found| {
            found
                .status
                .as_ref()
                .and_then(|status| status.available_replicas)
                == Some(2)
        },
    )
    .await?;
    Ok(())
}
