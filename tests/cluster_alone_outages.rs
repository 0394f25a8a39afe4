//! The services that a pipeline stands on go away or refuse it: nothing accepted is lost, and the conditions say what
//! is wrong and what to mend.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use extraction_tests::documents::Document;
use extraction_tests::jobs::{
    Accepted, Running, ensure_problem, setting, start_service, stop_service, submit_patiently,
};
use extraction_tests::{cluster, release, wait};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long a service is away.
const OUTAGE: Duration = Duration::from_secs(20);
/// Until an outage or its end shows in the conditions: calls with their time limits, and two rounds of the operator.
const TOLD: Duration = Duration::from_secs(60);
/// Until the API accepts again what it refused: the pause it asks for, and a new connection.
const BACK: Duration = Duration::from_secs(30);
/// Until everything accepted has ended.
const DRAINED: Duration = Duration::from_secs(420);

#[tokio::test]
async fn nothing_accepted_is_lost_while_the_database_is_away() -> Result<()> {
    nothing_is_lost_without("postgresql", "DatabaseReachable", Some("database")).await
}

#[tokio::test]
async fn nothing_accepted_is_lost_while_the_queue_is_away() -> Result<()> {
    nothing_is_lost_without("sqs", "QueueReachable", None).await
}

#[tokio::test]
async fn nothing_accepted_is_lost_while_the_storage_is_away() -> Result<()> {
    nothing_is_lost_without("s3", "StorageReachable", Some("storage")).await
}

/// `refused` is how the API calls the service without which it accepts nothing.
async fn nothing_is_lost_without(service: &str, kind: &str, refused: Option<&str>) -> Result<()> {
    let _alone = cluster::alone().await;
    release::installed().await?;
    let running = Running::start(&format!("without-{service}")).await?;
    running.until(kind, "True", TOLD).await?;
    let mut load = Load::start(&running)?;
    load.until_accepted(3, TOLD).await?;
    wait::poll("a job has ended under load", TOLD, || async {
        let jobs = running.all_jobs().await?;
        Ok(jobs
            .iter()
            .any(|job| job["state"] == "succeeded")
            .then_some(()))
    })
    .await?;

    let began = Instant::now();
    stop_service(service).await?;
    let seen = during_the_outage(&running, kind, refused).await;
    tokio::time::sleep_until(began + OUTAGE).await;
    // Whatever was seen, the other tests need the service.
    start_service(service).await?;
    seen?;
    // Clients come back as soon as they were told to.
    load.until_accepted(2, BACK).await?;
    running.until(kind, "True", TOLD).await?;
    running.until("Ready", "True", TOLD).await?;

    let accepted = load.stop().await?;
    let was_refused = accepted.iter().any(|one| one.refused > 0);
    ensure!(refused.is_none() || was_refused, "nobody was refused");
    let jobs: Vec<_> = accepted.into_iter().map(|one| one.job_id).collect();
    for job in running.ended(&jobs, DRAINED).await? {
        ensure!(job["state"] == "succeeded", "{job}");
    }
    let known = running.all_jobs().await?.len();
    ensure!(
        known == jobs.len(),
        "{} accepted, {known} known: an Idempotency-Key made two jobs",
        jobs.len()
    );
    running.until_no_message(DRAINED).await?;
    ensure!(running.messages("-dlq").await? == 0, "dead letters");
    Ok(())
}

async fn during_the_outage(running: &Running, kind: &str, refused: Option<&str>) -> Result<()> {
    let told = running.until(kind, "False", TOLD).await?;
    ensure!(
        !told.reason.is_empty() && told.reason != "Reachable" && !told.message.is_empty(),
        "{told:?}"
    );
    let good = Document::read("invoice/british-text.pdf")?;
    let kind = &good.expected.document_type;
    let Some(refused) = refused else {
        return Ok(());
    };
    let answer = running
        .api
        .submit(&good.name, good.bytes.clone(), kind)
        .await?;
    let problem = ensure_problem(answer, 503, "dependency-unavailable").await?;
    ensure!(problem.retry_after.is_some(), "no Retry-After");
    let detail = problem.body["detail"].as_str().unwrap_or_default();
    ensure!(detail.contains(refused), "{detail}");
    Ok(())
}

/// A client that submits one document a second until it is stopped.
struct Load {
    is_over: Arc<AtomicBool>,
    count: watch::Receiver<usize>,
    task: JoinHandle<Result<Vec<Accepted>>>,
}

impl Load {
    fn start(running: &Running) -> Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (api, over, name) = (
            running.api.clone(),
            is_over.clone(),
            running.name().to_owned(),
        );
        let document = Document::read("invoice/british-text.pdf")?;
        let (counted, count) = watch::channel(0);
        let task = tokio::spawn(async move {
            let mut accepted = Vec::new();
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            while !over.load(Ordering::Relaxed) {
                seconds.tick().await;
                let key = format!("{name}-{}", accepted.len());
                accepted.push(submit_patiently(&api, &document, &key).await?);
                counted.send_replace(accepted.len());
            }
            Ok(accepted)
        });
        Ok(Self {
            is_over,
            count,
            task,
        })
    }

    /// Waits until so many more documents were accepted.
    async fn until_accepted(&mut self, more: usize, within: Duration) -> Result<()> {
        let wanted = *self.count.borrow() + more;
        let reached = self.count.wait_for(|count| *count >= wanted);
        let reached = tokio::time::timeout(within, reached).await;
        reached.with_context(|| format!("no {more} more accepted within {within:?}"))??;
        Ok(())
    }

    async fn stop(self) -> Result<Vec<Accepted>> {
        self.is_over.store(true, Ordering::Relaxed);
        tokio::time::timeout(TOLD, self.task).await??
    }
}

#[tokio::test]
async fn denied_actions_are_told_with_the_permission_that_is_missing() -> Result<()> {
    let _alone = cluster::alone().await;
    release::installed().await?;
    let running = Running::start("denied").await?;
    let good = Document::read("invoice/british-text.pdf")?;
    let denied = Denied::actions(&["sqs:SendMessage", "s3:PutObject"])?;
    let kind = &good.expected.document_type;
    let answer = running
        .api
        .submit(&good.name, good.bytes.clone(), kind)
        .await?;
    ensure_problem(answer, 503, "dependency-unavailable").await?;
    let storage = running.until("StorageReachable", "False", TOLD).await?;
    storage.names(&["AccessDenied"], "s3:PutObject")?;
    drop(denied);
    running.until("StorageReachable", "True", TOLD).await?;

    // To IAM both calls are one permission; the endpoint here tells them apart.
    let denied = Denied::actions(&["sqs:SendMessage", "sqs:SendMessageBatch"])?;
    let job = running
        .api
        .accepted(&good.name, good.bytes.clone(), kind)
        .await?;
    let queue = running.until("QueueReachable", "False", TOLD).await?;
    queue.names(&["AccessDenied"], "sqs:SendMessage")?;
    drop(denied);
    running.until("QueueReachable", "True", TOLD).await?;
    let job: Value = running.api.ended(&job, DRAINED).await?;
    ensure!(job["state"] == "succeeded", "{job}");
    Ok(())
}

/// Actions that the endpoint refuses, until this is dropped.
struct Denied(std::path::PathBuf);

impl Denied {
    fn actions(actions: &[&str]) -> Result<Self> {
        let state = setting("EXTRACTION_TEST_STATE")?;
        let path = Path::new(&state).join("denied-aws-actions");
        std::fs::write(&path, actions.join("\n") + "\n").context("denying actions")?;
        Ok(Self(path))
    }
}

impl Drop for Denied {
    fn drop(&mut self) {
        // A file that stays fails the tests after this one, which tell of it.
        let _ = std::fs::remove_file(&self.0);
    }
}
