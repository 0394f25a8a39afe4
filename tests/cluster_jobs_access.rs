//! Who may call the API, how much at once, and how it says no.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use extraction_tests::documents::Document;
use extraction_tests::jobs::{Running, ensure_problem};
use extraction_tests::{cluster, release};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than a replica remembers a key.
const FORGOTTEN: Duration = Duration::from_secs(15);

#[tokio::test]
async fn only_holders_of_a_key_with_the_scope_are_served_and_not_too_much_at_once() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let running = Running::start("access").await?;
    let http = Client::builder().no_proxy().build()?;
    everything_but_health_and_documentation_needs_a_key(&running, &http).await?;
    a_key_does_what_its_scopes_say_until_it_is_revoked(&running, &http).await?;
    a_body_over_the_limit_is_refused(&running).await?;
    // The last one, as it uses up what this machine may ask without a key.
    too_many_requests_are_refused(&running, &http).await
}

async fn everything_but_health_and_documentation_needs_a_key(
    running: &Running,
    http: &Client,
) -> Result<()> {
    let base = &running.api.base;
    let answer = http.get(format!("{base}/openapi.json")).send().await?;
    let described: Value = answer.error_for_status()?.json().await?;
    let (mut open, mut closed) = (Vec::new(), 0);
    for (path, methods) in described["paths"].as_object().context("no paths")? {
        for method in methods.as_object().context("no methods")?.keys() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else {
                continue;
            };
            let title = format!("{method} {path}");
            let path = path.replace("{id}", "019a0000-0000-7000-8000-000000000001");
            let answer = http.request(method, format!("{base}{path}")).send().await?;
            match answer.status().as_u16() {
                200 => open.push(title),
                403 => {
                    ensure!(title.starts_with("PUT /api/v1/uploads/"), "{title}");
                    ensure_problem(answer, 403, "link-refused").await?;
                }
                _ => {
                    closed += 1;
                    let checked = ensure_problem(answer, 401, "unauthenticated").await;
                    checked.context(title)?;
                }
            }
        }
    }
    ensure!(closed >= 10, "only {closed} routes need a key");
    for title in &open {
        let allowed = ["/health", "/docs", "/openapi.json"];
        ensure!(
            allowed.iter().any(|end| title.ends_with(end)) || title.contains("/health/"),
            "{title} is open"
        );
    }
    let wrong = running.api.anonymous("/api/v1/jobs").bearer_auth("xk_no");
    ensure_problem(wrong.send().await?, 401, "unauthenticated").await?;
    Ok(())
}

async fn a_key_does_what_its_scopes_say_until_it_is_revoked(
    running: &Running,
    http: &Client,
) -> Result<()> {
    let api = &running.api;
    let new = json!({ "name": "reader", "scopes": ["jobs:read"] });
    let made = api.post("/api/v1/keys").json(&new).send().await?;
    let made: Value = made.error_for_status()?.json().await?;
    let (id, key) = (
        made["id"].as_str().context("no id")?,
        made["key"].as_str().context("no key")?,
    );
    let mut reader = api.clone();
    reader.key = key.to_owned();
    let list = || reader.get("/api/v1/jobs").send();
    ensure!(list().await?.status().is_success());
    let good = Document::read("invoice/british-text.pdf")?;
    let write = reader.submit(&good.name, good.bytes, "Invoice").await?;
    ensure_problem(write, 403, "missing-scope").await?;
    let more = reader.post("/api/v1/keys").json(&new).send().await?;
    ensure_problem(more, 403, "missing-scope").await?;
    let revoke = http.delete(format!("{}/api/v1/keys/{id}", api.base));
    let revoked = revoke.bearer_auth(&api.key).send().await?;
    revoked.error_for_status()?;
    extraction_tests::wait::poll("a revoked key is refused", FORGOTTEN, || async {
        Ok((list().await?.status() == 401).then_some(()))
    })
    .await?;
    ensure_problem(list().await?, 401, "unauthenticated").await?;
    Ok(())
}

async fn a_body_over_the_limit_is_refused(running: &Running) -> Result<()> {
    let api = &running.api;
    let long = json!({ "name": "x".repeat(100_000), "scopes": [] });
    let answer = api.post("/api/v1/keys").json(&long).send().await?;
    ensure_problem(answer, 413, "file-too-large").await?;
    // Only announced: the size alone is enough.
    let host = api.base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await?;
    let head = format!(
        "POST /api/v1/documents HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 40000000\r\nConnection: close\r\n\r\n",
        api.key
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = vec![0; 4096];
    let mut length = 0;
    let read = async {
        while !String::from_utf8_lossy(&answer[..length]).contains("file-too-large") {
            match stream.read(&mut answer[length..]).await? {
                0 => break,
                count => length += count,
            }
        }
        Ok::<_, anyhow::Error>(String::from_utf8_lossy(&answer[..length]).into_owned())
    };
    let answer = tokio::time::timeout(Duration::from_secs(20), read).await??;
    ensure!(
        answer.starts_with("HTTP/1.1 413 ")
            && answer.contains("application/problem+json")
            && answer.contains("file-too-large"),
        "{answer}"
    );
    Ok(())
}

async fn too_many_requests_are_refused(running: &Running, http: &Client) -> Result<()> {
    let url = format!("{}/api/v1/jobs", running.api.base);
    for _ in 0..150 {
        let answer = http.get(&url).send().await?;
        if answer.status() != 429 {
            ensure_problem(answer, 401, "unauthenticated").await?;
            continue;
        }
        let problem = ensure_problem(answer, 429, "too-many-requests").await?;
        ensure!(problem.retry_after.is_some(), "429 without Retry-After");
        // Whoever has a key is not held up by those who have none.
        let served = running.api.get("/api/v1/jobs").send().await?;
        ensure!(served.status().is_success());
        return Ok(());
    }
    anyhow::bail!("150 requests without a key were all heard");
}
