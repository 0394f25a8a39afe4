//! The cluster under test and a namespace per test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Names the kubeconfig of the cluster under test.
pub const KUBECONFIG: &str = "EXTRACTION_TEST_KUBECONFIG";

static DISTURBANCE: RwLock<()> = RwLock::const_new(());

/// Held by a test that wants its surroundings quiet.
pub async fn shared() -> RwLockReadGuard<'static, ()> {
    DISTURBANCE.read().await
}

/// Held by a test that disturbs the others: stops a service, the operator or a node.
pub async fn alone() -> RwLockWriteGuard<'static, ()> {
    DISTURBANCE.write().await
}

/// The kubeconfig's path.
pub fn kubeconfig() -> Result<PathBuf> {
    let path = std::env::var_os(KUBECONFIG).with_context(|| {
        format!("{KUBECONFIG} is not set; `tests/run cluster` starts a cluster and sets it")
    })?;
    Ok(path.into())
}

/// A client of its own for each test, because each test has a runtime of its own.
pub async fn client() -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig()?)?;
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    config.read_timeout = Some(std::time::Duration::from_secs(295));
    Ok(Client::try_from(config)?)
}

/// A namespace that enforces the restricted Pod Security standard; its deletion begins when this is dropped.
pub struct TestNamespace {
    /// Unique within the run.
    pub name: String,
}

impl TestNamespace {
    /// Creates `<prefix>-<process>-<number>`.
    pub async fn create(client: &Client, prefix: &str) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}-{}-{number}", std::process::id());
        let namespace: Namespace = serde_json::from_value(json!({
            "metadata": { "name": name, "labels": {
                "extraction.dev/test": "true",
                "pod-security.kubernetes.io/enforce": "restricted",
            }},
        }))?;
        Api::all(client.clone())
            .create(&PostParams::default(), &namespace)
            .await?;
        Ok(Self { name })
    }
}

impl Drop for TestNamespace {
    fn drop(&mut self) {
        if std::env::var_os("EXTRACTION_TEST_KEEP").is_some() {
            return;
        }
        let Ok(kubeconfig) = kubeconfig() else { return };
        // The pipelines first: a namespace keeps them until its last pod has ended, and they have the operator work on.
        let pipelines = vec!["xp", "--all", "--namespace", &self.name];
        for doomed in [pipelines, vec!["namespace", &self.name]] {
            // What cannot be deleted here goes with the cluster, and a drop has nobody to tell.
            let _ = std::process::Command::new("kubectl")
                .arg("--kubeconfig")
                .arg(&kubeconfig)
                .args(["delete", "--wait=false", "--request-timeout=10s"])
                .args(doomed)
                .output();
        }
    }
}

/// `kubectl` against the cluster under test.
pub async fn kubectl(arguments: &[&str]) -> Result<String> {
    let kubeconfig = kubeconfig()?;
    let mut all = vec![
        "--kubeconfig",
        kubeconfig.to_str().context("the path is not UTF-8")?,
    ];
    all.extend(arguments);
    crate::program::run("kubectl", &all).await
}

/// `kubectl apply` of a manifest, as users do it.
pub async fn apply(manifest: &str) -> Result<String> {
    let kubeconfig = kubeconfig()?;
    let path = kubeconfig.to_str().context("the path is not UTF-8")?;
    crate::program::run_with_input(
        "kubectl",
        &["--kubeconfig", path, "apply", "-f", "-"],
        manifest,
    )
    .await
}

/// The words with which the API server refuses a manifest.
pub async fn refused(manifest: &str) -> Result<String> {
    let kubeconfig = kubeconfig()?;
    let path = kubeconfig.to_str().context("the path is not UTF-8")?;
    crate::program::refusal(
        "kubectl",
        &["--kubeconfig", path, "apply", "-f", "-"],
        Some(manifest),
    )
    .await
}
