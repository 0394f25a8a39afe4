//! Submitting a document in the request.

use super::harness::{Api, Form};

#[tokio::test]
async fn a_submitted_document_has_a_job_its_bytes_and_an_owed_message() {
    let api = Api::start().await;
    let answer = api.submit(Form::pdf()).await;
    let accepted = answer.assert_json(202);
    assert_eq!(accepted["state"], "queued");
    let job_path = answer.header("location").unwrap().to_owned();
    assert_eq!(
        job_path,
        format!("/api/v1/jobs/{}", accepted["job_id"].as_str().unwrap())
    );
    let job = api.call("GET", &job_path).await.assert_json(200);
    assert_eq!(job["document_id"], accepted["document_id"]);
    assert_eq!(
        (&job["document_type"], &job["attempts"]),
        (&"Invoice".into(), &0.into())
    );
    let path = format!(
        "/api/v1/documents/{}",
        accepted["document_id"].as_str().unwrap()
    );
    let document = api.call("GET", &path).await.assert_json(200);
    assert_eq!(document["content_type"], "application/pdf");
    assert_eq!(document["size_bytes"], 25);
    assert_eq!(document["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(document["file_name"], "a.pdf");
    let owed = api.store.take_unsent(i64::MAX - 1, 1, 9).await.unwrap();
    assert_eq!(owed.len(), 1);
    assert_eq!(owed[0].job_id, accepted["job_id"]);
    api.outbox.notified().await;
}

#[tokio::test]
async fn what_cannot_be_extracted_is_refused_at_once() {
    let api = Api::start().await;
    let large = [b"%PDF-1.7".as_slice(), &vec![b' '; 1024 * 1024]].concat();
    let cases = [
        (
            Form::of("a.pdf", b""),
            422,
            "empty-file",
            Some("empty_file"),
        ),
        (
            Form::of("a.pdf", b"MZ a program"),
            415,
            "unsupported-type",
            Some("unsupported_type"),
        ),
        (
            Form::of("a.pdf", &large),
            413,
            "file-too-large",
            Some("file_too_large"),
        ),
        (
            Form::empty()
                .file("a.pdf", b"%PDF-1.7")
                .text("document_type", "Poem"),
            422,
            "unknown-document-type",
            None,
        ),
        (
            Form::empty().file("a.pdf", b"%PDF-1.7"),
            422,
            "invalid",
            None,
        ),
        (
            Form::empty().text("document_type", "Invoice"),
            422,
            "invalid",
            None,
        ),
        (Form::pdf().text("priority", "high"), 422, "invalid", None),
        (Form::pdf().file("b.pdf", b"%PDF-1.7"), 422, "invalid", None),
        (Form::empty(), 422, "invalid", None),
    ];
    for (form, status, code, reason) in cases {
        let answer = api.submit(form).await;
        answer.assert_problem(status, code);
        assert_eq!(answer.json()["reason"].as_str(), reason);
    }
    assert_eq!(
        api.call("GET", "/api/v1/jobs").await.json()["jobs"],
        serde_json::json!([])
    );
}

#[tokio::test]
async fn a_body_without_a_length_is_still_bounded() {
    let api = Api::start().await;
    let large = [b"%PDF-1.7".as_slice(), &vec![b' '; 2 * 1024 * 1024]].concat();
    let mut request = Form::of("a.pdf", &large).request(super::harness::ADMIN_KEY);
    request.headers_mut().remove("content-length");
    api.send(request)
        .await
        .assert_problem(413, "file-too-large");
}

#[tokio::test]
async fn a_file_name_is_a_label_and_never_a_path() {
    let api = Api::start().await;
    for name in [
        "../../../etc/passwd",
        "C:\\\\a.pdf",
        "a\u{85}b.pdf",
        "…/ünïcode.pdf",
        "con",
    ] {
        let accepted = api
            .submit(Form::of(name, b"%PDF-1.7"))
            .await
            .assert_json(202);
        let id = accepted["document_id"].as_str().unwrap();
        let document = api.store.document(id).await.unwrap().unwrap();
        assert_eq!(document.blob_key, format!("documents/{id}"));
        assert!(!document.file_name.chars().any(char::is_control));
    }
}

#[tokio::test]
async fn the_same_idempotency_key_and_request_give_the_same_job() {
    let api = Api::start().await;
    let first = api
        .submit(Form::pdf().idempotency_key("k-1"))
        .await
        .assert_json(202);
    let again = api.submit(Form::pdf().idempotency_key("k-1")).await;
    assert_eq!(again.assert_json(202), first);
    assert!(again.header("location").is_some());
    let other = api
        .submit(Form::pdf().idempotency_key("k-2"))
        .await
        .assert_json(202);
    assert_ne!(other["job_id"], first["job_id"]);
    let different = Form::of("a.pdf", b"%PDF-1.7 another").idempotency_key("k-1");
    api.submit(different)
        .await
        .assert_problem(422, "idempotency-key-reused");
    let list = api.call("GET", "/api/v1/jobs").await.assert_json(200);
    assert_eq!(list["jobs"].as_array().unwrap().len(), 2);
    api.submit(Form::pdf().idempotency_key("a b"))
        .await
        .assert_problem(422, "invalid");
}

#[tokio::test]
async fn idempotency_keys_of_different_clients_do_not_meet() {
    let api = Api::start().await;
    let (_, key) = api.make_key(&["documents:write"]).await;
    let first = api
        .submit(Form::pdf().idempotency_key("k"))
        .await
        .assert_json(202);
    let other = api
        .send(Form::pdf().idempotency_key("k").request(&key))
        .await;
    assert_ne!(other.assert_json(202)["job_id"], first["job_id"]);
}

#[tokio::test]
async fn simultaneous_repetitions_make_one_job() {
    let api = Api::start().await;
    let submit = || api.submit(Form::pdf().idempotency_key("k"));
    let (a, b, c) = tokio::join!(submit(), submit(), submit());
    let ids = [a, b, c].map(|answer| answer.assert_json(202)["job_id"].clone());
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}
