//! The HTTP API of a pipeline as a client application calls it. The Service's cluster address is used, which
//! the machine of the local cluster reaches: it survives the death of any pod.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::{Secret, Service};
use kube::{Api, Client};
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;

/// A client with the pipeline's admin key.
#[derive(Clone)]
pub struct PipelineApi {
    /// `http://<address>:<port>`.
    pub base: String,
    /// The admin key.
    pub key: String,
    http: reqwest::Client,
}

impl PipelineApi {
    /// Finds the address in Service `<name>-api` (or `<name>-serve`) and the key in Secret `<name>-admin-key`.
    pub async fn of(client: &Client, namespace: &str, name: &str, service: &str) -> Result<Self> {
        let service = Api::<Service>::namespaced(client.clone(), namespace)
            .get(service)
            .await?;
        let spec = service.spec.context("the Service has no spec")?;
        let address = spec.cluster_ip.context("the Service has no address")?;
        let port = spec
            .ports
            .into_iter()
            .flatten()
            .next()
            .context("the Service has no port")?
            .port;
        let secret = Api::<Secret>::namespaced(client.clone(), namespace)
            .get(&format!("{name}-admin-key"))
            .await?;
        let key = secret
            .data
            .and_then(|mut data| data.remove(extraction_contract::secret_key::ADMIN_KEY))
            .context("the Secret has no admin key")?;
        Ok(Self {
            base: format!("http://{address}:{port}"),
            key: String::from_utf8(key.0)?.trim().to_owned(),
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(30))
                .no_proxy()
                .build()?,
        })
    }

    /// A request with the key.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http
            .get(format!("{}{path}", self.base))
            .bearer_auth(&self.key)
    }

    /// A request with the key.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.base))
            .bearer_auth(&self.key)
    }

    /// A request without any key.
    pub fn anonymous(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base))
    }

    /// Sends a document as multipart and gives the answer, whatever it is.
    pub async fn submit(
        &self,
        name: &str,
        bytes: Vec<u8>,
        document_type: &str,
    ) -> Result<Response> {
        let form = Form::new()
            .text("document_type", document_type.to_owned())
            .part("file", Part::bytes(bytes).file_name(name.to_owned()));
        Ok(self
            .post("/api/v1/documents")
            .multipart(form)
            .send()
            .await?)
    }

    /// Sends a document that must be accepted; gives the job's id.
    pub async fn accepted(
        &self,
        name: &str,
        bytes: Vec<u8>,
        document_type: &str,
    ) -> Result<String> {
        let response = self.submit(name, bytes, document_type).await?;
        let status = response.status();
        let text = response.text().await?;
        ensure!(
            status == StatusCode::ACCEPTED || status == StatusCode::CREATED,
            "{name}: {status}: {text}"
        );
        let answer: Value = serde_json::from_str(&text)?;
        let id = answer["job_id"].as_str().or(answer["id"].as_str());
        Ok(id
            .with_context(|| format!("no job id in {text}"))?
            .to_owned())
    }

    /// The job's JSON.
    pub async fn job(&self, id: &str) -> Result<Value> {
        Ok(self
            .get(&format!("/api/v1/jobs/{id}"))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?)
    }

    /// Waits until the job has ended, and gives its JSON.
    pub async fn ended(&self, id: &str, within: Duration) -> Result<Value> {
        let over = [
            "succeeded",
            "needs_review",
            "failed",
            "cancelled",
            "dead_lettered",
        ];
        crate::wait::poll(&format!("job {id} ends"), within, || async {
            let job = self.job(id).await?;
            let state = job["state"].as_str().unwrap_or_default();
            Ok(over.contains(&state).then_some(job))
        })
        .await
    }

    /// The result of a job that ended well.
    pub async fn result(&self, id: &str) -> Result<Value> {
        Ok(self
            .get(&format!("/api/v1/jobs/{id}/result"))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?)
    }
}
