//! What a user gets wrong outside of the spec: the status names the cause and the next step, and heals by itself.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use extraction_operator::controller::kinds::Kind;
use extraction_tests::cluster::{self, TestNamespace};
use extraction_tests::figures::{Figure, record};
use extraction_tests::pipeline::{Condition, unready};
use extraction_tests::program::run;
use extraction_tests::sample::{self, Sample};
use extraction_tests::{children, pipeline, release, wait};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

const START: Duration = Duration::from_secs(120);
const PATIENCE: Duration = Duration::from_secs(30);
/// Until a migration's pod has started, tried to connect, and its word is in the status.
const TOLD: Duration = Duration::from_secs(45);

fn says(condition: &Condition, words: &[&str]) -> Result<()> {
    for word in words {
        ensure!(
            condition.message.contains(word),
            "'{word}' is not in: {}",
            condition.message
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_missing_secret_key_or_a_malformed_url_is_named_and_heals_within_five_seconds()
-> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let sample = Sample::prepare(&client, "secret").await?;
    let namespace = sample.namespace.name.as_str();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    secrets
        .delete(sample::DATABASE_SECRET, &DeleteParams::default())
        .await?;
    let mut spec = sample.spec()?;
    for part in ["api", "worker"] {
        spec[part]["podTemplate"] = sample::nowhere();
    }
    pipeline::apply(&client, namespace, sample::NAME, &spec).await?;
    let missing = unready(&client, namespace, sample::NAME, "SecretMissing").await?;
    says(
        &missing,
        &[
            "'local-db'",
            "database.urlSecretRef",
            "kubectl create secret generic local-db",
            "url",
        ],
    )?;

    let secret =
        json!({ "metadata": { "name": sample::DATABASE_SECRET }, "stringData": { "uri": "x" } });
    secrets
        .create(&Default::default(), &serde_json::from_value(secret)?)
        .await?;
    let missing = unready(&client, namespace, sample::NAME, "SecretKeyMissing").await?;
    says(&missing, &["'local-db'", "'url'"])?;

    let set = |url: &str| Patch::Merge(json!({ "stringData": { "url": url } }));
    let parameters = PatchParams::default();
    let hidden = "mysql://user:hunter2@db/name";
    secrets
        .patch(sample::DATABASE_SECRET, &parameters, &set(hidden))
        .await?;
    let malformed = unready(&client, namespace, sample::NAME, "MalformedDatabaseUrl").await?;
    says(&malformed, &["'local-db'", "'url'", "postgres://"])?;
    ensure!(
        !malformed.message.contains("hunter2"),
        "the status shows the password"
    );

    let begun = Instant::now();
    secrets
        .patch(
            sample::DATABASE_SECRET,
            &parameters,
            &set(&sample.database_url),
        )
        .await?;
    wait::poll("the migration begins", PATIENCE, || async {
        let jobs = children::api(&client, namespace, Kind::Job)
            .list(&ListParams::default())
            .await?;
        Ok((!jobs.items.is_empty()).then_some(()))
    })
    .await?;
    let figure = Figure {
        name: "Secret corrected, until the operator goes on",
        value: begun.elapsed().as_secs_f64(),
        unit: "s",
        at_most: 5.5,
        note: "looked for every 3 s, as Secrets are not watched",
    };
    record("heal", &figure)?;
    ensure!(figure.value <= figure.at_most, "{:.2} s", figure.value);
    Ok(())
}

#[tokio::test]
async fn a_database_that_lets_nobody_in_is_told_before_any_pod_of_the_api_runs() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let sample = Sample::prepare(&client, "entry").await?;
    let namespace = sample.namespace.name.as_str();
    let right = reqwest::Url::parse(&sample.database_url)?;
    let but = |change: fn(&mut reqwest::Url)| {
        let mut url = right.clone();
        change(&mut url);
        url.to_string()
    };
    let cases = [
        (
            "password",
            but(|url| url.set_password(Some("wrong-hunter2")).unwrap_or_default()),
            "DatabaseAuthenticationFailed",
        ),
        (
            "absent",
            but(|url| url.set_path("/not-there")),
            "DatabaseDoesNotExist",
        ),
        // Nothing listens there.
        (
            "dead",
            but(|url| url.set_port(Some(1)).unwrap_or_default()),
            "DatabaseUnreachable",
        ),
    ];
    let told = cases.map(async |(name, url, reason)| -> Result<()> {
        let secret = json!({ "metadata": { "name": name }, "stringData": { "url": url } });
        Api::<Secret>::namespaced(client.clone(), namespace)
            .create(&Default::default(), &serde_json::from_value(secret)?)
            .await?;
        let mut spec = sample.spec()?;
        spec["database"]["urlSecretRef"]["name"] = json!(name);
        pipeline::apply(&client, namespace, name, &spec).await?;
        let told =
            pipeline::until_condition(&client, namespace, name, "DatabaseReachable", "False", TOLD);
        let told = told.await?;
        told.names(&[reason], "")?;
        ensure!(
            !told.message.contains("hunter2"),
            "the status shows the password"
        );
        let ready = unready(&client, namespace, name, reason).await?;
        ensure!(ready.message == told.message, "{ready:?} for {told:?}");
        Ok(())
    });
    futures::future::try_join_all(told).await?;
    Ok(())
}

#[tokio::test]
async fn pods_that_cannot_run_give_their_reason_to_ready() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let namespace = TestNamespace::create(&client, "pods").await?;
    let name = namespace.name.as_str();
    let with = |change: Value| {
        let mut spec = sample::one_pod();
        for (member, value) in change.as_object().into_iter().flatten() {
            spec["worker"][member] = value.clone();
        }
        spec
    };
    let mut unknown = sample::one_pod();
    unknown["image"] = json!("localhost/not-there:1");
    let crashing =
        json!({ "spec": { "containers": [{ "name": "serve", "args": ["no-such-role"] }] } });
    let huge = json!({ "cpu": "900", "memory": "256Mi" });
    let cases = [
        (
            "pull",
            unknown,
            "ImagePullBackOff",
            "'localhost/not-there:1'",
        ),
        (
            "crash",
            with(json!({ "podTemplate": crashing })),
            "CrashLoopBackOff",
            "see its log",
        ),
        (
            "big",
            with(json!({ "resources": { "requests": huge } })),
            "Unschedulable",
            "Insufficient cpu",
        ),
    ];
    for (pipeline, spec, _, _) in &cases {
        pipeline::apply(&client, name, pipeline, spec).await?;
    }
    for (pipeline, _, reason, word) in &cases {
        says(&unready(&client, name, pipeline, reason).await?, &[word])?;
    }
    // Corrected, each becomes what it should have been.
    pipeline::apply(&client, name, "pull", &sample::one_pod()).await?;
    pipeline::until_condition(&client, name, "pull", "Ready", "True", START).await?;
    Ok(())
}

async fn psql(url: &str, statement: &str) -> Result<String> {
    run(
        "psql",
        &[
            "-q",
            "-X",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            statement,
            url,
        ],
    )
    .await
}

async fn uids(client: &Client, namespace: &str) -> Result<Vec<(String, Option<String>)>> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let ours = ListParams::default().labels("app.kubernetes.io/component in (api, worker)");
    let mut found: Vec<_> = pods
        .list(&ours)
        .await?
        .into_iter()
        .map(|pod| (pod.name_any(), pod.uid()))
        .collect();
    found.sort();
    Ok(found)
}

#[tokio::test]
async fn a_failed_migration_is_named_changes_nothing_and_leaves_the_pods_that_run() -> Result<()> {
    const TABLES: &str =
        "select table_name from information_schema.tables where table_schema = 'public' order by 1";
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let sample = Sample::prepare(&client, "migrate").await?;
    let namespace = sample.namespace.name.as_str();
    pipeline::apply(&client, namespace, sample::NAME, &sample.spec()?).await?;
    pipeline::until_condition(&client, namespace, sample::NAME, "Ready", "True", START).await?;
    let running = uids(&client, namespace).await?;
    ensure!(!running.is_empty(), "no pods");

    // The pipeline moves to a database in which somebody else has a table of one of our names.
    let other = run(
        "tests/cluster/services/create-database",
        &[&format!("{namespace}-taken")],
    )
    .await?;
    psql(&other, "create table results (theirs integer)").await?;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let url = Patch::Merge(json!({ "stringData": { "url": other } }));
    secrets
        .patch(sample::DATABASE_SECRET, &PatchParams::default(), &url)
        .await?;
    let mut spec = sample.spec()?;
    spec["retention"] = json!({ "jobsDays": 9 });
    pipeline::apply(&client, namespace, sample::NAME, &spec).await?;
    let failed = wait::poll("DatabaseMigrated names the migration", START, || async {
        let found = pipeline::pipelines(&client, namespace)
            .get(sample::NAME)
            .await?;
        let migrated = pipeline::condition(&found, "DatabaseMigrated").unwrap_or_default();
        Ok(
            (migrated.status == "False" && migrated.message.contains("create_results"))
                .then_some(migrated),
        )
    })
    .await?;
    println!("DatabaseMigrated: {}: {}", failed.reason, failed.message);
    ensure!(
        !failed.message.contains(&password(&sample.database_url)),
        "the status shows the password"
    );
    assert_eq!(
        uids(&client, namespace).await?,
        running,
        "pods were restarted"
    );

    // Whole migrations before the failing one may be there, nothing of the failing one and none after it.
    let tables = psql(&other, TABLES).await?;
    for later in ["api_keys", "uploads", "idempotency_keys"] {
        ensure!(
            !tables.lines().any(|table| table == later),
            "{later} was made: {tables}"
        );
    }
    let columns = "select column_name from information_schema.columns where table_name = 'results'";
    assert_eq!(psql(&other, columns).await?, "theirs");

    // The obstacle gone, the migration is tried again by itself and the pods follow.
    psql(&other, "drop table results").await?;
    pipeline::until_condition(
        &client,
        namespace,
        sample::NAME,
        "DatabaseMigrated",
        "True",
        START,
    )
    .await?;
    Ok(())
}

fn password(url: &str) -> String {
    let authority = url.split('@').next().unwrap_or_default();
    authority.rsplit(':').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_object_of_somebody_else_with_a_childs_name_is_left_alone_and_named() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let namespace = TestNamespace::create(&client, "taken").await?;
    let services = children::api(&client, &namespace.name, Kind::Service);
    let mut theirs = DynamicObject::new("taken-api", &Kind::Service.resource())
        .data(json!({ "spec": { "ports": [{ "port": 1 }] } }));
    // As Helm labels what a release of that name has.
    let labels = [("instance", "taken"), ("managed-by", "Helm")];
    theirs
        .labels_mut()
        .extend(labels.map(|(key, value)| (format!("app.kubernetes.io/{key}"), value.to_owned())));
    services.create(&Default::default(), &theirs).await?;
    let spec = json!({ "worker": { "podTemplate": sample::nowhere() } });
    pipeline::apply(&client, &namespace.name, "taken", &spec).await?;
    let taken = unready(&client, &namespace.name, "taken", "NameTaken").await?;
    says(&taken, &["Service 'taken-api'", "delete it"])?;
    assert_eq!(
        services.get("taken-api").await?.data["spec"]["ports"][0]["port"],
        1
    );
    Ok(())
}
