//! The life of a job in the database.

use extractor::store::{
    Cancel, Claim, Completed, Cursor, Finish, Idempotency, JobFilter, JobState, NewApiKey,
    NewDocument, NewJob, Retry, SCHEMA_VERSION, Store, StoredResult, Submitted, Upload,
};

use crate::database::fresh;

fn new_job(id: &str) -> NewJob {
    NewJob {
        id: id.to_owned(),
        document_type: "Invoice".to_owned(),
        document: NewDocument {
            id: format!("document-of-{id}"),
            client: "admin".to_owned(),
            file_name: "a.pdf".to_owned(),
            declared_content_type: "application/pdf".to_owned(),
            content_type: Some("application/pdf".to_owned()),
            sha256: Some("00".to_owned()),
            size_bytes: 7,
            blob_key: format!("documents/{id}"),
        },
    }
}

async fn submit(store: &Store, id: &str, now_ms: i64) {
    let outcome = store.submit(&new_job(id), None, now_ms).await.unwrap();
    assert_eq!(outcome, Submitted::Created);
}

async fn claim(store: &Store, id: &str, owner: &str, now_ms: i64) {
    let claim = store.claim(id, owner, now_ms, 100).await.unwrap();
    assert!(matches!(claim, Claim::Claimed(_)), "{claim:?}");
}

fn succeeded() -> Finish {
    Finish {
        state: JobState::Succeeded,
        reason: None,
        message: None,
        result: Some(StoredResult {
            result: "{}".to_owned(),
            blob_key: Some("results/1".to_owned()),
        }),
    }
}

fn dead_lettered() -> Finish {
    Finish {
        state: JobState::DeadLettered,
        reason: Some("crashed".to_owned()),
        message: Some("too often".to_owned()),
        result: None,
    }
}

#[tokio::test]
async fn migrating_twice_applies_nothing_the_second_time() {
    let (store, _guard) = fresh().await;
    assert!(store.migrate(2).await.unwrap().is_empty());
    assert_eq!(store.schema_version().await.unwrap(), SCHEMA_VERSION);
}

#[tokio::test]
async fn a_submitted_job_owes_exactly_one_message() {
    let (store, _guard) = fresh().await;
    submit(&store, "1", 10).await;
    let taken = store.take_unsent(11, 50, 9).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].job_id, "1");
    assert!(
        store.take_unsent(12, 50, 9).await.unwrap().is_empty(),
        "taken by another relay"
    );
    assert_eq!(
        store.take_unsent(61, 50, 9).await.unwrap(),
        taken,
        "its relay died"
    );
    store.mark_sent(&taken, 62).await.unwrap();
    assert!(store.take_unsent(999, 50, 9).await.unwrap().is_empty());
    assert_eq!(store.outbox_backlog().await.unwrap(), (0, None));
}

#[tokio::test]
async fn a_claimed_job_is_held_until_its_lease_ends() {
    let (store, _guard) = fresh().await;
    submit(&store, "1", 10).await;
    let Claim::Claimed(claimed) = store.claim("1", "a", 20, 100).await.unwrap() else {
        panic!("nobody held it")
    };
    assert_eq!(claimed.job.attempts, 1);
    assert_eq!(claimed.document.blob_key, "documents/1");
    assert_eq!(
        store.claim("1", "b", 119, 100).await.unwrap(),
        Claim::HeldByOther
    );
    assert!(store.extend_lease("1", "a", 150).await.unwrap());
    assert_eq!(
        store.claim("1", "b", 149, 100).await.unwrap(),
        Claim::HeldByOther
    );
    claim(&store, "1", "b", 150).await;
    assert!(!store.extend_lease("1", "a", 900).await.unwrap());
    assert!(
        !store.finish("1", "a", &succeeded(), 160).await.unwrap(),
        "the lease is b's"
    );
    assert!(store.result("1").await.unwrap().is_none());
}

#[tokio::test]
async fn claiming_what_is_not_there_says_so() {
    let (store, _guard) = fresh().await;
    assert_eq!(
        store.claim("none", "a", 1, 1).await.unwrap(),
        Claim::Unknown
    );
}

#[tokio::test]
async fn a_finished_job_has_its_result_and_is_not_done_twice() {
    let (store, _guard) = fresh().await;
    submit(&store, "1", 10).await;
    claim(&store, "1", "a", 20).await;
    assert!(store.finish("1", "a", &succeeded(), 30).await.unwrap());
    let job = store.job("1").await.unwrap().unwrap();
    assert_eq!(
        (job.state, job.finished_ms),
        (JobState::Succeeded, Some(30))
    );
    assert_eq!(store.result("1").await.unwrap().unwrap().result, "{}");
    let again = store.claim("1", "b", 40, 100).await.unwrap();
    assert_eq!(again, Claim::AlreadyFinished(JobState::Succeeded));
    assert!(matches!(
        store.cancel("1", 41).await.unwrap(),
        Cancel::AlreadyFinished(_)
    ));
    assert!(matches!(
        store.retry("1", 42).await.unwrap(),
        Retry::NotRetryable(_)
    ));
}

#[tokio::test]
async fn a_released_job_is_free_at_once_and_the_attempt_does_not_count() {
    let (store, _guard) = fresh().await;
    submit(&store, "1", 10).await;
    claim(&store, "1", "a", 20).await;
    assert!(store.release("1", "a", 21).await.unwrap());
    let job = store.job("1").await.unwrap().unwrap();
    assert_eq!((job.state, job.attempts), (JobState::Queued, 0));
    claim(&store, "1", "b", 22).await;
}

#[tokio::test]
async fn a_dead_lettered_job_keeps_its_error_and_comes_back_by_retry() {
    let (store, _guard) = fresh().await;
    submit(&store, "1", 10).await;
    let sent = store.take_unsent(11, 50, 9).await.unwrap();
    store.mark_sent(&sent, 12).await.unwrap();
    claim(&store, "1", "a", 20).await;
    let gone = dead_lettered();
    let by_another = store.finish("1", "b", &gone, 21).await.unwrap();
    assert!(!by_another, "it is held");
    assert!(store.finish("1", "a", &gone, 22).await.unwrap());
    let job = store.job("1").await.unwrap().unwrap();
    assert_eq!(job.state, JobState::DeadLettered);
    assert_eq!(job.reason.as_deref(), Some("crashed"));
    let Retry::Queued(job) = store.retry("1", 30).await.unwrap() else {
        panic!("dead-lettered jobs can be retried")
    };
    assert_eq!(
        (job.state, job.attempts, job.reason),
        (JobState::Queued, 0, None)
    );
    assert_eq!(store.take_unsent(31, 50, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn cancelling_takes_the_lease_away() {
    let (store, _guard) = fresh().await;
    submit(&store, "1", 10).await;
    claim(&store, "1", "a", 20).await;
    assert!(matches!(
        store.cancel("1", 21).await.unwrap(),
        Cancel::Cancelled(_)
    ));
    assert!(!store.extend_lease("1", "a", 500).await.unwrap());
    assert_eq!(
        store.claim("1", "b", 22, 100).await.unwrap(),
        Claim::Cancelled
    );
    assert_eq!(store.cancel("none", 1).await.unwrap(), Cancel::Unknown);
    assert_eq!(store.retry("none", 1).await.unwrap(), Retry::Unknown);
}

#[tokio::test]
async fn lists_filter_and_page_from_new_to_old() {
    let (store, _guard) = fresh().await;
    for (id, now_ms) in [("1", 10), ("2", 20), ("3", 20), ("4", 30)] {
        submit(&store, id, now_ms).await;
    }
    store.cancel("2", 40).await.unwrap();
    let ids = async |filter: JobFilter, limit| {
        let jobs = store.jobs(&filter, limit).await.unwrap();
        jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(JobFilter::default(), 2).await, ["4", "3"]);
    let after = Some(Cursor {
        created_ms: 20,
        id: "3".to_owned(),
    });
    assert_eq!(
        ids(
            JobFilter {
                after,
                ..JobFilter::default()
            },
            9
        )
        .await,
        ["2", "1"]
    );
    let filter = JobFilter {
        state: Some(JobState::Queued),
        document_type: Some("Invoice".to_owned()),
        created_from_ms: Some(20),
        created_before_ms: Some(30),
        after: None,
    };
    assert_eq!(ids(filter, 9).await, ["3"]);
    let document_type = Some("Receipt".to_owned());
    assert!(
        ids(
            JobFilter {
                document_type,
                ..JobFilter::default()
            },
            9
        )
        .await
        .is_empty()
    );
}

#[tokio::test]
async fn a_repeated_idempotency_key_gets_the_first_answer_and_stores_nothing() {
    let (store, _guard) = fresh().await;
    let idempotency = |response: &str| Idempotency {
        client: "admin".to_owned(),
        key: "k".to_owned(),
        request_hash: "h".to_owned(),
        response: response.to_owned(),
        job_id: Some("1".to_owned()),
    };
    let first = store
        .submit(&new_job("1"), Some(&idempotency("one")), 10)
        .await
        .unwrap();
    assert_eq!(first, Submitted::Created);
    let second = store
        .submit(&new_job("2"), Some(&idempotency("two")), 11)
        .await
        .unwrap();
    let Submitted::Repeated(recorded) = second else {
        panic!("the key was used before")
    };
    assert_eq!(recorded.response, "one");
    assert!(store.job("2").await.unwrap().is_none());
    assert_eq!(store.recorded("admin", "k").await.unwrap(), Some(recorded));
    assert_eq!(store.recorded("other", "k").await.unwrap(), None);
    assert_eq!(store.forget_idempotency_keys(11).await.unwrap(), 1);
}

#[tokio::test]
async fn the_sweeper_finds_abandoned_jobs_and_lost_messages() {
    let (store, _guard) = fresh().await;
    submit(&store, "1", 10).await;
    submit(&store, "2", 10).await;
    let sent = store.take_unsent(11, 50, 9).await.unwrap();
    store.mark_sent(&sent, 12).await.unwrap();
    claim(&store, "1", "a", 20).await;
    assert!(
        store
            .requeue_abandoned(120, 130, 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.requeue_abandoned(121, 130, 9).await.unwrap(), ["1"]);
    assert_eq!(
        store.job("1").await.unwrap().unwrap().state,
        JobState::Queued
    );
    let owed = store.take_unsent(131, 50, 9).await.unwrap();
    assert_eq!(owed.len(), 1);
    assert_eq!(owed[0].job_id, "1");
    assert!(store.resend_lost(200, 212, 9).await.unwrap().is_empty());
    assert_eq!(store.resend_lost(200, 213, 9).await.unwrap(), ["2"]);
    assert_eq!(
        store.take_unsent(214, 50, 9).await.unwrap().len(),
        2,
        "the relay of 1 died"
    );
}

#[tokio::test]
async fn an_entry_renewed_while_it_was_sent_stays_owed() {
    let (store, _guard) = fresh().await;
    submit(&store, "1", 10).await;
    let sent = store.take_unsent(11, 50, 9).await.unwrap();
    store.cancel("1", 12).await.unwrap();
    store.retry("1", 13).await.unwrap();
    store.mark_sent(&sent, 14).await.unwrap();
    assert_eq!(store.take_unsent(15, 50, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn retention_names_the_objects_and_deletes_every_row() {
    let (store, _guard) = fresh().await;
    submit(&store, "1", 10).await;
    submit(&store, "2", 10).await;
    claim(&store, "1", "a", 20).await;
    store.finish("1", "a", &succeeded(), 30).await.unwrap();
    let expired = store.claim_expired_jobs(30, 40, 9).await.unwrap();
    assert!(expired.is_empty());
    let expired = store.claim_expired_jobs(31, 40, 9).await.unwrap();
    assert_eq!(expired.len(), 1);
    assert_eq!(
        expired[0].blob_keys,
        ["results/1.json", "results/1", "documents/1"]
    );
    assert!(store.delete_job(&expired[0]).await.unwrap());
    assert!(store.job("1").await.unwrap().is_none());
    assert!(store.document("document-of-1").await.unwrap().is_none());
    assert!(store.job("2").await.unwrap().is_some());
}

#[tokio::test]
async fn a_job_is_either_retried_or_deleted() {
    let (store, _guard) = fresh().await;
    for id in ["1", "2"] {
        submit(&store, id, 10).await;
        store.cancel(id, 20).await.unwrap();
    }
    let retried = store.retry("1", 30).await.unwrap();
    assert!(matches!(retried, Retry::Queued(_)));
    let expired = store.claim_expired_jobs(31, 40, 9).await.unwrap();
    assert_eq!(expired.len(), 1);
    assert_eq!(expired[0].job_id, "2");
    assert_eq!(store.retry("2", 41).await.unwrap(), Retry::TooLate);
    let again = store.claim_expired_jobs(31, 50, 9).await.unwrap();
    assert_eq!(again, expired, "whoever claimed it may have died");
    assert!(store.delete_job(&expired[0]).await.unwrap());
    assert_eq!(store.retry("2", 51).await.unwrap(), Retry::Unknown);
}

#[tokio::test]
async fn a_job_that_has_ended_owes_no_message() {
    let (store, _guard) = fresh().await;
    for id in ["1", "2", "3"] {
        submit(&store, id, 10).await;
    }
    claim(&store, "1", "a", 20).await;
    assert!(store.finish("1", "a", &succeeded(), 30).await.unwrap());
    store.cancel("2", 31).await.unwrap();
    claim(&store, "3", "a", 32).await;
    assert!(store.finish("3", "a", &dead_lettered(), 32).await.unwrap());
    assert_eq!(store.outbox_backlog().await.unwrap(), (0, None));
    store.retry("3", 33).await.unwrap();
    assert_eq!(store.outbox_backlog().await.unwrap(), (1, Some(33)));
}

#[tokio::test]
async fn a_message_owed_again_waits_for_its_time() {
    let (store, _guard) = fresh().await;
    submit(&store, "1", 10).await;
    assert!(store.owe_again("1", 50, 20).await.unwrap());
    assert!(store.take_unsent(49, 10, 9).await.unwrap().is_empty());
    assert_eq!(store.take_unsent(50, 10, 9).await.unwrap().len(), 1);
    claim(&store, "1", "a", 51).await;
    assert!(!store.owe_again("1", 60, 52).await.unwrap(), "it is held");
}

#[tokio::test]
async fn a_revoked_key_is_not_found_by_its_hash() {
    let (store, _guard) = fresh().await;
    let new = NewApiKey {
        id: "k1".to_owned(),
        name: "shop".to_owned(),
        scopes: vec!["jobs:read".to_owned()],
        hash: "abc".to_owned(),
    };
    store.create_api_key(&new, 5).await.unwrap();
    assert_eq!(
        store.api_key_by_hash("abc").await.unwrap().unwrap().scopes,
        ["jobs:read"]
    );
    store.revoke_api_key("k1", 6).await.unwrap();
    let key = store.revoke_api_key("k1", 7).await.unwrap().unwrap();
    assert_eq!(key.revoked_ms, Some(6));
    assert!(store.api_key_by_hash("abc").await.unwrap().is_none());
    assert_eq!(store.api_keys("", 9).await.unwrap(), [key]);
}

#[tokio::test]
async fn an_upload_becomes_one_job() {
    let (store, _guard) = fresh().await;
    let upload = Upload {
        id: "u".to_owned(),
        client: "admin".to_owned(),
        file_name: "a.pdf".to_owned(),
        content_type: "application/pdf".to_owned(),
        size_bytes: 7,
        document_type: "Invoice".to_owned(),
        blob_key: "uploads/u".to_owned(),
        created_ms: 10,
        expires_ms: 910,
        job_id: None,
    };
    assert!(store.create_upload(&upload, None).await.unwrap().is_none());
    assert_eq!(store.abandoned_uploads(911, 9).await.unwrap(), [upload]);
    assert_eq!(
        store.complete_upload("u", &new_job("1"), 20).await.unwrap(),
        Completed::Created
    );
    let again = store.complete_upload("u", &new_job("2"), 21).await.unwrap();
    assert_eq!(again, Completed::Before("1".to_owned()));
    assert_eq!(
        store.complete_upload("x", &new_job("3"), 22).await.unwrap(),
        Completed::Unknown
    );
    assert!(store.abandoned_uploads(911, 9).await.unwrap().is_empty());
    assert!(store.job("2").await.unwrap().is_none());
}
