//! Helm, and what it leaves.

use std::time::Duration;

use anyhow::Result;
use extraction_tests::cluster::{self, TestNamespace};
use extraction_tests::{release, wait};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;

const CHART: &str = "charts/extraction-operator";

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

#[tokio::test]
async fn an_operator_of_one_namespace_passes_its_own_check_and_goes_without_a_trace() -> Result<()>
{
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let home = TestNamespace::create(&client, "home").await?;
    let watched = TestNamespace::create(&client, "watched").await?;
    let watch = format!("watchNamespaces={{{}}}", watched.name);
    let settings = ["--set", &watch, "--set", "crds.enabled=false"];
    let install = [
        "install",
        "second",
        CHART,
        "--namespace",
        &home.name,
        "--wait",
        "--timeout",
        "3m",
    ];
    release::helm(&[&install[..], &settings].concat()).await?;
    release::helm(&["uninstall", "second", "--namespace", &home.name, "--wait"]).await?;
    for namespace in [&home.name, &watched.name] {
        let kinds = "all,roles,rolebindings,serviceaccounts,poddisruptionbudgets,leases";
        let query = ["get", kinds, "--namespace", namespace, "--output=name"];
        wait::poll(
            "nothing but the default ServiceAccount is left",
            Duration::from_secs(60),
            || async {
                let left = cluster::kubectl(&query).await?;
                Ok(left
                    .lines()
                    .all(|name| name == "serviceaccount/default")
                    .then_some(()))
            },
        )
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_installation_without_roles_is_told_which_rights_are_missing() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let home = TestNamespace::create(&client, "cut").await?;
    let watch = format!("watchNamespaces={{{}}}", home.name);
    release::refused(&[
        "install",
        "cut",
        CHART,
        "--namespace",
        &home.name,
        "--timeout",
        "2m",
        "--set",
        &watch,
        "--set",
        "rbac.create=false",
        "--set",
        "crds.enabled=false",
        "--set",
        "check.timeoutSeconds=10",
    ])
    .await?;
    let words = cluster::kubectl(&[
        "logs",
        "--namespace",
        &home.name,
        "job/cut-extraction-operator-check",
    ])
    .await?;
    for expected in [
        "may not patch extractionpipelines/status",
        "may not get, create secrets",
        "rbac.create=true",
    ] {
        assert!(words.contains(expected), "{expected} is not in: {words}");
    }
    Ok(())
}
