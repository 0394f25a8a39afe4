//! Uploads by signed link.

use axum::body::Body;
use serde_json::{Value, json};

use super::harness::{Answer, Api, PUBLIC_URL, request};

const BYTES: &[u8] = b"%PDF-1.7 uploaded";

fn new_upload() -> Value {
    json!({
        "file_name": "a.pdf",
        "content_type": "application/pdf",
        "size_bytes": BYTES.len(),
        "document_type": "Receipt",
    })
}

async fn ask(api: &Api) -> Value {
    api.call_json("POST", "/api/v1/uploads", new_upload())
        .await
        .assert_json(201)
}

/// Sends the signed request as the client was told to.
async fn put(api: &Api, upload: &Value, bytes: &'static [u8]) -> Answer {
    let path = upload["url"]
        .as_str()
        .unwrap()
        .strip_prefix(PUBLIC_URL)
        .unwrap();
    let mut request = request(upload["method"].as_str().unwrap(), path);
    for (name, value) in upload["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    api.send(request.body(bytes.into()).unwrap()).await
}

async fn complete(api: &Api, upload: &Value) -> Answer {
    let id = upload["id"].as_str().unwrap();
    api.call("POST", &format!("/api/v1/uploads/{id}/complete"))
        .await
}

#[tokio::test]
async fn an_uploaded_document_becomes_one_job() {
    let api = Api::start().await;
    let upload = ask(&api).await;
    complete(&api, &upload)
        .await
        .assert_problem(409, "conflict");
    assert_eq!(put(&api, &upload, BYTES).await.status, 200);
    let answer = complete(&api, &upload).await;
    let accepted = answer.assert_json(202);
    assert!(
        answer
            .header("location")
            .unwrap()
            .starts_with("/api/v1/jobs/")
    );
    assert_eq!(complete(&api, &upload).await.assert_json(202), accepted);
    let id = accepted["document_id"].as_str().unwrap();
    let document = api
        .call("GET", &format!("/api/v1/documents/{id}"))
        .await
        .assert_json(200);
    assert_eq!(document["size_bytes"], BYTES.len());
    assert_eq!(document["document_type"], "Receipt");
    assert!(document.get("sha256").is_none(), "nobody has read it");
}

#[tokio::test]
async fn the_link_takes_only_the_named_size_and_type() {
    let api = Api::start().await;
    let upload = ask(&api).await;
    let path = upload["url"]
        .as_str()
        .unwrap()
        .strip_prefix(PUBLIC_URL)
        .unwrap();
    let send = async |path: &str, size: usize, kind: &str| {
        let request = request("PUT", path)
            .header("content-length", size)
            .header("content-type", kind);
        api.send(request.body(Body::from(vec![0; size])).unwrap())
            .await
    };
    let size = BYTES.len();
    send(path, size + 1, "application/pdf")
        .await
        .assert_problem(403, "link-refused");
    send(path, size, "text/html")
        .await
        .assert_problem(403, "link-refused");
    send(&format!("{path}0"), size, "application/pdf")
        .await
        .assert_problem(403, "link-refused");
    let short = request("PUT", path)
        .header("content-length", size)
        .header("content-type", "application/pdf")
        .body(Body::from(vec![0; size + 9]));
    api.send(short.unwrap())
        .await
        .assert_problem(400, "bad-request");
    complete(&api, &upload)
        .await
        .assert_problem(409, "conflict");
}

#[tokio::test]
async fn the_link_ends_after_900_seconds_and_the_upload_half_an_hour_later() {
    let api = Api::start().await;
    let upload = ask(&api).await;
    assert_eq!(put(&api, &upload, BYTES).await.status, 200);
    api.pass_ms(902_000);
    put(&api, &upload, BYTES)
        .await
        .assert_problem(403, "link-refused");
    api.pass_ms(1_800_000);
    complete(&api, &upload)
        .await
        .assert_problem(409, "conflict");
}

#[tokio::test]
async fn another_client_cannot_complete_an_upload() {
    let api = Api::start().await;
    let upload = ask(&api).await;
    put(&api, &upload, BYTES).await;
    let (_, key) = api.make_key(&["documents:write"]).await;
    let path = format!(
        "/api/v1/uploads/{}/complete",
        upload["id"].as_str().unwrap()
    );
    api.with_key(&key, "POST", &path)
        .await
        .assert_problem(404, "not-found");
}

#[tokio::test]
async fn an_upload_that_cannot_be_taken_gets_no_link() {
    let api = Api::start().await;
    let with = |name: &str, value: Value| {
        let mut body = new_upload();
        body[name] = value;
        body
    };
    let cases = [
        (with("size_bytes", json!(0)), 422, "empty-file"),
        (with("size_bytes", json!(-1)), 422, "invalid"),
        (
            with("size_bytes", json!(1024 * 1024 + 1)),
            413,
            "file-too-large",
        ),
        (
            with("content_type", json!("text/html")),
            415,
            "unsupported-type",
        ),
        (
            with("document_type", json!("Poem")),
            422,
            "unknown-document-type",
        ),
        (with("colour", json!("red")), 422, "invalid"),
    ];
    for (body, status, code) in cases {
        let answer = api.call_json("POST", "/api/v1/uploads", body).await;
        answer.assert_problem(status, code);
    }
}

#[tokio::test]
async fn a_repeated_request_for_an_upload_gets_the_same_one() {
    let api = Api::start().await;
    let ask = async |body: Value| {
        let request = request("POST", "/api/v1/uploads")
            .header("x-api-key", super::harness::ADMIN_KEY)
            .header("idempotency-key", "k")
            .header("content-type", "application/json");
        api.send(request.body(body.to_string().into()).unwrap())
            .await
    };
    let first = ask(new_upload()).await.assert_json(201);
    let again = ask(new_upload()).await.assert_json(201);
    assert_eq!(first["id"], again["id"]);
    let mut other = new_upload();
    other["file_name"] = json!("b.pdf");
    ask(other)
        .await
        .assert_problem(422, "idempotency-key-reused");
}
