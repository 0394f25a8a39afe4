//! From an empty spec to a pod that extracts and data that outlives it; and what the operator may do at all.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use extraction_tests::cluster::{self, TestNamespace};
use extraction_tests::http::PipelineApi;
use extraction_tests::sample;
use extraction_tests::{pipeline, program, release, wait};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{Api, DeleteParams, ListParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

const START: Duration = Duration::from_secs(120);
/// Idle pods are asked to end and given this long to do so.
const END: Duration = Duration::from_secs(90);

/// Sends one document and checks what was read.
async fn extracts_a_document(client: &Client, namespace: &str, name: &str) -> Result<()> {
    let api = PipelineApi::of(client, namespace, name, &format!("{name}-api")).await?;
    let folder = program::repository().join("tests/documents/invoice");
    let bytes = std::fs::read(folder.join("british-text.pdf"))?;
    let expected: Value =
        serde_json::from_slice(&std::fs::read(folder.join("british-text.expected.json"))?)?;
    let id = api.accepted("british-text.pdf", bytes, "Invoice").await?;
    let job = api.ended(&id, START).await?;
    let result = api.result(&id).await.with_context(|| format!("{job:#}"))?;
    for field in ["invoice_receipt_id", "total"] {
        let wanted = &expected["fields"][field];
        ensure!(
            !wanted.is_null(),
            "the expectations have no {field}: {expected:#}"
        );
        assert_eq!(
            result["fields"][field]["value"], *wanted,
            "{field}: {result:#}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_empty_spec_runs_one_pod_that_extracts_and_says_that_its_data_is_not_durable()
-> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let namespace = TestNamespace::create(&client, "empty").await?;
    pipeline::apply(&client, &namespace.name, "minimal", &json!({})).await?;
    pipeline::until_condition(&client, &namespace.name, "minimal", "Ready", "True", START).await?;
    let durable = pipeline::until_condition(
        &client,
        &namespace.name,
        "minimal",
        "DataDurable",
        "False",
        START,
    )
    .await?;
    ensure!(
        durable.message.contains("storage.storageClassName"),
        "{}",
        durable.message
    );
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace.name);
    assert_eq!(pods.list(&ListParams::default()).await?.items.len(), 1);
    extracts_a_document(&client, &namespace.name, "minimal").await
}

#[tokio::test]
async fn with_a_storage_class_the_one_pod_keeps_its_data_on_a_volume() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let namespace = TestNamespace::create(&client, "volume").await?;
    let name = namespace.name.as_str();
    let mut spec = sample::one_pod();
    spec["storage"] = json!({ "storageClassName": "standard", "size": "1Gi" });
    pipeline::apply(&client, name, "kept", &spec).await?;
    pipeline::until_condition(&client, name, "kept", "Ready", "True", START).await?;
    pipeline::until_condition(&client, name, "kept", "DataDurable", "True", START).await?;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), name);
    wait::present(claims, "kept-data", "bound", START, |claim| {
        claim
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref())
            == Some("Bound")
    })
    .await?;

    let api = PipelineApi::of(&client, name, "kept", "kept-api").await?;
    let text =
        std::fs::read(program::repository().join("tests/documents/invoice/irish-scan.webp"))?;
    let id = api.accepted("irish-scan.webp", text, "Invoice").await?;
    api.ended(&id, START).await?;
    let before = api.result(&id).await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), name);
    let old = pods.list(&ListParams::default()).await?.items;
    for pod in &old {
        pods.delete(&pod.name_any(), &DeleteParams::default().grace_period(1))
            .await?;
        wait::until(
            pods.clone(),
            &pod.name_any(),
            "the pod is gone",
            END,
            |found| found.is_none(),
        )
        .await?;
    }
    let after = wait::poll("another pod has the result", START, || async {
        api.result(&id).await.map(Some)
    })
    .await?;
    assert_eq!(after, before);
    let new = pods.list(&ListParams::default()).await?.items;
    ensure!(
        new.iter()
            .all(|pod| old.iter().all(|old| old.uid() != pod.uid())),
        "the pod is still the old one"
    );
    Ok(())
}

#[tokio::test]
async fn the_operator_may_not_list_secrets_and_has_no_wildcard() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let account = format!(
        "--as=system:serviceaccount:{}:{}",
        release::NAMESPACE,
        release::NAME
    );
    let may = async |verb: &'static str, resource: &'static str| -> Result<bool> {
        let question = [
            "auth",
            "can-i",
            verb,
            resource,
            "--all-namespaces",
            &account,
        ];
        // `can-i` fails when the answer is no.
        Ok(cluster::kubectl(&question)
            .await
            .is_ok_and(|answer| answer == "yes"))
    };
    for (verb, resource) in [
        ("get", "secrets"),
        ("create", "secrets"),
        ("list", "pods"),
        ("patch", "deployments.apps"),
    ] {
        ensure!(
            may(verb, resource).await?,
            "may not {verb} {resource}: the question is wrong"
        );
    }
    for verb in [
        "list",
        "watch",
        "update",
        "patch",
        "delete",
        "deletecollection",
    ] {
        ensure!(!may(verb, "secrets").await?, "may {verb} secrets");
    }
    for (verb, resource) in [
        ("*", "*"),
        ("get", "*"),
        ("create", "pods"),
        ("create", "pods/exec"),
        ("delete", "persistentvolumeclaims"),
        ("create", "clusterroles.rbac.authorization.k8s.io"),
        ("impersonate", "users"),
        ("delete", "extractionpipelines.extraction.dev"),
        ("get", "nodes"),
    ] {
        ensure!(!may(verb, resource).await?, "may {verb} {resource}");
    }
    let rules = cluster::kubectl(&[
        "auth",
        "can-i",
        "--list",
        "--namespace",
        "default",
        &account,
    ])
    .await?;
    // Everybody may see these paths; they are no resources.
    let wild: Vec<&str> = rules
        .lines()
        .filter(|line| line.contains('*') && !line.trim_start().starts_with('['))
        .collect();
    ensure!(wild.is_empty(), "{wild:?}");
    Ok(())
}
