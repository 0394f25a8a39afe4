//! The operator keeps children as described, quickly, and is silent when they are.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use extraction_operator::controller::kinds::Kind;
use extraction_tests::cluster::{self, TestNamespace};
use extraction_tests::figures::{Figure, record};
use extraction_tests::sample::{self, Sample};
use extraction_tests::{children, pipeline, release, wait};
use futures::StreamExt;
use k8s_openapi::api::core::v1::{Event, Pod, Secret};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::runtime::watcher::watch_object;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

/// Time for images that are on the node to be ready in a pod.
const START: Duration = Duration::from_secs(120);
/// What is promised, in seconds.
const HEALED: f64 = 2.0;
/// How long a test waits for what should take `HEALED`.
const PATIENCE: Duration = Duration::from_secs(20);
/// Ends of the names of the Secrets that the operator makes.
const KEYS: [&str; 2] = ["admin-key", "token-signing-key"];

#[tokio::test]
async fn the_sample_becomes_ready_and_every_child_deleted_or_edited_by_hand_is_back() -> Result<()>
{
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let sample = Sample::prepare(&client, "heal").await?;
    let namespace = sample.namespace.name.as_str();
    let applied = Instant::now();
    pipeline::apply(&client, namespace, sample::NAME, &sample.spec()?).await?;
    pipeline::until_condition(&client, namespace, sample::NAME, "Ready", "True", START).await?;
    record(
        "heal",
        &Figure {
            name: "sample, from apply to Ready",
            value: applied.elapsed().as_secs_f64(),
            unit: "s",
            at_most: 60.0,
            note: "images on the node",
        },
    )?;

    let before = children::of(&client, namespace, sample::NAME).await?;
    let kinds: BTreeMap<_, usize> = before.iter().fold(BTreeMap::new(), |mut kinds, (kind, _)| {
        *kinds.entry(*kind).or_default() += 1;
        kinds
    });
    // All but the volume, which only a pipeline of one pod has.
    ensure!(kinds.len() == Kind::ALL.len() - 1, "only {kinds:?}");

    let mut slow = Vec::new();
    for (kind, child) in &before {
        let (title, name) = (children::title(*kind, child), child.name_any());
        let api = children::api(&client, namespace, *kind);
        let seconds = edit(api.clone(), *kind, child).await?;
        slow.extend(healed(&format!("{title} edited"), seconds)?);
        let seconds = delete(api, &name, &title).await?;
        slow.extend(healed(&format!("{title} deleted"), seconds)?);
    }
    for name in KEYS.map(|suffix| format!("{}-{suffix}", sample::NAME)) {
        let title = format!("Secret/{name}");
        // Twice: what tells of the first deletion must be put right for the second.
        for _ in 0..2 {
            let seconds = delete(secrets(&client, namespace), &name, &title).await?;
            slow.extend(healed(&format!("{title} deleted"), seconds)?);
        }
    }
    for component in ["api", "worker"] {
        let name = format!("{}-{component}", sample::NAME);
        let seconds = scale_to_zero(&client, namespace, &name).await?;
        slow.extend(healed(
            &format!("Deployment/{name} scaled to zero"),
            seconds,
        )?);
    }
    ensure!(slow.is_empty(), "over {HEALED} s:\n{}", slow.join("\n"));
    pipeline::until_condition(&client, namespace, sample::NAME, "Ready", "True", START).await?;
    for ((kind, was), (_, is)) in before
        .iter()
        .zip(children::of(&client, namespace, sample::NAME).await?)
    {
        if *kind != Kind::Job {
            assert_eq!(children::wanted(*kind, was), children::wanted(*kind, &is));
        }
    }
    Ok(())
}

/// Records how long healing took; gives the words when that was too long.
fn healed(what: &str, seconds: f64) -> Result<Option<String>> {
    let name = format!("{what} by hand, until it is as before");
    let figure = Figure {
        name: &name,
        value: seconds,
        unit: "s",
        at_most: HEALED,
        note: "",
    };
    record("heal", &figure)?;
    Ok((seconds > HEALED).then(|| format!("{name}: {seconds:.2} s")))
}

fn secrets(client: &Client, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(
        client.clone(),
        namespace,
        &ApiResource::erase::<Secret>(&()),
    )
}

/// Deletes a child and gives the seconds until there is another one in its place.
async fn delete(api: Api<DynamicObject>, name: &str, title: &str) -> Result<f64> {
    let old = api.get(name).await?.uid();
    let begun = Instant::now();
    api.delete(name, &DeleteParams::background()).await?;
    let expectation = format!("{title} is made again");
    until(api, name, &expectation, move |found| found.uid() != old).await?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Where an autoscaler does nothing; gives the seconds until somebody else did.
async fn scale_to_zero(client: &Client, namespace: &str, name: &str) -> Result<f64> {
    let api = children::api(client, namespace, Kind::Deployment);
    let begun = Instant::now();
    let zero = Patch::Merge(json!({ "spec": { "replicas": 0 } }));
    api.patch(name, &PatchParams::default(), &zero).await?;
    let expectation = format!("{name} is scaled up from zero");
    until(api, name, &expectation, |found| {
        found.data["spec"]["replicas"] != 0
    })
    .await?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Edits a child and gives the seconds until the edit is undone.
async fn edit(api: Api<DynamicObject>, kind: Kind, child: &DynamicObject) -> Result<f64> {
    let name = child.name_any();
    let wanted = children::wanted(kind, &api.get(&name).await?);
    let begun = Instant::now();
    let edited = api
        .patch(
            &name,
            &PatchParams::default(),
            &Patch::Merge(by_hand(kind, child)?),
        )
        .await?;
    let title = children::title(kind, child);
    ensure!(
        children::wanted(kind, &edited) != wanted,
        "{title}: the edit changed nothing"
    );
    until(
        api,
        &name,
        &format!("the edit of {title} is undone"),
        move |found| children::wanted(kind, found) == wanted,
    )
    .await?;
    Ok(begun.elapsed().as_secs_f64())
}

/// What a careless or hostile hand would change in such a child.
fn by_hand(kind: Kind, child: &DynamicObject) -> Result<Value> {
    let spec = &child.data["spec"];
    let first = |list: &str, change: &dyn Fn(&mut Value)| {
        let mut items = spec[list].clone();
        change(&mut items[0]);
        json!({ "spec": { list: items } })
    };
    Ok(match kind {
        Kind::ServiceAccount => json!({ "automountServiceAccountToken": true }),
        Kind::ConfigMap => {
            let data = child.data["data"]
                .as_object()
                .context("an empty ConfigMap")?;
            let key = data.keys().next().context("an empty ConfigMap")?;
            json!({ "data": { key: "edited", "EXTRACTION_MAX_PAGES": "1" } })
        }
        // Lets everybody in, also where nobody was to come in at all.
        Kind::NetworkPolicy => {
            json!({ "spec": { "ingress": [{}], "egress": [{}], "policyTypes": ["Ingress"] } })
        }
        Kind::Job => json!({ "spec": { "backoffLimit": 77 } }),
        Kind::Deployment => {
            let mut containers = spec["template"]["spec"]["containers"].clone();
            containers[0]["image"] = json!("localhost/edited:1");
            let variables = containers[0]["env"].as_array_mut();
            let setting = json!({ "name": "HTTP_PROXY", "value": "http://edited" });
            variables.context("no environment")?.push(setting);
            let mut added = containers[0].clone();
            added["name"] = json!("added");
            let containers = [containers[0].take(), added];
            let pod = json!({ "containers": containers, "nodeSelector": { "edited": "true" } });
            json!({ "spec": { "paused": true, "template": { "spec": pod } } })
        }
        Kind::Service => {
            let mut ports = spec["ports"].as_array().cloned().context("no ports")?;
            ports[0]["targetPort"] = json!(9);
            ports.push(json!({ "name": "added", "port": 9 }));
            // The first is a member with a default, which comes back in its place.
            json!({ "spec": { "sessionAffinity": "ClientIP", "ports": ports, "externalIPs": ["192.0.2.1"] } })
        }
        Kind::Ingress => first("rules", &|rule| rule["host"] = json!("edited.localhost")),
        Kind::HorizontalPodAutoscaler => json!({ "spec": { "maxReplicas": 9 } }),
        Kind::PodDisruptionBudget => {
            json!({ "spec": { "maxUnavailable": null, "minAvailable": 5 } })
        }
        Kind::PersistentVolumeClaim => {
            json!({ "metadata": { "labels": { "app.kubernetes.io/part-of": "edited" } } })
        }
    })
}

async fn until(
    api: Api<DynamicObject>,
    name: &str,
    expectation: &str,
    holds: impl Fn(&DynamicObject) -> bool,
) -> Result<()> {
    // The watch of a dynamic kind needs the kind at hand, which `wait::until` asks the type for.
    let mut changes = std::pin::pin!(watch_object(api, name));
    let watch = async {
        while let Some(change) = changes.next().await {
            if let Ok(Some(found)) = change
                && holds(&found)
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, watch)
        .await
        .with_context(|| format!("{expectation}: not within {PATIENCE:?}"))
}

#[tokio::test]
async fn while_a_secret_is_missing_children_are_mended_and_no_pod_is_replaced() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let sample = Sample::prepare(&client, "lost").await?;
    let namespace = sample.namespace.name.as_str();
    pipeline::apply(&client, namespace, sample::NAME, &sample.spec()?).await?;
    pipeline::until_condition(&client, namespace, sample::NAME, "Ready", "True", START).await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let running = async || -> Result<Vec<String>> {
        let listed = pods.list(&ListParams::default()).await?.items.into_iter();
        let names = listed.filter(|pod| !pod.name_any().contains("migrate"));
        Ok(names.map(|pod| pod.name_any()).collect())
    };
    let before = running().await?;

    secrets(&client, namespace)
        .delete(sample::DATABASE_SECRET, &DeleteParams::default())
        .await?;
    // Secrets are not watched; whatever else happens to the pipeline makes the operator look.
    let accounts = children::api(&client, namespace, Kind::ServiceAccount);
    let look = Patch::Merge(json!({ "metadata": { "labels": { "looked": "at" } } }));
    let name = format!("{}-api", sample::NAME);
    accounts
        .patch(&name, &PatchParams::default(), &look)
        .await?;
    pipeline::unready(&client, namespace, sample::NAME, "SecretMissing").await?;
    let mut slow = Vec::new();
    for (kind, child) in children::of(&client, namespace, sample::NAME).await? {
        // A migration that is through is neither repeated nor mended.
        if kind == Kind::Job {
            continue;
        }
        let title = children::title(kind, &child);
        let api = children::api(&client, namespace, kind);
        let seconds = edit(api.clone(), kind, &child).await?;
        slow.extend(healed(&format!("{title} edited without Secret"), seconds)?);
        // A pod that is made anew waits for its Secret.
        if kind != Kind::Deployment {
            let seconds = delete(api, &child.name_any(), &title).await?;
            slow.extend(healed(&format!("{title} deleted without Secret"), seconds)?);
        }
    }
    ensure!(slow.is_empty(), "over {HEALED} s:\n{}", slow.join("\n"));
    let told = pipeline::unready(&client, namespace, sample::NAME, "SecretMissing").await?;
    ensure!(told.message.contains("'local-db'"), "{}", told.message);

    sample.create_secret(&client, &sample.database_url).await?;
    pipeline::until_condition(&client, namespace, sample::NAME, "Ready", "True", START).await?;
    assert_eq!(running().await?, before);
    Ok(())
}

#[tokio::test]
async fn a_config_map_that_somebody_made_immutable_holds_up_no_change_of_the_spec() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let namespace = TestNamespace::create(&client, "stuck").await?;
    let namespace = namespace.name.as_str();
    let spec = |days: u8| json!({ "retention": { "jobsDays": days }, "worker": { "podTemplate": sample::nowhere() } });
    pipeline::apply(&client, namespace, "stuck", &spec(5)).await?;
    let config_maps = children::api(&client, namespace, Kind::ConfigMap);
    until(config_maps.clone(), "stuck", "it is made", |_| true).await?;
    let edit = Patch::Merge(json!({ "immutable": true }));
    config_maps
        .patch("stuck", &PatchParams::default(), &edit)
        .await?;
    pipeline::apply(&client, namespace, "stuck", &spec(6)).await?;
    until(config_maps, "stuck", "it follows the spec", |found| {
        found.data["immutable"] != true && found.data["data"]["EXTRACTION_RETENTION_DAYS"] == "6"
    })
    .await
}

#[tokio::test]
async fn what_somebody_puts_into_a_child_again_and_again_is_left_there_and_told_of() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let namespace = TestNamespace::create(&client, "fight").await?;
    let namespace = namespace.name.as_str();
    let spec = json!({ "worker": { "podTemplate": sample::nowhere() } });
    pipeline::apply(&client, namespace, "fight", &spec).await?;
    let services = children::api(&client, namespace, Kind::Service);
    until(services.clone(), "fight-api", "it is made", |_| true).await?;
    let is_edited = |found: &DynamicObject| !found.data["spec"]["externalIPs"].is_null();
    let edit = async || {
        let edited = Patch::Merge(json!({ "spec": { "externalIPs": ["192.0.2.1"] } }));
        services
            .patch("fight-api", &PatchParams::default(), &edited)
            .await
    };
    for _ in 0..3 {
        edit().await?;
        let expectation = "the edit is undone";
        until(services.clone(), "fight-api", expectation, |found| {
            !is_edited(found)
        })
        .await?;
    }
    edit().await?;
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    wait::poll("an event tells that it is left", PATIENCE, || async {
        let all = events.list(&ListParams::default()).await?.items;
        let is_told = |event: &Event| event.reason.as_deref() == Some("ForeignMembersKept");
        Ok(all.iter().any(is_told).then_some(()))
    })
    .await?;
    ensure!(is_edited(&services.get("fight-api").await?));
    Ok(())
}

#[tokio::test]
async fn while_rollouts_are_suspended_an_edit_that_undone_would_restart_pods_stays() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let namespace = TestNamespace::create(&client, "frozen").await?;
    let namespace = namespace.name.as_str();
    let spec = |suspend: &str| json!({ "suspend": suspend, "worker": { "podTemplate": sample::nowhere() } });
    let deployments = children::api(&client, namespace, Kind::Deployment);
    pipeline::apply(&client, namespace, "frozen", &spec("None")).await?;
    until(deployments.clone(), "frozen-serve", "it is made", |_| true).await?;
    pipeline::apply(&client, namespace, "frozen", &spec("Rollouts")).await?;

    let is_edited =
        |found: &DynamicObject| found.data["spec"]["template"]["spec"]["hostname"] == "edited";
    let edited = json!({ "spec": { "template": { "spec": { "hostname": "edited" } } } });
    deployments
        .patch(
            "frozen-serve",
            &PatchParams::default(),
            &Patch::Merge(edited),
        )
        .await?;
    for (kind, child) in children::of(&client, namespace, "frozen").await? {
        if kind == Kind::Service {
            edit(children::api(&client, namespace, kind), kind, &child).await?;
        }
    }
    let stays = deployments.get("frozen-serve").await?;
    ensure!(is_edited(&stays), "the edit of the Deployment was undone");

    pipeline::apply(&client, namespace, "frozen", &spec("None")).await?;
    let expectation = "the edit is undone when rollouts go on";
    until(deployments, "frozen-serve", expectation, |found| {
        !is_edited(found)
    })
    .await
}

#[tokio::test]
async fn an_emptied_generated_secret_is_told_of_and_made_anew_when_it_is_deleted() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let namespace = TestNamespace::create(&client, "keys").await?;
    let namespace = namespace.name.as_str();
    let spec = json!({ "worker": { "podTemplate": sample::nowhere() } });
    pipeline::apply(&client, namespace, "keys", &spec).await?;
    let key = secrets(&client, namespace);
    let accounts = children::api(&client, namespace, Kind::ServiceAccount);
    let services = children::api(&client, namespace, Kind::Service);
    until(services, "keys-api", "the Service is made", |_| true).await?;

    let emptied = Patch::Merge(json!({ "data": { "api-key": "" } }));
    key.patch("keys-admin-key", &PatchParams::default(), &emptied)
        .await?;
    // Secrets are not watched; whatever else happens to the pipeline makes the operator look.
    let look = Patch::Merge(json!({ "metadata": { "labels": { "looked": "at" } } }));
    accounts
        .patch("keys-serve", &PatchParams::default(), &look)
        .await?;
    let told = pipeline::unready(&client, namespace, "keys", "SecretKeyEmpty").await?;
    let message = told.message;
    ensure!(
        message.contains("kubectl delete secret keys-admin-key"),
        "{message}"
    );
    delete(key.clone(), "keys-admin-key", "Secret/keys-admin-key").await?;
    let made = key.get("keys-admin-key").await?;
    ensure!(
        made.data["data"]["api-key"]
            .as_str()
            .is_some_and(|key| !key.is_empty())
    );
    Ok(())
}
