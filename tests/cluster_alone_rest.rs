//! When nothing changes, nothing is written.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use extraction_tests::figures::{Figure, record};
use extraction_tests::sample::{self, Sample};
use extraction_tests::{cluster, pipeline, release, wait};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject, ListParams};
use kube::{Client, ResourceExt};

const START: Duration = Duration::from_secs(120);

#[tokio::test]
async fn an_operator_at_rest_writes_nothing_for_a_minute() -> Result<()> {
    const MINUTE: Duration = Duration::from_secs(60);
    let _alone = cluster::alone().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let sample = Sample::prepare(&client, "rest").await?;
    let namespace = sample.namespace.name.as_str();
    pipeline::apply(&client, namespace, sample::NAME, &sample.spec()?).await?;
    pipeline::apply(&client, namespace, "one-pod", &sample::one_pod()).await?;
    for name in [sample::NAME, "one-pod"] {
        pipeline::until_condition(&client, namespace, name, "Ready", "True", START).await?;
    }
    only_in(&client, namespace).await?;
    // Autoscalers take their first readings, then everything is as it stays.
    let deadline = Instant::now() + START;
    let mut before = writes(&client).await?;
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let last = std::mem::replace(&mut before, writes(&client).await?);
        if last == before {
            break;
        }
        ensure!(
            Instant::now() < deadline,
            "the operators do not come to rest"
        );
    }
    tokio::time::sleep(MINUTE).await;
    let after = writes(&client).await?;
    let written: Vec<_> = after
        .iter()
        .filter(|(series, count)| before.get(*series) != Some(count))
        .collect();
    let figure = Figure {
        name: "writes of the operators at rest, in 60 s",
        value: written
            .iter()
            .map(|(series, count)| *count - before.get(*series).unwrap_or(&0.0))
            .fold(0.0, |sum, more| sum + more),
        unit: "count",
        at_most: 0.0,
        note: "two Ready pipelines; the Lease apart",
    };
    record("heal", &figure)?;
    ensure!(written.is_empty(), "{written:?}");
    Ok(())
}

/// Waits until no other test's pipeline is left over.
async fn only_in(client: &Client, namespace: &str) -> Result<()> {
    let all: Api<DynamicObject> = Api::all_with(client.clone(), &pipeline::resource());
    wait::poll("other tests' pipelines are gone", START, || async {
        let found = all.list_metadata(&ListParams::default()).await?;
        let others = found
            .items
            .iter()
            .any(|found| found.namespace().as_deref() != Some(namespace));
        Ok((!others).then_some(()))
    })
    .await
}

/// What each operator pod has written so far, by pod, resource and verb; renewals of the Lease left out.
async fn writes(client: &Client) -> Result<BTreeMap<String, f64>> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), release::NAMESPACE);
    let operators = ListParams::default().labels("app.kubernetes.io/component=operator");
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mut found = BTreeMap::new();
    for pod in pods.list(&operators).await? {
        let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone());
        let address = address.context("an operator has no address")?;
        let page = http
            .get(format!("http://{address}:8080/metrics"))
            .send()
            .await?;
        for line in page.error_for_status()?.text().await?.lines() {
            let Some((series, count)) = line.rsplit_once(' ') else {
                continue;
            };
            if series.starts_with("extraction_operator_writes_total")
                && !series.contains("\"leases\"")
            {
                found.insert(format!("{} {series}", pod.name_any()), count.parse()?);
            }
        }
    }
    ensure!(
        !found.is_empty(),
        "no operator has written anything: is this the right metric?"
    );
    Ok(found)
}
