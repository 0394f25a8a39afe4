//! Workers that die or are replaced in the middle of jobs: every job ends, once.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use extraction_tests::cluster::{self, kubectl};
use extraction_tests::documents::{self, Document};
use extraction_tests::jobs::Running;
use extraction_tests::{program, release, sample, wait};
use kube::ResourceExt;
use serde_json::Value;

/// Time to read the scans of one test on a crowded node, with one worker dead on the way.
const READING: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_worker_killed_in_mid_job_leaves_a_job_that_another_finishes_once() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let running = Running::start("killed").await?;
    let photos = [
        Document::read("invoice/american-photo.jpg")?,
        Document::read("invoice/two-pages-fax.tiff")?,
    ];
    let mut jobs = Vec::new();
    for photo in photos.iter().cycle().take(24) {
        let kind = &photo.expected.document_type;
        let bytes = photo.bytes.clone();
        jobs.push(running.api.accepted(&photo.name, bytes, kind).await?);
    }
    let victims = kill_in_mid_job(&running, &jobs).await?;
    let ended = running.ended(&jobs, READING).await?;
    for job in &ended {
        let id = job["id"].as_str().unwrap_or_default();
        let ended_well = job["state"] == "succeeded" || job["state"] == "needs_review";
        ensure!(ended_well, "{job}");
        let least = if victims.iter().any(|victim| victim == id) {
            2
        } else {
            1
        };
        ensure!(job["attempts"].as_i64() >= Some(least), "{job}");
    }
    running.until_no_message(Duration::from_secs(120)).await?;
    ensure!(running.messages("-dlq").await? == 0, "dead letters");
    // The log of the new container; the killed one did not end those jobs.
    let logs = running.logs("worker").await?;
    for victim in &victims {
        let ends = ends(&logs).get(victim).copied().unwrap_or_default();
        ensure!(ends == 1, "{victim} ended {ends} times");
    }
    // Nothing was written after the end.
    ensure!(running.ended(&jobs, READING).await? == ended);
    Ok(())
}

/// Kills the worker with SIGKILL while it works; gives the jobs that it had in hand.
async fn kill_in_mid_job(running: &Running, jobs: &[String]) -> Result<Vec<String>> {
    let victims = wait::poll("a job dies with its worker", READING, || async {
        let before = in_hand(running).await?;
        if before.is_empty() {
            return Ok(None);
        }
        for pod in running.pods("worker").await? {
            let status = pod.status.unwrap_or_default();
            for container in status.container_statuses.into_iter().flatten() {
                let id = container.container_id.unwrap_or_default();
                let id = id.trim_start_matches("containerd://");
                if !id.is_empty() {
                    kill(id).await?;
                }
            }
        }
        let after = in_hand(running).await?;
        let same = before.iter().filter(|(id, at)| after.get(*id) == Some(*at));
        let victims: Vec<_> = same.map(|(id, _)| id.clone()).collect();
        Ok((!victims.is_empty()).then_some(victims))
    })
    .await?;
    ensure!(victims.iter().all(|victim| jobs.contains(victim)));
    Ok(victims)
}

/// SIGKILL to every process of a container. Deleting its pod would give it a second to end by itself.
async fn kill(container: &str) -> Result<()> {
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let pid = entry.file_name().to_string_lossy().into_owned();
        let is_process = pid.bytes().all(|byte| byte.is_ascii_digit());
        // A process may end before its turn comes.
        let cgroup = std::fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
        if is_process && cgroup.contains(container) {
            let _is_dead_already = program::run("kill", &["-KILL", &pid]).await;
        }
    }
    Ok(())
}

/// The jobs that a worker has in hand, with the time it took them.
async fn in_hand(running: &Running) -> Result<BTreeMap<String, String>> {
    let request = running.api.get("/api/v1/jobs?state=processing");
    let page: Value = request.send().await?.error_for_status()?.json().await?;
    let text = |job: &Value, name: &str| job[name].as_str().unwrap_or_default().to_owned();
    let jobs = page["jobs"].as_array().context("no jobs")?.iter();
    Ok(jobs
        .map(|job| (text(job, "id"), text(job, "started_at")))
        .collect())
}

#[tokio::test]
async fn a_rollout_in_the_middle_of_jobs_fails_none_and_no_log_tells_a_secret() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let running = Running::start("rollout").await?;
    let namespace = running.name().to_owned();
    let mut documents = documents::all()?;
    documents.truncate(12);
    let mut jobs = Vec::new();
    for document in &documents {
        let kind = &document.expected.document_type;
        let bytes = document.bytes.clone();
        jobs.push(running.api.accepted(&document.name, bytes, kind).await?);
    }
    wait::poll("a worker has a job in hand", READING, || async {
        Ok((!in_hand(&running).await?.is_empty()).then_some(()))
    })
    .await?;
    let mut old_logs = Vec::new();
    for pod in running.pods("worker").await? {
        let (name, namespace) = (pod.name_any(), namespace.clone());
        old_logs.push(tokio::spawn(async move {
            kubectl(&["logs", "--follow", "--namespace", &namespace, &name]).await
        }));
    }
    let worker = format!("deployment/{}-worker", sample::NAME);
    kubectl(&["rollout", "restart", "--namespace", &namespace, &worker]).await?;
    let mut logs = String::new();
    for old in old_logs {
        logs += &old.await??;
        logs.push('\n');
    }
    let ended = running.ended(&jobs, READING).await?;
    logs += &running.logs("worker").await?;
    let ends = ends(&logs);
    for (job, id) in ended.iter().zip(&jobs) {
        let ended_well = job["state"] == "succeeded" || job["state"] == "needs_review";
        ensure!(ended_well && job["attempts"] == 1, "{job}");
        ensure!(
            ends.get(id) == Some(&1),
            "{id} ended {:?} times",
            ends.get(id)
        );
    }
    logs += &running.logs("api").await?;
    let operator = format!("deployment/{}", release::NAME);
    let of_operator = ["logs", "--all-pods", "--namespace", release::NAMESPACE];
    logs += &kubectl(&[&of_operator[..], &[&operator]].concat()).await?;
    tells_no_secret(&logs, &running, &documents)
}

fn tells_no_secret(logs: &str, running: &Running, documents: &[Document]) -> Result<()> {
    ensure!(logs.lines().count() > 50, "hardly any logs");
    let url = &running.sample.database_url;
    let password = url.split([':', '@']).nth(2).context("no password")?;
    ensure!(password.len() >= 8, "no password in the URL");
    ensure!(
        !logs.contains(password),
        "the database's password is logged"
    );
    ensure!(!logs.contains(&running.api.key), "the admin key is logged");
    for document in documents {
        let Some(vendor) = document.expected.fields.get("vendor_name") else {
            continue;
        };
        ensure!(!logs.contains(vendor.as_str()), "{vendor} is logged");
    }
    Ok(())
}

/// How often the logs say of a job that it ended well, by its id.
fn ends(logs: &str) -> BTreeMap<String, u32> {
    let mut ends = BTreeMap::new();
    for line in logs.lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let text = line.to_string();
        if text.contains("\"job succeeded\"") || text.contains("\"job needs_review\"") {
            let id = job_id(&line).unwrap_or_default();
            *ends.entry(id).or_default() += 1;
        }
    }
    ends
}

/// The member `job_id`, wherever the log keeps it.
fn job_id(line: &Value) -> Option<String> {
    match line {
        Value::Object(members) => match members.get("job_id") {
            Some(Value::String(id)) => Some(id.clone()),
            _ => members.values().find_map(job_id),
        },
        Value::Array(all) => all.iter().find_map(job_id),
        _ => None,
    }
}
