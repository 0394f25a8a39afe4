//! Replicas of the operator follow one another: after a kill, and in an upgrade.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use extraction_operator::controller::kinds::Kind;
use extraction_tests::cluster::{self, TestNamespace};
use extraction_tests::{children, figures, pipeline, program, release, sample, wait};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams};
use kube::{Client, ResourceExt};
use serde_json::json;

const START: Duration = Duration::from_secs(120);

/// Name of the pod that leads, and the holder's full identity.
async fn leader(client: &Client) -> Result<(String, String)> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), release::NAMESPACE);
    let lease = leases.get(release::NAME).await?;
    let holder = lease
        .spec
        .and_then(|spec| spec.holder_identity)
        .context("nobody leads")?;
    let (pod, _) = holder
        .rsplit_once('-')
        .context("an identity without its random part")?;
    Ok((pod.to_owned(), holder))
}

/// The process on this machine whose environment names that pod.
fn process_of(pod: &str) -> Result<String> {
    let wanted = format!("POD_NAME={pod}");
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == wanted.as_bytes())
        {
            return Ok(entry.file_name().to_string_lossy().into_owned());
        }
    }
    anyhow::bail!("no process of {pod}: the node is not this machine")
}

#[tokio::test]
async fn a_killed_leader_is_followed_by_another_operator_within_the_lease_which_heals() -> Result<()>
{
    // A Lease lasts 15 s and is looked at every 2 s.
    const TAKEN_OVER: f64 = 20.0;
    let _alone = cluster::alone().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let namespace = TestNamespace::create(&client, "leader").await?;
    let spec = json!({ "worker": { "podTemplate": sample::nowhere() } });
    pipeline::apply(&client, &namespace.name, "led", &spec).await?;
    let services = children::api(&client, &namespace.name, Kind::Service);
    let old = wait::poll("the Service is made", START, || async {
        Ok(services.get_opt("led-api").await?)
    })
    .await?;

    let (pod, holder) = leader(&client).await?;
    let begun = Instant::now();
    program::run("kill", &["-KILL", &process_of(&pod)?]).await?;
    services.delete("led-api", &DeleteParams::default()).await?;
    wait::poll("another leads", START, || async {
        Ok((leader(&client).await?.1 != holder).then_some(()))
    })
    .await?;
    figures::within("leader killed, until another leads", begun, TAKEN_OVER)?;
    wait::poll("the Service is made again", START, || async {
        Ok(services
            .get_opt("led-api")
            .await?
            .filter(|found| found.uid() != old.uid()))
    })
    .await?;
    figures::within(
        "leader killed, until a child deleted meanwhile is back",
        begun,
        TAKEN_OVER + 2.0,
    )
}

/// Uid and start time of the pods of all pipelines in a namespace.
async fn pods(client: &Client, namespace: &str) -> Result<BTreeMap<String, String>> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=extraction-operator");
    let described = |pod: Pod| {
        let restarts: i32 = pod
            .status
            .iter()
            .flat_map(|status| &status.container_statuses)
            .flatten()
            .map(|container| container.restart_count)
            .sum();
        let started = pod
            .status
            .as_ref()
            .and_then(|status| status.start_time.as_ref())
            .map(|time| time.0.to_string());
        (
            pod.name_any(),
            format!("{:?} {started:?} {restarts}", pod.uid()),
        )
    };
    Ok(pods
        .list(&ours)
        .await?
        .items
        .into_iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none())
        .map(described)
        .collect())
}

#[tokio::test]
async fn an_upgrade_of_the_operator_restarts_no_pod_until_the_spec_changes() -> Result<()> {
    let _alone = cluster::alone().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let namespace = TestNamespace::create(&client, "upgrade").await?;
    let checked = upgraded(&client, &namespace.name).await;
    // As the other tests expect it; without the flag helm keeps the tag.
    release::install(&["--reset-values"]).await?;
    checked
}

async fn upgraded(client: &Client, namespace: &str) -> Result<()> {
    pipeline::apply(client, namespace, "kept", &sample::one_pod()).await?;
    pipeline::until_condition(client, namespace, "kept", "Ready", "True", START).await?;
    let api = pipeline::pipelines(client, namespace);
    let image = |found: &kube::api::DynamicObject| {
        found.data["status"]["image"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let (before, running) = (
        image(&api.get("kept").await?),
        pods(client, namespace).await?,
    );
    let (_, holder) = leader(client).await?;

    release::install(&["--set", "extractorImage.tag=next"]).await?;
    wait::poll("an operator of the new release leads", START, || async {
        Ok((leader(client).await?.1 != holder).then_some(()))
    })
    .await?;
    // The new operator has been here when it has healed something.
    let services = children::api(client, namespace, Kind::Service);
    services
        .delete("kept-api", &DeleteParams::default())
        .await?;
    wait::poll("the new operator has looked", START, || async {
        Ok(services.get_opt("kept-api").await?)
    })
    .await?;
    assert_eq!(image(&api.get("kept").await?), before);
    assert_eq!(pods(client, namespace).await?, running);

    let mut changed = sample::one_pod();
    changed["retention"] = json!({ "jobsDays": 8 });
    pipeline::apply(client, namespace, "kept", &changed).await?;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    wait::present(
        deployments,
        "kept-serve",
        "the new image is taken",
        START,
        |found| {
            let spec = found
                .spec
                .as_ref()
                .and_then(|spec| spec.template.spec.as_ref());
            spec.is_some_and(|pod| {
                pod.containers.iter().all(|container| {
                    container
                        .image
                        .as_deref()
                        .is_some_and(|image| image.ends_with(":next"))
                })
            })
        },
    )
    .await?;
    wait::poll("the status names the new image", START, || async {
        Ok(image(&api.get("kept").await?)
            .ends_with(":next")
            .then_some(()))
    })
    .await
}
