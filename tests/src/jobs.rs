//! A pipeline on a queue, a bucket and a database of its own that takes documents, and what surrounds its jobs:
//! messages in the queue, logs, pods, services that are stopped.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use reqwest::header::RETRY_AFTER;
use reqwest::multipart::{Form, Part};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::cluster::kubectl;
use crate::documents::Document;
use crate::http::PipelineApi;
use crate::program::run;
use crate::sample::{self, Sample};
use crate::{pipeline, sqs, wait};

/// Time for a pipeline on a busy node to become ready.
const START: Duration = Duration::from_secs(180);

/// A pipeline that is ready, and its API.
pub struct Running {
    /// Where it lives and what it uses.
    pub sample: Sample,
    /// Its API, with the admin key.
    pub api: PipelineApi,
    /// Of the cluster.
    pub client: Client,
}

impl Running {
    /// Applies the sample in a namespace of its own, and waits until it is ready.
    pub async fn start(prefix: &str) -> Result<Self> {
        let client = crate::cluster::client().await?;
        let sample = Sample::prepare(&client, prefix).await?;
        let namespace = &sample.namespace.name;
        pipeline::apply(&client, namespace, sample::NAME, &sample.spec()?).await?;
        pipeline::until_condition(&client, namespace, sample::NAME, "Ready", "True", START).await?;
        let api = PipelineApi::of(&client, namespace, sample::NAME, "local-api").await?;
        Ok(Self {
            sample,
            api,
            client,
        })
    }

    /// Its namespace, which is also the name of its queue, bucket and database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.sample.namespace.name
    }

    /// Waits for a condition of the pipeline.
    pub async fn until(
        &self,
        kind: &str,
        status: &str,
        within: Duration,
    ) -> Result<pipeline::Condition> {
        pipeline::until_condition(
            &self.client,
            self.name(),
            sample::NAME,
            kind,
            status,
            within,
        )
        .await
    }

    /// Waits until all jobs have ended; gives their JSON in the same order.
    pub async fn ended(&self, jobs: &[String], within: Duration) -> Result<Vec<Value>> {
        let waits = jobs.iter().map(|id| self.api.ended(id, within));
        futures::future::try_join_all(waits).await
    }

    /// Every job that the API lists, newest first.
    pub async fn all_jobs(&self) -> Result<Vec<Value>> {
        let (mut jobs, mut after) = (Vec::new(), String::new());
        loop {
            let request = self.api.get(&format!("/api/v1/jobs?limit=200{after}"));
            let page: Value = request.send().await?.error_for_status()?.json().await?;
            jobs.extend(page["jobs"].as_array().context("no jobs")?.iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(jobs),
            }
        }
    }

    /// The pods of `api` or `worker` that are not on their way out.
    pub async fn pods(&self, component: &str) -> Result<Vec<Pod>> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), self.name());
        let prefix = format!("{}-{component}-", sample::NAME);
        let mut found = pods.list(&ListParams::default()).await?.items;
        found.retain(|pod| {
            pod.name_any().starts_with(&prefix) && pod.metadata.deletion_timestamp.is_none()
        });
        Ok(found)
    }

    /// What all pods of a component have logged.
    pub async fn logs(&self, component: &str) -> Result<String> {
        let mut text = String::new();
        for pod in self.pods(component).await? {
            text += &kubectl(&["logs", "--namespace", self.name(), &pod.name_any()]).await?;
            text.push('\n');
        }
        Ok(text)
    }

    /// How many messages a queue holds, visible or in somebody's hand. `suffix` is empty or `-dlq`.
    pub async fn messages(&self, suffix: &str) -> Result<u64> {
        let url = sqs::queue_url(&format!("{}{suffix}", self.name())).await?;
        let answer = sqs::call(
            "GetQueueAttributes",
            &json!({ "QueueUrl": url, "AttributeNames": ["All"] }),
        )
        .await?;
        let count = |name: &str| -> Result<u64> {
            let text = answer["Attributes"][name].as_str();
            Ok(text.with_context(|| format!("no {name}"))?.parse()?)
        };
        Ok(count("ApproximateNumberOfMessages")? + count("ApproximateNumberOfMessagesNotVisible")?)
    }

    /// Waits until the queue is empty.
    pub async fn until_no_message(&self, within: Duration) -> Result<()> {
        wait::poll("the queue is empty", within, || async {
            Ok((self.messages("").await? == 0).then_some(()))
        })
        .await
    }

    /// Puts a text into the queue as a message.
    pub async fn send_message(&self, body: &str) -> Result<()> {
        let url = sqs::queue_url(self.name()).await?;
        sqs::call(
            "SendMessage",
            &json!({ "QueueUrl": url, "MessageBody": body }),
        )
        .await?;
        Ok(())
    }
}

/// How a patient client fared with one document.
#[derive(Debug)]
pub struct Accepted {
    /// The job.
    pub job_id: String,
    /// How often it was asked to come back later.
    pub refused: u32,
}

/// Submits as a careful client does: with an `Idempotency-Key`, again when told when, again when cut off.
pub async fn submit_patiently(
    api: &PipelineApi,
    document: &Document,
    key: &str,
) -> Result<Accepted> {
    let mut refused = 0;
    loop {
        let form = Form::new()
            .text("document_type", document.expected.document_type.clone())
            .part("file", part(document));
        let request = api.post("/api/v1/documents").header("Idempotency-Key", key);
        let pause = match request.multipart(form).send().await {
            Ok(answer) if answer.status() == StatusCode::ACCEPTED => {
                let answer: Value = answer.json().await?;
                let job_id = answer["job_id"].as_str().context("no job id")?.to_owned();
                return Ok(Accepted { job_id, refused });
            }
            Ok(answer) => {
                refused += 1;
                ensure_problem(answer, 503, "dependency-unavailable")
                    .await?
                    .retry_after
                    .context("a 503 without Retry-After")?
            }
            Err(_) => Duration::from_secs(1),
        };
        tokio::time::sleep(pause).await;
    }
}

/// A document as a part of a form.
#[must_use]
pub fn part(document: &Document) -> Part {
    Part::bytes(document.bytes.clone()).file_name(document.name.clone())
}

/// Submits by a signed PUT straight to the storage. Its host is known to pods only, so it is given here.
pub async fn submit_by_link(api: &PipelineApi, document: &Document) -> Result<String> {
    let new = json!({
        "file_name": document.name, "content_type": document.content_type,
        "size_bytes": document.bytes.len(), "document_type": document.expected.document_type,
    });
    let answer = api.post("/api/v1/uploads").json(&new).send().await?;
    let upload: Value = answer.error_for_status()?.json().await?;
    let node: SocketAddr = format!("{}:4566", setting("EXTRACTION_TEST_NODE_IP")?).parse()?;
    let storage = reqwest::Client::builder().resolve("aws", node).no_proxy();
    let url = upload["url"].as_str().context("no url")?;
    let mut put = storage.build()?.put(url).body(document.bytes.clone());
    for (name, value) in upload["headers"].as_object().context("no headers")? {
        put = put.header(name, value.as_str().context("a header")?);
    }
    put.send().await?.error_for_status()?;
    let id = upload["id"].as_str().context("no id")?;
    let complete = api.post(&format!("/api/v1/uploads/{id}/complete"));
    let accepted: Value = complete.send().await?.error_for_status()?.json().await?;
    Ok(accepted["job_id"].as_str().context("no job id")?.to_owned())
}

/// What an error answer says.
#[derive(Debug)]
pub struct Problem {
    /// Its JSON.
    pub body: Value,
    /// When to come again.
    pub retry_after: Option<Duration>,
}

/// Checks that an answer is problem+json with that status and kind.
pub async fn ensure_problem(answer: Response, status: u16, kind: &str) -> Result<Problem> {
    let (found, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await?;
    ensure!(found == status, "{found} instead of {status}: {text}");
    let media = headers.get("content-type").map(|value| value.as_bytes());
    ensure!(
        media == Some(b"application/problem+json"),
        "not problem+json: {headers:?}: {text}"
    );
    let body: Value = serde_json::from_str(&text)?;
    let wanted = format!("https://extraction.dev/problems/{kind}");
    ensure!(
        body["type"] == wanted.as_str() && body["status"] == status,
        "not {kind}: {body}"
    );
    let seconds = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    Ok(Problem {
        body,
        retry_after: seconds.map(Duration::from_secs),
    })
}

/// Stops backing services of the cluster, as an outage would.
pub async fn stop_service(name: &str) -> Result<()> {
    run("tests/cluster/services/stop", &[name]).await?;
    Ok(())
}

/// Starts backing services and waits until they work; those that run are left as they are.
pub async fn start_service(name: &str) -> Result<()> {
    run("tests/cluster/services/start", &[name]).await?;
    Ok(())
}

/// A variable of `tests/cluster/cluster env`.
pub fn setting(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| {
        format!("{name} is not set; `tests/run cluster` starts the services and sets it")
    })
}
