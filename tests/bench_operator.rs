//! Figures of the operator, which runs here as a process beside the cluster while the installed one is stopped.
//! No node takes the pipelines' pods: what is measured is the operator's part and the API server's.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use extraction_tests::cluster::{self, TestNamespace};
use extraction_tests::figures::{Figure, record, table};
use extraction_tests::{children, pipeline, program, release, sample, wait};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use serde_json::json;
use tokio::process::{Child, Command};

const FIGURES: &str = "operator";
const ADDRESS: &str = "127.0.0.1:18088";
const PIPELINES: usize = 100;
const PATIENCE: Duration = Duration::from_secs(300);
const MINUTE: Duration = Duration::from_secs(60);
const UNLIMITED: f64 = f64::INFINITY;

/// The operator as a process.
struct Operator(Child);

impl Operator {
    async fn start(namespace: &str) -> Result<Self> {
        let log = std::fs::File::create(figures().with_extension("log"))?;
        let child = Command::new(executable()?)
            .args(["run", "--namespace", namespace, "--listen-address", ADDRESS])
            .env("KUBECONFIG", cluster::kubeconfig()?)
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("the operator cannot be started")?;
        let operator = Self(child);
        wait::poll("the operator leads", PATIENCE, || async {
            let series = series().await?;
            Ok((series.get("extraction_operator_leader") == Some(&1.0)).then_some(()))
        })
        .await?;
        Ok(operator)
    }

    /// Memory that is neither shared nor swapped out, in MiB.
    fn resident_mib(&self) -> Result<f64> {
        let id = self.0.id().context("the operator has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.context("no VmRSS")?.parse::<f64>()? / 1024.0)
    }
}

/// Built together with this program.
fn executable() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let folder = here.parent().and_then(Path::parent);
    Ok(folder.context("no folder")?.join("extraction-operator"))
}

fn figures() -> PathBuf {
    program::repository().join(format!("target/figures/{FIGURES}.jsonl"))
}

/// What `/metrics` says, by series.
async fn series() -> Result<BTreeMap<String, f64>> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let page = http.get(format!("http://{ADDRESS}/metrics")).send().await?;
    let text = page.error_for_status()?.text().await?;
    let values = text.lines().filter(|line| !line.starts_with('#'));
    let values = values.filter_map(|line| line.rsplit_once(' '));
    let parsed = values.map(|(series, value)| Ok((series.to_owned(), value.parse()?)));
    parsed.collect()
}

/// Writes so far, renewals of the Lease left out.
async fn writes() -> Result<f64> {
    let all = series().await?;
    let writes = all.iter().filter(|(series, _)| {
        series.starts_with("extraction_operator_writes_total") && !series.contains("\"leases\"")
    });
    Ok(writes.map(|(_, count)| count).sum())
}

/// Below which share `share` of a histogram lies, in seconds, as Prometheus works it out.
fn quantile(series: &BTreeMap<String, f64>, name: &str, share: f64) -> Result<f64> {
    let prefix = format!("{name}_bucket{{le=\"");
    let mut buckets: Vec<(f64, f64)> = series
        .iter()
        .filter_map(|(series, count)| {
            let end = series.strip_prefix(&prefix)?.strip_suffix("\"}")?;
            Some((end.parse().ok()?, *count))
        })
        .collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (_, all) = *buckets.last().with_context(|| format!("no {name}"))?;
    let rank = share * all;
    let (mut start, mut below) = (0.0, 0.0);
    for (end, count) in buckets {
        if count >= rank && end.is_finite() {
            return Ok(start + (end - start) * (rank - below) / (count - below).max(1.0));
        }
        (start, below) = (end, count);
    }
    Ok(f64::INFINITY)
}

fn tell(name: &str, value: f64, unit: &str, at_most: f64, note: &str) -> Result<()> {
    let figure = Figure {
        name,
        value,
        unit,
        at_most,
        note,
    };
    record(FIGURES, &figure)
}

/// Where pipelines are made, and how one is known to be complete.
struct Bench {
    client: Client,
    namespace: TestNamespace,
}

impl Bench {
    async fn prepare() -> Result<Self> {
        let client = cluster::client().await?;
        let namespace = TestNamespace::create(&client, "bench").await?;
        sample::create_silent_database(&client, &namespace.name).await?;
        Ok(Self { client, namespace })
    }

    /// Makes a pipeline on services, whose status says that its database is migrated, and waits for its last child.
    async fn make(&self, number: usize) -> Result<Duration> {
        let name = format!("p{number}");
        let namespace = &self.namespace.name;
        let spec = json!({
            "aws": { "region": "eu-west-1" }, "queue": { "name": name },
            "storage": { "bucket": format!("{name}-documents") },
            "database": { "urlSecretRef": { "name": "db", "key": "url" } },
            "api": { "podTemplate": sample::nowhere(), "ingress": { "host": format!("{name}.localhost") } },
            "worker": { "podTemplate": sample::nowhere() },
        });
        let begun = Instant::now();
        pipeline::apply_migrated(&self.client, namespace, &name, &spec).await?;
        let last: Api<PodDisruptionBudget> = Api::namespaced(self.client.clone(), namespace);
        let budget = format!("{name}-worker");
        wait::present(last, &budget, "the last child is made", PATIENCE, |_| true).await?;
        Ok(begun.elapsed())
    }

    /// Waits until the operator wrote nothing for ten seconds.
    async fn rest(&self) -> Result<()> {
        let (mut before, mut since) = (writes().await?, Instant::now());
        let deadline = Instant::now() + PATIENCE;
        while since.elapsed() < Duration::from_secs(10) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = writes().await?;
            if now != before {
                (before, since) = (now, Instant::now());
            }
            ensure!(Instant::now() < deadline, "it does not come to rest");
        }
        Ok(())
    }

    /// Children of each pipeline, all of them the same number.
    async fn children(&self) -> Result<usize> {
        let first = children::of(&self.client, &self.namespace.name, "p0").await?;
        let budgets: Api<PodDisruptionBudget> =
            Api::namespaced(self.client.clone(), &self.namespace.name);
        let found = budgets.list_metadata(&ListParams::default()).await?;
        let of_first = |kind: &str| {
            first
                .iter()
                .filter(|(k, _)| format!("{k:?}") == kind)
                .count()
        };
        ensure!(
            found.items.len() == PIPELINES * of_first("PodDisruptionBudget"),
            "not every pipeline is complete: {:?}",
            found
                .items
                .iter()
                .map(ResourceExt::name_any)
                .collect::<Vec<_>>()
        );
        Ok(first.len())
    }
}

async fn measure() -> Result<()> {
    let bench = Bench::prepare().await?;
    let operator = Operator::start(&bench.namespace.name).await?;
    let alone = bench.make(0).await?.as_secs_f64();
    bench.rest().await?;
    tell(
        "resident memory at rest, 1 pipeline",
        operator.resident_mib()?,
        "MiB",
        25.0,
        "",
    )?;
    tell(
        "apply to all children, 1 pipeline, nothing else going on",
        alone,
        "s",
        UNLIMITED,
        "",
    )?;

    let begun = Instant::now();
    let times: Vec<Duration> = stream::iter((1..PIPELINES).map(|number| bench.make(number)))
        .buffer_unordered(PIPELINES)
        .try_collect()
        .await?;
    let all = begun.elapsed().as_secs_f64();
    let slowest = times
        .iter()
        .max()
        .copied()
        .unwrap_or_default()
        .as_secs_f64();
    bench.rest().await?;
    let note = format!(
        "{} children each, generated Secrets apart",
        bench.children().await?
    );
    tell(
        "apply to all children, 99 pipelines at once, the last of them",
        slowest,
        "s",
        UNLIMITED,
        &note,
    )?;
    tell(
        "pipelines made per second",
        99.0 / all,
        "1/s",
        UNLIMITED,
        &note,
    )?;
    let begun = writes().await?;
    tokio::time::sleep(MINUTE).await;
    tell(
        "writes at rest in 60 s, 100 pipelines",
        writes().await? - begun,
        "count",
        0.0,
        "the Lease apart",
    )?;
    tell(
        "resident memory at rest, 100 pipelines",
        operator.resident_mib()?,
        "MiB",
        35.0,
        "",
    )?;

    let series = series().await?;
    let own = "extraction_operator_reconcile_own_seconds";
    let whole = "extraction_operator_reconcile_duration_seconds";
    let note = "of all reconciles above";
    for (name, metric, share, at_most) in [
        ("reconcile, own time, p50", own, 0.5, UNLIMITED),
        ("reconcile, own time, p99", own, 0.99, 100.0),
        (
            "reconcile with the API server's time, p50",
            whole,
            0.5,
            UNLIMITED,
        ),
        (
            "reconcile with the API server's time, p99",
            whole,
            0.99,
            UNLIMITED,
        ),
    ] {
        let milliseconds = quantile(&series, metric, share)? * 1000.0;
        tell(name, milliseconds, "ms", at_most, note)?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    match std::fs::remove_file(figures()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => std::fs::create_dir_all(program::repository().join("target/figures"))?,
    }
    // Also on a cluster that knows nothing of us yet.
    let crds = program::repository().join("crds");
    if cluster::kubectl(&["get", "crd", "extractionpipelines.extraction.dev"])
        .await
        .is_err()
    {
        let path = crds.join("extractionpipelines.extraction.dev.yaml");
        cluster::apply(&std::fs::read_to_string(path)?).await?;
    }
    let installed = release::Stopped::now(&cluster::client().await?).await?;
    let measured = measure().await;
    installed.start().await?;
    measured?;
    Ok(std::io::stdout().write_all(table(FIGURES)?.as_bytes())?)
}
