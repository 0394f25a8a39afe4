//! The API as a service in this process, with a database and a folder of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use extractor::api::{ApiConfig, ApiState, router};
use extractor::blobs::{Blobs, Directory};
use extractor::config::SecretFile;
use extractor::dependencies::Dependency;
use extractor::store::Store;
use serde_json::Value;
use tokio::sync::Notify;
use tower::ServiceExt;

use crate::database::fresh;

pub(crate) const ADMIN_KEY: &str = "an-admin-key-for-tests";
pub(crate) const PUBLIC_URL: &str = "http://extraction.test";

/// A running API.
pub(crate) struct Api {
    router: Router,
    pub(crate) store: Store,
    pub(crate) outbox: Arc<Notify>,
    pub(crate) admin_key_file: PathBuf,
    clock_offset_ms: Arc<AtomicI64>,
    _guards: (tempfile::TempDir, tempfile::TempDir),
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Asserts a problem+json of this status and kind, and returns its detail.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let json = self.json();
        let kind = format!("https://extraction.dev/problems/{code}");
        assert_eq!(json["type"], kind, "{self:?}");
        assert_eq!(json["status"], status);
        json["detail"].as_str().unwrap().to_owned()
    }

    /// Asserts the status and returns the body.
    #[track_caller]
    pub(crate) fn assert_json(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self.json()
    }
}

impl Api {
    /// With default settings and 1 MiB documents.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With settings of the test's own.
    pub(crate) async fn start_with(change: impl FnOnce(&mut ApiConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let signing_key = folder.path().join("signing-key");
        std::fs::write(&signing_key, "k".repeat(32)).unwrap();
        let blobs = Directory::open(
            &folder.path().join("objects"),
            PUBLIC_URL,
            SecretFile::new(signing_key),
            Dependency::default(),
        )
        .unwrap();
        Self::start_on(folder, Arc::new(blobs), change).await
    }

    /// On a storage of the test's own.
    pub(crate) async fn start_on(
        folder: tempfile::TempDir,
        blobs: Arc<dyn Blobs>,
        change: impl FnOnce(&mut ApiConfig),
    ) -> Self {
        let (store, database) = fresh().await;
        let admin_key_file = folder.path().join("admin-key");
        std::fs::write(&admin_key_file, ADMIN_KEY).unwrap();
        let mut config = ApiConfig::new(
            vec!["Invoice".to_owned(), "Receipt".to_owned()],
            SecretFile::new(&admin_key_file),
            SecretFile::new(folder.path().join("signing-key")),
        );
        config.max_document_bytes = 1024 * 1024;
        change(&mut config);
        let clock_offset_ms = Arc::new(AtomicI64::new(0));
        let outbox = Arc::new(Notify::new());
        let offset = clock_offset_ms.clone();
        let state = ApiState::new(
            config,
            store.clone(),
            blobs,
            outbox.clone(),
            Arc::new(move || real_now_ms() + offset.load(Ordering::Relaxed)),
            Arc::new(|_| {}),
        );
        Self {
            router: router(state),
            store,
            outbox,
            admin_key_file,
            clock_offset_ms,
            _guards: (folder, database),
        }
    }

    /// Lets so much time pass for the API.
    pub(crate) fn pass_ms(&self, ms: i64) {
        self.clock_offset_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// Without a key.
    pub(crate) async fn anonymous(&self, method: &str, path: &str) -> Answer {
        self.send(request(method, path).body(Body::empty()).unwrap())
            .await
    }

    /// With this key.
    pub(crate) async fn with_key(&self, key: &str, method: &str, path: &str) -> Answer {
        let request = request(method, path).header("x-api-key", key);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// With the admin key.
    pub(crate) async fn call(&self, method: &str, path: &str) -> Answer {
        self.with_key(ADMIN_KEY, method, path).await
    }

    /// With the admin key and a JSON body.
    pub(crate) async fn call_json(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = request(method, path)
            .header("authorization", format!("Bearer {ADMIN_KEY}"))
            .header("content-type", "application/json");
        self.send(request.body(body.to_string().into()).unwrap())
            .await
    }

    /// Submits a document with the admin key.
    pub(crate) async fn submit(&self, form: Form) -> Answer {
        self.send(form.request(ADMIN_KEY)).await
    }

    /// Submits a good document and returns the id of its job.
    pub(crate) async fn submit_pdf(&self) -> String {
        let accepted = self.submit(Form::pdf()).await.assert_json(202);
        accepted["job_id"].as_str().unwrap().to_owned()
    }

    /// Makes a key with these scopes and returns (id, token).
    pub(crate) async fn make_key(&self, scopes: &[&str]) -> (String, String) {
        let body = serde_json::json!({"name": "a client", "scopes": scopes});
        let made = self
            .call_json("POST", "/api/v1/keys", body)
            .await
            .assert_json(201);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("id"), text("key"))
    }
}

pub(crate) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path)
}

fn real_now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// A multipart form.
pub(crate) struct Form {
    body: Vec<u8>,
    idempotency_key: Option<String>,
}

impl Form {
    pub(crate) fn empty() -> Self {
        Self {
            body: Vec::new(),
            idempotency_key: None,
        }
    }

    /// A small good one.
    pub(crate) fn pdf() -> Self {
        Self::of("a.pdf", b"%PDF-1.7 a small document")
    }

    /// A good one with this file.
    pub(crate) fn of(name: &str, bytes: &[u8]) -> Self {
        Self::empty()
            .file(name, bytes)
            .text("document_type", "Invoice")
    }

    pub(crate) fn file(mut self, name: &str, bytes: &[u8]) -> Self {
        let head = format!(
            "--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/pdf\r\n\r\n"
        );
        self.body.extend_from_slice(head.as_bytes());
        self.body.extend_from_slice(bytes);
        self.body.extend_from_slice(b"\r\n");
        self
    }

    pub(crate) fn text(mut self, name: &str, value: &str) -> Self {
        let part = format!(
            "--frontier\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        self.body.extend_from_slice(part.as_bytes());
        self
    }

    pub(crate) fn idempotency_key(mut self, key: &str) -> Self {
        self.idempotency_key = Some(key.to_owned());
        self
    }

    pub(crate) fn request(mut self, key: &str) -> Request<Body> {
        self.body.extend_from_slice(b"--frontier--\r\n");
        let mut request = request("POST", "/api/v1/documents")
            .header("x-api-key", key)
            .header("content-length", self.body.len())
            .header("content-type", "multipart/form-data; boundary=frontier");
        if let Some(key) = self.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        request.body(self.body.into()).unwrap()
    }
}
