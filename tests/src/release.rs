//! The chart as installed for the tests: once for a run, shared by all of them.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, ListParams};
use tokio::sync::OnceCell;

/// Name of the release, and with it of the operator's Deployment.
pub const NAME: &str = "extraction-operator";
/// Where it is installed.
pub const NAMESPACE: &str = "extraction-system";

/// Time for the operator to end when it is asked to.
const LIMIT: Duration = Duration::from_secs(60);

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

/// The installed operator, stopped until [`Stopped::start`]; there may be none.
pub struct Stopped(Option<i32>);

impl Stopped {
    /// Ends every replica and waits until they are gone.
    pub async fn now(client: &Client) -> Result<Self> {
        let api: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
        let Some(found) = api.get_opt(NAME).await? else {
            return Ok(Self(None));
        };
        scale(0).await?;
        let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
        let operators = ListParams::default().labels("app.kubernetes.io/component=operator");
        crate::wait::poll("the installed operator is gone", LIMIT, || async {
            Ok(pods.list(&operators).await?.items.is_empty().then_some(()))
        })
        .await?;
        Ok(Self(found.spec.and_then(|spec| spec.replicas)))
    }

    /// Starts as many replicas as there were, and waits for them.
    pub async fn start(self) -> Result<()> {
        match self.0 {
            Some(replicas) => scale(replicas).await,
            None => Ok(()),
        }
    }
}

async fn scale(replicas: i32) -> Result<()> {
    let deployment = format!("deployment/{}", NAME);
    let replicas = format!("--replicas={replicas}");
    let at = ["--namespace", NAMESPACE];
    crate::cluster::kubectl(&[&at[..], &["scale", &deployment, &replicas]].concat()).await?;
    let limit = "--timeout=120s";
    crate::cluster::kubectl(&[&at[..], &["rollout", "status", &deployment, limit]].concat())
        .await?;
    Ok(())
}
