//! What clients get while the database or the storage is away.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use extractor::blobs::{BlobError, BlobHead, Blobs, PresignedPut};
use extractor::dependencies::Fault;
use serde_json::json;

use super::harness::{Answer, Api, Form};

/// A storage that is away.
struct Away;

fn away<T>() -> Result<T, BlobError> {
    Err(Fault::new("Timeout", "no answer").into())
}

#[async_trait]
impl Blobs for Away {
    async fn put(&self, _: &str, _: &str, _: Bytes) -> Result<(), BlobError> {
        away()
    }

    async fn get(&self, _: &str) -> Result<Bytes, BlobError> {
        away()
    }

    async fn head(&self, _: &str) -> Result<Option<BlobHead>, BlobError> {
        away()
    }

    async fn delete(&self, _: &str) -> Result<(), BlobError> {
        away()
    }

    async fn presign_put(
        &self,
        _: &str,
        _: &str,
        _: u64,
        _: Duration,
    ) -> Result<PresignedPut, BlobError> {
        away()
    }

    async fn probe(&self) -> Result<(), BlobError> {
        away()
    }
}

#[track_caller]
fn assert_away(answer: &Answer, what: &str) {
    let detail = answer.assert_problem(503, "dependency-unavailable");
    assert!(detail.contains(what), "{detail}");
    assert_eq!(answer.header("retry-after"), Some("5"));
}

#[tokio::test]
async fn without_its_database_the_api_accepts_nothing_and_stays_ready() {
    let api = Api::start().await;
    assert_eq!(api.anonymous("GET", "/health/ready").await.status, 200);
    let id = api.submit_pdf().await;
    api.store.close().await;
    assert_away(&api.submit(Form::pdf()).await, "database");
    assert_away(&api.call("GET", "/api/v1/jobs").await, "database");
    assert_away(
        &api.call("GET", &format!("/api/v1/jobs/{id}")).await,
        "database",
    );
    let stranger = format!("xk_{}", "0".repeat(64));
    assert_away(
        &api.with_key(&stranger, "GET", "/api/v1/jobs").await,
        "database",
    );
    assert_eq!(api.anonymous("GET", "/health/ready").await.status, 200);
    assert_eq!(api.anonymous("GET", "/health/live").await.status, 200);
}

#[tokio::test]
async fn before_its_database_was_reached_the_api_is_not_ready() {
    let api = Api::start().await;
    api.store.close().await;
    for path in ["/health/ready", "/health", "/api/health", "/api/v1/health"] {
        assert_eq!(api.anonymous("GET", path).await.status, 503, "{path}");
    }
    assert_eq!(api.anonymous("GET", "/health/live").await.status, 200);
}

#[tokio::test]
async fn without_its_storage_the_api_stores_no_job() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::start_on(folder, Arc::new(Away), |_| {}).await;
    assert_away(
        &api.submit(Form::pdf().idempotency_key("k")).await,
        "storage",
    );
    let upload = json!({
        "file_name": "a", "content_type": "image/png", "size_bytes": 9, "document_type": "Invoice",
    });
    assert_away(
        &api.call_json("POST", "/api/v1/uploads", upload).await,
        "storage",
    );
    let list = api.call("GET", "/api/v1/jobs").await.assert_json(200);
    assert_eq!(list["jobs"], json!([]));
    assert_eq!(
        api.store.recorded("admin", "k").await.unwrap(),
        None,
        "the client may try again"
    );
}
