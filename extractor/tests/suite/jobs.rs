//! Jobs as clients see them.

use extractor::store::{Finish, JobState, StoredResult};
use serde_json::json;

use super::harness::{Api, Form};

async fn finish(api: &Api, id: &str, state: JobState) {
    let is_failed = state == JobState::Failed;
    let finish = Finish {
        state,
        reason: is_failed.then(|| "malformed".to_owned()),
        message: is_failed.then(|| "the file is broken".to_owned()),
        result: (!is_failed).then(|| StoredResult {
            result: r#"{"schema":"extraction.dev/result/v1"}"#.to_owned(),
            blob_key: None,
        }),
    };
    api.store.claim(id, "w", i64::MAX / 2, 9).await.unwrap();
    assert!(
        api.store
            .finish(id, "w", &finish, i64::MAX / 2)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn lists_are_filtered_and_paged_from_new_to_old() {
    let api = Api::start().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.insert(0, api.submit_pdf().await);
        api.pass_ms(1_000);
    }
    let receipt = Form::empty()
        .file("r.pdf", b"%PDF-1.7")
        .text("document_type", "Receipt");
    let receipt = api.submit(receipt).await.assert_json(202)["job_id"].clone();
    api.call("POST", &format!("/api/v1/jobs/{}/cancel", ids[1]))
        .await
        .assert_json(200);
    let list = async |query: &str| {
        api.call("GET", &format!("/api/v1/jobs{query}"))
            .await
            .assert_json(200)
    };
    let listed = |list: &serde_json::Value| {
        let jobs = list["jobs"].as_array().unwrap().iter();
        jobs.map(|job| job["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let page = list("?limit=3&document_type=Invoice").await;
    assert_eq!(listed(&page), ids);
    assert!(page.get("next").is_none());
    let first = list("?limit=3").await;
    assert_eq!(first["jobs"][0]["id"], receipt);
    let next = first["next"].as_str().unwrap();
    let second = list(&format!("?limit=3&after={next}")).await;
    assert_eq!(listed(&second), ids[2..]);
    assert!(second.get("next").is_none());
    assert_eq!(listed(&list("?state=cancelled").await), ids[1..2]);
    let from = first["jobs"][1]["created_at"].as_str().unwrap();
    assert_eq!(
        listed(&list(&format!("?document_type=Invoice&created_from={from}")).await),
        ids[..1]
    );
    assert_eq!(
        listed(&list(&format!("?created_before={from}")).await),
        ids[1..]
    );
}

#[tokio::test]
async fn a_list_that_cannot_be_is_refused() {
    let api = Api::start().await;
    for query in [
        "limit=0",
        "limit=201",
        "limit=x",
        "state=lost",
        "after=x",
        "created_from=yesterday",
        "colour=red",
        "after=1.%00",
    ] {
        let answer = api.call("GET", &format!("/api/v1/jobs?{query}")).await;
        answer.assert_problem(422, "invalid");
    }
    let answer = api.call("GET", "/api/v1/jobs?document_type=Poem").await;
    answer.assert_problem(422, "unknown-document-type");
}

#[tokio::test]
async fn a_result_is_there_once_the_job_has_one() {
    let api = Api::start().await;
    let id = api.submit_pdf().await;
    let path = format!("/api/v1/jobs/{id}/result");
    api.call("GET", &path)
        .await
        .assert_problem(409, "no-result");
    finish(&api, &id, JobState::NeedsReview).await;
    let result = api.call("GET", &path).await;
    assert_eq!(
        result.assert_json(200),
        json!({"schema": "extraction.dev/result/v1"})
    );
    assert_eq!(result.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_failed_job_says_why_and_can_be_retried() {
    let api = Api::start().await;
    let id = api.submit_pdf().await;
    api.call("POST", &format!("/api/v1/jobs/{id}/retry"))
        .await
        .assert_problem(409, "conflict");
    finish(&api, &id, JobState::Failed).await;
    let job = api
        .call("GET", &format!("/api/v1/jobs/{id}"))
        .await
        .assert_json(200);
    assert_eq!(
        (&job["state"], &job["reason"]),
        (&json!("failed"), &json!("malformed"))
    );
    let detail = api.call("GET", &format!("/api/v1/jobs/{id}/result")).await;
    assert!(
        detail
            .assert_problem(409, "no-result")
            .contains("malformed")
    );
    api.call("POST", &format!("/api/v1/jobs/{id}/cancel"))
        .await
        .assert_problem(409, "conflict");
    let retried = api
        .call("POST", &format!("/api/v1/jobs/{id}/retry"))
        .await
        .assert_json(202);
    assert_eq!(retried["state"], "queued");
    assert!(retried.get("reason").is_none());
}

#[tokio::test]
async fn cancelling_twice_is_no_error() {
    let api = Api::start().await;
    let id = api.submit_pdf().await;
    let path = format!("/api/v1/jobs/{id}/cancel");
    let first = api.call("POST", &path).await.assert_json(200);
    assert_eq!(first["state"], "cancelled");
    assert_eq!(api.call("POST", &path).await.assert_json(200), first);
}

#[tokio::test]
async fn a_waiting_client_is_answered_when_the_job_ends() {
    let api = Api::start().await;
    let id = api.submit_pdf().await;
    let (wait, end) = (
        format!("/api/v1/jobs/{id}?wait=20"),
        format!("/api/v1/jobs/{id}/cancel"),
    );
    let (waited, _) = tokio::join!(api.call("GET", &wait), api.call("POST", &end));
    assert_eq!(waited.assert_json(200)["state"], "cancelled");
    let answer = api.call("GET", &format!("/api/v1/jobs/{id}?wait=21")).await;
    answer.assert_problem(422, "invalid");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let api = Api::start().await;
    let id = uuid::Uuid::now_v7().to_string();
    for id in [id.as_str(), "1", "%00", "..%2f..", "%ff"] {
        for (method, path) in [
            ("GET", format!("/api/v1/jobs/{id}")),
            ("GET", format!("/api/v1/jobs/{id}/result")),
            ("POST", format!("/api/v1/jobs/{id}/cancel")),
            ("POST", format!("/api/v1/jobs/{id}/retry")),
            ("GET", format!("/api/v1/documents/{id}")),
            ("POST", format!("/api/v1/uploads/{id}/complete")),
        ] {
            api.call(method, &path)
                .await
                .assert_problem(404, "not-found");
        }
    }
}
