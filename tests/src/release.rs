//! The chart as installed for the tests: once for a run, shared by all of them.

use anyhow::{Context, Result};
use tokio::sync::OnceCell;

/// Name of the release, and with it of the operator's Deployment.
pub const NAME: &str = "extraction-operator";
/// Where it is installed.
pub const NAMESPACE: &str = "extraction-system";

static INSTALLED: OnceCell<()> = OnceCell::const_new();

/// Installs or upgrades the chart the first time it is asked for; waits until the chart's own check is content.
pub async fn installed() -> Result<()> {
    INSTALLED.get_or_try_init(|| install(&[])).await?;
    Ok(())
}

/// `helm upgrade --install` with further arguments.
pub async fn install(arguments: &[&str]) -> Result<()> {
    let mut all = vec![
        "upgrade",
        "--install",
        NAME,
        "charts/extraction-operator",
        "--namespace",
        NAMESPACE,
        "--create-namespace",
        "--timeout",
        "3m",
        "--wait",
    ];
    all.extend(arguments);
    helm(&all).await?;
    Ok(())
}

/// `helm` against the cluster under test.
pub async fn helm(arguments: &[&str]) -> Result<String> {
    let kubeconfig = crate::cluster::kubeconfig()?;
    let mut all = vec![
        "--kubeconfig",
        kubeconfig.to_str().context("the path is not UTF-8")?,
    ];
    all.extend(arguments);
    crate::program::run("helm", &all).await
}

/// The words with which `helm` fails.
pub async fn refused(arguments: &[&str]) -> Result<String> {
    let kubeconfig = crate::cluster::kubeconfig()?;
    let mut all = vec![
        "--kubeconfig",
        kubeconfig.to_str().context("the path is not UTF-8")?,
    ];
    all.extend(arguments);
    crate::program::refusal("helm", &all, None).await
}
