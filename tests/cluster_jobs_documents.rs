//! Documents, good and bad, through the HTTP API to results; and messages that are none of ours.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use extraction_tests::documents::{self, Document};
use extraction_tests::jobs::{Running, ensure_problem, submit_by_link};
use extraction_tests::{cluster, release, wait};

/// Time to read the scans of one test on a crowded node.
const READING: Duration = Duration::from_secs(600);

#[tokio::test]
async fn twenty_mixed_documents_give_the_values_that_are_printed_on_them() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let running = Running::start("mixed").await?;
    let documents = documents::all()?;
    ensure!(
        documents.len() >= 20,
        "only {} documents there",
        documents.len()
    );
    let mut jobs = Vec::new();
    for (number, document) in documents.iter().enumerate() {
        jobs.push(if number % 2 == 0 {
            let kind = &document.expected.document_type;
            let bytes = document.bytes.clone();
            running.api.accepted(&document.name, bytes, kind).await?
        } else {
            submit_by_link(&running.api, document).await?
        });
    }
    let ended = running.ended(&jobs, READING).await?;
    let mut wrong = Vec::new();
    for ((document, job), id) in documents.iter().zip(&ended).zip(&jobs) {
        if job["state"] == "succeeded" || job["state"] == "needs_review" {
            wrong.extend(document.differences(&running.api.result(id).await?));
        } else {
            wrong.push(format!("{}: {job}", document.name));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn bad_documents_are_refused_or_fail_with_a_reason_and_the_worker_lives_on() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let running = Running::start("hostile").await?;
    let good = Document::read("invoice/german-text.pdf")?;
    let scan = Document::read("invoice/spanish-scan.png")?;
    let program = b"MZ\x90\0\x03\0\0\0\x04\0".to_vec();
    let markup = b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec();
    for (name, bytes, document_type, status, kind) in [
        ("empty.pdf", Vec::new(), "Invoice", 422, "empty-file"),
        ("program.pdf", program, "Invoice", 415, "unsupported-type"),
        ("picture.svg", markup, "Invoice", 415, "unsupported-type"),
        (
            "timetable.pdf",
            good.bytes.clone(),
            "Timetable",
            422,
            "unknown-document-type",
        ),
    ] {
        let answer = running.api.submit(name, bytes, document_type).await?;
        ensure_problem(answer, status, kind).await.context(name)?;
    }
    let mut jobs = Vec::new();
    let cases = [
        ("only-header.pdf", b"%PDF-1.7\n".to_vec(), "malformed"),
        ("cut.png", scan.bytes[..9000].to_vec(), "malformed"),
        (
            "pages.tiff",
            b"II*\0\xff\xff\xff\xff\xff\xff".to_vec(),
            "malformed",
        ),
        ("bomb.png", vast_png(), "too_many_pixels"),
    ];
    for (name, bytes, _) in &cases {
        let id = running.api.accepted(name, bytes.clone(), "Receipt").await?;
        jobs.push(id);
    }
    let last = running
        .api
        .accepted(&good.name, good.bytes.clone(), "Invoice")
        .await?;
    let ended = running.ended(&jobs, READING).await?;
    for ((name, _, reason), job) in cases.iter().zip(&ended) {
        ensure!(
            job["state"] == "failed" && job["reason"] == *reason && job["attempts"] == 1,
            "{name} was to fail at once as {reason}: {job}"
        );
    }
    running.ended(std::slice::from_ref(&last), READING).await?;
    let wrong = good.differences(&running.api.result(&last).await?);
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure_no_restart(&running).await
}

#[tokio::test]
async fn messages_that_are_none_of_ours_end_in_the_dead_letter_queue_and_jobs_go_on() -> Result<()>
{
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let running = Running::start("messages").await?;
    let unknown = r#"{"v":1,"job_id":"019a0000-0000-7000-8000-000000000001"}"#;
    let later = r#"{"v":99,"job_id":"019a0000-0000-7000-8000-000000000002"}"#;
    let odd = ["no json at all", "{\"v\":1}", "[[[[", unknown, later];
    for body in odd {
        running.send_message(body).await?;
    }
    let good = Document::read("invoice/british-text.pdf")?;
    let kind = &good.expected.document_type;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        let bytes = good.bytes.clone();
        jobs.push(running.api.accepted(&good.name, bytes, kind).await?);
    }
    for job in running.ended(&jobs, READING).await? {
        ensure!(job["state"] == "succeeded", "{job}");
    }
    let expectation = "the odd messages are in the dead-letter queue and the queue is empty";
    wait::poll(expectation, Duration::from_secs(240), || async {
        let (here, dead) = (running.messages("").await?, running.messages("-dlq").await?);
        Ok((here == 0 && dead == odd.len() as u64).then_some(()))
    })
    .await?;
    let logs = running.logs("worker").await?;
    for (why, messages) in [("there is no such job", 1), ("it is not one of ours", 4)] {
        let told = logs.matches(why).count();
        ensure!(told == messages, "{why}: logged {told} times:\n{logs}");
    }
    ensure_no_restart(&running).await
}

async fn ensure_no_restart(running: &Running) -> Result<()> {
    for component in ["api", "worker"] {
        for pod in running.pods(component).await? {
            let status = pod.status.unwrap_or_default();
            for container in status.container_statuses.into_iter().flatten() {
                ensure!(container.restart_count == 0, "{component}: {container:?}");
            }
        }
    }
    Ok(())
}

/// A PNG whose header says 100000 x 100000 pixels, with no data.
fn vast_png() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let size = 100_000_u32.to_be_bytes();
    let header = [&size[..], &size, &[8, 2, 0, 0, 0]].concat();
    for (kind, data) in [
        (b"IHDR", header),
        (b"IDAT", Vec::new()),
        (b"IEND", Vec::new()),
    ] {
        let chunk = [&kind[..], &data].concat();
        png.extend((data.len() as u32).to_be_bytes());
        png.extend(&chunk);
        png.extend(crc32(&chunk).to_be_bytes());
    }
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    })
}
