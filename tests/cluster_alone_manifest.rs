//! The rendered manifest does what the chart does, without Helm.

use std::time::Duration;

use anyhow::{Result, ensure};
use extraction_tests::cluster::{self, TestNamespace};
use extraction_tests::{pipeline, release};

const MANIFEST: &str = "manifests/install.yaml";
const SAMPLE: &str = "manifests/samples/minimal.yaml";
/// Until an operator leads and its first pipeline is ready.
const START: Duration = Duration::from_secs(120);

#[tokio::test]
async fn the_manifest_alone_installs_an_operator_that_makes_the_sample_ready_and_takes_all_of_it_away()
-> Result<()> {
    let _alone = cluster::alone().await;
    release::installed().await?;
    let gone = [
        "uninstall",
        release::NAME,
        "--namespace",
        release::NAMESPACE,
        "--wait",
    ];
    release::helm(&gone).await?;
    let outcome = install_by_manifest().await;
    // Whatever came of it, the other tests need their installation.
    let removed = cluster::kubectl(&["delete", "--filename", MANIFEST, "--timeout=180s"]).await;
    release::install(&[]).await?;
    outcome.and(removed.map(drop))
}

async fn install_by_manifest() -> Result<()> {
    cluster::kubectl(&["apply", "--filename", MANIFEST]).await?;
    let client = cluster::client().await?;
    let namespace = TestNamespace::create(&client, "manifest").await?;
    let name = namespace.name.as_str();
    let sample = ["--namespace", name, "--filename", SAMPLE];
    cluster::kubectl(&[&["apply"][..], &sample].concat()).await?;
    let ready = pipeline::until_condition(&client, name, "minimal", "Ready", "True", START).await?;
    ensure!(ready.reason == "Ready", "{ready:?}");
    let again = cluster::kubectl(&["apply", "--filename", MANIFEST]).await?;
    // kubectl replaces the selector of a PodDisruptionBudget each time, and calls that a change.
    let is_change = |line: &&str| {
        !line.ends_with(" unchanged") && !line.starts_with("poddisruptionbudget.policy/")
    };
    let changed: Vec<&str> = again.lines().filter(is_change).collect();
    ensure!(changed.is_empty(), "applying it again changes {changed:?}");
    cluster::kubectl(&[&["delete"][..], &sample].concat()).await?;
    Ok(())
}
