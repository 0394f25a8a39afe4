//! What clients get while the database or the storage is away.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use extractor::blobs::{BlobError, BlobHead, Blobs, PresignedPut};
use extractor::dependencies::Fault;
use serde_json::json;

use super::harness::{Answer, Api, Form};

/// A storage that is away, or that has a mistake in it.
enum Away {
    Silent,
    Broken,
}

impl Away {
    fn answer<T>(&self) -> Result<T, BlobError> {
        match self {
            Self::Silent => Err(Fault::new("Timeout", "no answer").into()),
            Self::Broken => panic!("a mistake of ours"),
        }
    }
}

#[async_trait]
impl Blobs for Away {
    async fn put(&self, _: &str, _: &str, _: Bytes) -> Result<(), BlobError> {
        self.answer()
    }

    async fn get(&self, _: &str) -> Result<Bytes, BlobError> {
        self.answer()
    }

    async fn head(&self, _: &str) -> Result<Option<BlobHead>, BlobError> {
        self.answer()
    }

    async fn delete(&self, _: &str) -> Result<(), BlobError> {
        self.answer()
    }

    async fn presign_put(
        &self,
        _: &str,
        _: &str,
        _: u64,
        _: Duration,
    ) -> Result<PresignedPut, BlobError> {
        self.answer()
    }

    async fn probe(&self) -> Result<(), BlobError> {
        self.answer()
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
    let api = Api::start_on(folder, Arc::new(Away::Silent), |_| {}).await;
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

#[tokio::test]
async fn a_handler_that_panics_answers_500_and_the_next_request_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::start_on(folder, Arc::new(Away::Broken), |_| {}).await;
    let answer = api.submit(Form::pdf()).await;
    let detail = answer.assert_problem(500, "internal");
    assert!(!detail.contains("mistake of ours"), "{detail}");
    assert!(answer.header("x-request-id").is_some());
    api.call("GET", "/api/v1/jobs").await.assert_json(200);
}

#[tokio::test]
async fn bytes_whose_job_was_not_stored_are_found_by_the_sweeper_and_those_of_jobs_are_not() {
    let api = Api::start().await;
    let far = i64::MAX;
    api.submit_pdf().await;
    assert_eq!(api.store.abandoned_uploads(far, 9).await.unwrap(), []);
    let folder = tempfile::tempdir().unwrap();
    let api = Api::start_on(folder, Arc::new(Away::Silent), |_| {}).await;
    assert_away(&api.submit(Form::pdf()).await, "storage");
    let left = api.store.abandoned_uploads(far, 9).await.unwrap();
    assert!(left[0].blob_key.starts_with("documents/"), "{left:?}");
}
