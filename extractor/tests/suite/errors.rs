//! Every error has a body, and every answer its headers.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use extractor::api::route_list;
use futures::{StreamExt, stream};

use super::harness::{ADMIN_KEY, Api, request};

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let api = Api::start().await;
    for path in [
        "/",
        "/api",
        "/api/v1/",
        "/api/v1/nothing",
        "/metrics",
        "/health/",
    ] {
        api.call("GET", path).await.assert_problem(404, "not-found");
    }
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    let api = Api::start().await;
    for (method, path, _) in route_list() {
        let path = path.replace("{id}", "01890000-0000-7000-8000-000000000000");
        let answer = api.call("PATCH", &path).await;
        answer.assert_problem(405, "method-not-allowed");
        let allow = answer.header("allow").unwrap_or_default();
        assert!(allow.contains(method.as_str()), "{path}: {allow}");
    }
}

#[tokio::test]
async fn a_broken_body_is_told_apart_from_a_wrong_one() {
    let api = Api::start().await;
    let post = async |kind: &str, body: Vec<u8>| {
        let request = request("POST", "/api/v1/keys")
            .header("x-api-key", ADMIN_KEY)
            .header("content-type", kind);
        api.send(request.body(body.into()).unwrap()).await
    };
    post("application/json", b"{".to_vec())
        .await
        .assert_problem(400, "bad-request");
    post("text/plain", b"{}".to_vec())
        .await
        .assert_problem(415, "unsupported-media-type");
    let missing = post("application/json", b"{}".to_vec()).await;
    assert!(missing.assert_problem(422, "invalid").contains("name"));
    post("application/json", vec![b' '; 70_000])
        .await
        .assert_problem(413, "file-too-large");
    let form = request("POST", "/api/v1/documents")
        .header("x-api-key", ADMIN_KEY)
        .header("content-type", "application/json")
        .body(Body::from("{}"));
    api.send(form.unwrap())
        .await
        .assert_problem(415, "unsupported-media-type");
    let cut = request("POST", "/api/v1/documents")
        .header("x-api-key", ADMIN_KEY)
        .header("content-type", "multipart/form-data; boundary=b")
        .body(Body::from(
            "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhalf",
        ));
    api.send(cut.unwrap())
        .await
        .assert_problem(400, "bad-request");
}

#[tokio::test]
async fn a_body_that_never_ends_is_cut_off_in_time() {
    let api = Api::start_with(|config| config.request_timeout = Duration::from_millis(20)).await;
    let endless = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let request = request("POST", "/api/v1/documents")
        .header("x-api-key", ADMIN_KEY)
        .header("content-type", "multipart/form-data; boundary=b");
    let answer = api.send(request.body(endless).unwrap()).await;
    answer.assert_problem(503, "timed-out");
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn a_refused_body_is_read_to_its_end_so_that_the_client_sees_the_answer() {
    let api = Api::start().await;
    let (read, end) = tokio::sync::oneshot::channel();
    let chunks =
        stream::iter(0..100).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 65_536])));
    let ended = stream::once(async {
        read.send(()).unwrap();
        Ok(Bytes::new())
    });
    let request = request("POST", "/api/v1/keys")
        .header("x-api-key", ADMIN_KEY)
        .header("content-type", "application/json");
    let body = Body::from_stream(chunks.chain(ended));
    let answer = api.send(request.body(body).unwrap()).await;
    answer.assert_problem(413, "file-too-large");
    end.await.unwrap();
}

#[tokio::test]
async fn a_full_server_says_so_and_still_answers_probes() {
    let api = Api::start_with(|config| config.max_concurrent_requests = 0).await;
    let answer = api.call("GET", "/api/v1/jobs").await;
    answer.assert_problem(503, "overloaded");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(api.anonymous("GET", "/health/live").await.status, 200);
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_secure_headers() {
    let api = Api::start().await;
    for path in [
        "/health/live",
        "/docs",
        "/openapi.json",
        "/api/v1/jobs",
        "/nothing",
    ] {
        let answer = api.anonymous("GET", path).await;
        assert_eq!(answer.header("x-request-id").unwrap().len(), 36, "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert!(
            answer
                .header("content-security-policy")
                .unwrap()
                .starts_with("default-src 'none'")
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let with_id = async |id: &str| {
        let request = request("GET", "/health/live").header("x-request-id", id);
        let answer = api.send(request.body(Body::empty()).unwrap()).await;
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(with_id("my-id:1").await, "my-id:1");
    assert_ne!(with_id("a b{}").await, "a b{}");
}

#[tokio::test]
async fn the_documentation_describes_this_api() {
    let api = Api::start().await;
    let document = api.anonymous("GET", "/openapi.json").await.assert_json(200);
    assert_eq!(document["openapi"], "3.1.0");
    for (method, path, _) in route_list() {
        let operation = &document["paths"][path][method.as_str().to_lowercase()];
        assert!(operation["responses"].is_object(), "{method} {path}");
    }
    let page = api.anonymous("GET", "/docs").await;
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
}
