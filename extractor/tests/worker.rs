//! The life of jobs with real parts but for the engine: SQLite, the queue in memory, a folder. Needs nothing.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use extractor::blobs::{Blobs, Directory};
use extractor::clock::now_ms;
use extractor::config::SecretFile;
use extractor::dependencies::Dependencies;
use extractor::metrics::Metrics;
use extractor::queue::{LocalQueue, Message, Queue, QueueError};
use extractor::relay::Relay;
use extractor::result::{ExtractionResult, Outcome, Routing, SCHEMA, Timings};
use extractor::store::{
    Cancel, Claim, ClaimedJob, DatabaseUrl, Job, JobState, NewDocument, NewJob, Store, Upload,
};
use extractor::sweeper::Sweeper;
use extractor::worker::{Extract, Failure, Worker};
use futures::future::BoxFuture;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SECOND: Duration = Duration::from_secs(1);
/// Of `the document`.
const DOCUMENT_SHA256: &str = "058ad513dff2b80ff50ca6e7f47125d4a6923ba5985adffc9fa18df7f4db81c0";

/// An engine that waits to be let on, and answers as told.
struct Engine {
    answers: Mutex<Vec<Failure>>,
    allowed: Semaphore,
    begun: Semaphore,
    dropped: Arc<AtomicUsize>,
    done: AtomicUsize,
}

impl Engine {
    fn new(failures: Vec<Failure>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(failures),
            allowed: Semaphore::new(0),
            begun: Semaphore::new(0),
            dropped: Arc::default(),
            done: AtomicUsize::new(0),
        })
    }

    fn let_on(&self, documents: usize) {
        self.allowed.add_permits(documents);
    }

    async fn wait_until_begun(&self) {
        self.begun.acquire().await.unwrap().forget();
    }
}

struct CountDrop(Arc<AtomicUsize>, bool);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(usize::from(!self.1), Ordering::SeqCst);
    }
}

#[async_trait]
impl Extract for Engine {
    async fn extract(
        &self,
        claimed: &ClaimedJob,
        bytes: Bytes,
    ) -> Result<ExtractionResult, Failure> {
        assert_eq!(bytes, "the document");
        self.begun.add_permits(1);
        let mut guard = CountDrop(self.dropped.clone(), false);
        self.allowed.acquire().await.unwrap().forget();
        guard.1 = true;
        self.done.fetch_add(1, Ordering::SeqCst);
        let failure = self.answers.lock().unwrap().pop();
        match failure {
            Some(failure) => Err(failure),
            None => Ok(ExtractionResult {
                schema: SCHEMA.into(),
                job_id: Some(claimed.job.id.clone()),
                document_type: "Invoice".into(),
                pages: Vec::new(),
                fields: Default::default(),
                line_items: Vec::new(),
                routing: Routing {
                    outcome: Outcome::NeedsReview,
                    reasons: vec!["missing_total".into()],
                },
                timings: Timings::default(),
            }),
        }
    }
}

/// One installation.
struct Place {
    store: Store,
    queue: Arc<dyn Queue>,
    blobs: Arc<dyn Blobs>,
    health: Dependencies,
    metrics: Metrics,
    wake: Arc<Notify>,
    folder: tempfile::TempDir,
}

impl Place {
    async fn new(visibility: Duration, deliveries: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(DatabaseUrl::Sqlite(folder.path().join("db")), 1, None)
            .await
            .unwrap();
        store.migrate(now_ms()).await.unwrap();
        let health = Dependencies::default();
        let key = SecretFile::new(folder.path().join("key"));
        let objects = folder.path().join("objects");
        let blobs =
            Directory::open(&objects, "http://127.0.0.1:1", key, health.storage.clone()).unwrap();
        Self {
            store,
            queue: Arc::new(LocalQueue::new(
                visibility,
                deliveries,
                health.queue.clone(),
            )),
            blobs: Arc::new(blobs),
            health,
            metrics: Metrics::default(),
            wake: Arc::default(),
            folder,
        }
    }

    /// A job with its document; its message is owed.
    async fn submit(&self) -> String {
        let id = Uuid::now_v7().to_string();
        let blob_key = format!("documents/{id}");
        self.blobs
            .put(&blob_key, "application/pdf", Bytes::from("the document"))
            .await
            .unwrap();
        let document = NewDocument {
            id: Uuid::now_v7().to_string(),
            client: "admin".into(),
            file_name: "a.pdf".into(),
            declared_content_type: "application/pdf".into(),
            content_type: None,
            sha256: None,
            size_bytes: 12,
            blob_key,
        };
        let new = NewJob {
            id: id.clone(),
            document_type: "Invoice".into(),
            document,
        };
        self.store.submit(&new, None, now_ms()).await.unwrap();
        id
    }

    /// A job whose message is in the queue.
    async fn send(&self) -> String {
        let id = self.submit().await;
        self.queue.send(std::slice::from_ref(&id)).await.unwrap();
        id
    }

    fn worker(&self, engine: &Arc<Engine>, grace: Duration) -> Worker {
        Worker {
            name: "test".into(),
            concurrency: 2,
            grace,
            store: self.store.clone(),
            queue: self.queue.clone(),
            blobs: self.blobs.clone(),
            extract: engine.clone(),
            health: self.health.clone(),
            metrics: self.metrics.clone(),
        }
    }

    fn work(&self, engine: &Arc<Engine>, grace: Duration) -> (JoinHandle<()>, CancellationToken) {
        let worker = self.worker(engine, grace);
        let stop = CancellationToken::new();
        (tokio::spawn(Arc::new(worker).run(stop.clone())), stop)
    }

    fn sweeper(&self, retention: Option<Duration>) -> Sweeper {
        Sweeper {
            store: self.store.clone(),
            blobs: self.blobs.clone(),
            queue: self.queue.clone(),
            wake: self.wake.clone(),
            retention,
            metrics: self.metrics.clone(),
        }
    }

    async fn job(&self, id: &str) -> Job {
        self.store.job(id).await.unwrap().unwrap()
    }

    async fn wait_for(&self, id: &str, state: JobState) -> Job {
        let deadline = Instant::now() + 20 * SECOND;
        loop {
            let job = self.job(id).await;
            if job.state == state {
                return job;
            }
            assert!(Instant::now() < deadline, "the job stays {job:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Told which call is about to be made; the call waits for its end.
type Hook = Box<dyn Fn(&'static str) -> BoxFuture<'static, ()> + Send + Sync>;

/// A queue in memory whose calls a test may watch and hold up.
struct Hooked {
    queue: LocalQueue,
    before: Hook,
}

impl Hooked {
    fn new(
        visibility: Duration,
        before: impl Fn(&'static str) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            queue: LocalQueue::new(visibility, 5, Default::default()),
            before: Box::new(before),
        })
    }
}

#[async_trait]
impl Queue for Hooked {
    async fn send(&self, job_ids: &[String]) -> Result<Vec<String>, QueueError> {
        self.queue.send(job_ids).await
    }

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Message>, QueueError> {
        (self.before)("receive").await;
        self.queue.receive(max, wait).await
    }

    async fn delete(&self, message: &Message) -> Result<(), QueueError> {
        (self.before)("delete").await;
        self.queue.delete(message).await
    }

    async fn extend(&self, message: &Message, hidden: Duration) -> Result<(), QueueError> {
        (self.before)("extend").await;
        self.queue.extend(message, hidden).await
    }

    async fn reject(&self, message: &Message, why: &str) -> Result<(), QueueError> {
        self.queue.reject(message, why).await
    }

    fn visibility(&self) -> Duration {
        self.queue.visibility()
    }

    async fn max_receive_count(&self) -> Result<Option<u32>, QueueError> {
        self.queue.max_receive_count().await
    }

    async fn depth(&self) -> Result<u64, QueueError> {
        (self.before)("depth").await;
        self.queue.depth().await
    }
}

#[tokio::test]
async fn a_job_ends_with_its_result_in_the_row_and_in_the_storage() {
    let place = Place::new(10 * SECOND, 5).await;
    let engine = Engine::new(vec![]);
    engine.let_on(1);
    let id = place.send().await;
    let (_worker, stop) = place.work(&engine, SECOND);
    place.wait_for(&id, JobState::NeedsReview).await;
    let stored = place.store.result(&id).await.unwrap().unwrap();
    let copy = place.blobs.get(&stored.blob_key.unwrap()).await.unwrap();
    assert_eq!(copy, stored.result);
    assert!(stored.result.contains("missing_total"));
    stop.cancel();
}

#[tokio::test]
async fn a_message_that_comes_twice_is_worked_on_once() {
    let place = Place::new(SECOND, 5).await;
    let engine = Engine::new(vec![]);
    engine.let_on(9);
    let id = place.send().await;
    place.queue.send(std::slice::from_ref(&id)).await.unwrap();
    let (worker, stop) = place.work(&engine, SECOND);
    place.wait_for(&id, JobState::NeedsReview).await;
    while place.queue.depth().await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(2 * SECOND).await;
    stop.cancel();
    worker.await.unwrap();
    assert_eq!(engine.done.load(Ordering::SeqCst), 1);
    assert_eq!(place.queue.receive(1, Duration::ZERO).await.unwrap(), []);
}

#[tokio::test]
async fn a_document_at_fault_fails_at_once_with_its_reason() {
    let place = Place::new(10 * SECOND, 5).await;
    let engine = Engine::new(vec![Failure::document(
        "malformed",
        "The file breaks the rules of its format.",
    )]);
    engine.let_on(1);
    let id = place.send().await;
    let (_worker, stop) = place.work(&engine, SECOND);
    let job = place.wait_for(&id, JobState::Failed).await;
    assert_eq!(
        (job.reason.as_deref(), job.attempts),
        (Some("malformed"), 1)
    );
    stop.cancel();
}

#[tokio::test]
async fn a_document_that_is_gone_fails_and_says_so() {
    let place = Place::new(10 * SECOND, 5).await;
    let engine = Engine::new(vec![]);
    let id = place.send().await;
    place
        .blobs
        .delete(&format!("documents/{id}"))
        .await
        .unwrap();
    let (_worker, stop) = place.work(&engine, SECOND);
    let job = place.wait_for(&id, JobState::Failed).await;
    assert_eq!(job.reason.as_deref(), Some("document_missing"));
    stop.cancel();
}

#[tokio::test]
async fn a_fault_of_ours_is_tried_again_after_a_pause() {
    let place = Place::new(10 * SECOND, 5).await;
    let engine = Engine::new(vec![Failure::ours(
        "engine_unavailable",
        "No child could be started.",
    )]);
    engine.let_on(2);
    let id = place.send().await;
    let (_worker, stop) = place.work(&engine, SECOND);
    let job = place.wait_for(&id, JobState::NeedsReview).await;
    assert_eq!((job.attempts, job.reason), (2, None));
    stop.cancel();
}

#[tokio::test]
async fn the_last_delivery_that_fails_dead_letters_the_job_with_its_error() {
    let place = Place::new(10 * SECOND, 1).await;
    let engine = Engine::new(vec![Failure::ours(
        "engine_unavailable",
        "No child could be started.",
    )]);
    engine.let_on(1);
    let id = place.send().await;
    let (_worker, stop) = place.work(&engine, SECOND);
    let job = place.wait_for(&id, JobState::DeadLettered).await;
    assert_eq!(job.reason.as_deref(), Some("engine_unavailable"));
    assert_eq!(job.message.as_deref(), Some("No child could be started."));
    stop.cancel();
}

#[tokio::test]
async fn a_job_cancelled_and_retried_under_its_last_attempt_is_not_given_up_by_it() {
    let place = Place::new(60 * SECOND, 1).await;
    let failure = Failure::ours("engine_unavailable", "No child could be started.");
    let engine = Engine::new(vec![failure]);
    let id = place.send().await;
    let (worker, stop) = place.work(&engine, 10 * SECOND);
    engine.wait_until_begun().await;
    place.store.cancel(&id, now_ms()).await.unwrap();
    place.store.retry(&id, now_ms()).await.unwrap();
    engine.let_on(1);
    stop.cancel();
    worker.await.unwrap();
    let job = place.job(&id).await;
    assert_eq!((job.state, job.attempts), (JobState::Queued, 0));
    assert_eq!(place.store.outbox_backlog().await.unwrap().0, 1);
}

#[tokio::test]
async fn a_job_of_a_worker_that_died_is_finished_once_by_another() {
    let place = Place::new(SECOND, 5).await;
    let (dying, living) = (Engine::new(vec![]), Engine::new(vec![]));
    living.let_on(5);
    let id = place.send().await;
    // A runtime of its own ends with all its tasks wherever they are, as a killed process does.
    let process = tokio::runtime::Runtime::new().unwrap();
    let (_worker, _stop) = {
        let _elsewhere = process.enter();
        place.work(&dying, SECOND)
    };
    dying.wait_until_begun().await;
    process.shutdown_background();
    let (_worker, stop) = place.work(&living, SECOND);
    let job = place.wait_for(&id, JobState::NeedsReview).await;
    assert_eq!(job.attempts, 2);
    assert_eq!(living.done.load(Ordering::SeqCst), 1);
    stop.cancel();
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_stops_and_writes_nothing() {
    let place = Place::new(SECOND, 5).await;
    let engine = Engine::new(vec![]);
    let id = place.send().await;
    let (_worker, stop) = place.work(&engine, SECOND);
    engine.wait_until_begun().await;
    let taken = place
        .store
        .requeue_abandoned(now_ms() + 60_000, now_ms(), 10)
        .await
        .unwrap();
    assert_eq!(taken, std::slice::from_ref(&id));
    place
        .store
        .claim(&id, "another", now_ms(), 60_000)
        .await
        .unwrap();
    while engine.dropped.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(place.job(&id).await.state, JobState::Processing);
    assert_eq!(place.store.result(&id).await.unwrap(), None);
    stop.cancel();
}

#[tokio::test]
async fn a_queue_that_hangs_lets_no_lease_run_out() {
    let mut place = Place::new(SECOND, 5).await;
    let extended = Arc::new(Semaphore::new(0));
    let told = extended.clone();
    place.queue = Hooked::new(2 * SECOND, move |call| {
        if call != "extend" {
            return Box::pin(async {});
        }
        told.add_permits(1);
        Box::pin(std::future::pending())
    });
    let engine = Engine::new(vec![]);
    let id = place.send().await;
    let (_worker, stop) = place.work(&engine, SECOND);
    engine.wait_until_begun().await;
    // The third is due after the time of a lease.
    let renewed = tokio::time::timeout(20 * SECOND, extended.acquire_many(3)).await;
    renewed.expect("it is tried again").unwrap().forget();
    let claim = place.store.claim(&id, "another", now_ms(), 1).await;
    assert_eq!(claim.unwrap(), Claim::HeldByOther);
    engine.let_on(1);
    let job = place.wait_for(&id, JobState::NeedsReview).await;
    assert_eq!(job.attempts, 1);
    stop.cancel();
}

#[tokio::test]
async fn a_cancelled_job_is_left_and_its_message_goes() {
    let place = Place::new(SECOND, 5).await;
    let engine = Engine::new(vec![]);
    let id = place.send().await;
    let (worker, stop) = place.work(&engine, SECOND);
    engine.wait_until_begun().await;
    assert!(matches!(
        place.store.cancel(&id, now_ms()).await.unwrap(),
        Cancel::Cancelled(_)
    ));
    while engine.dropped.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(SECOND).await;
    stop.cancel();
    worker.await.unwrap();
    assert_eq!(place.queue.receive(1, 2 * SECOND).await.unwrap(), []);
    assert_eq!(place.job(&id).await.state, JobState::Cancelled);
}

#[tokio::test]
async fn a_document_that_nobody_has_read_is_described_by_its_first_reader() {
    let place = Place::new(10 * SECOND, 5).await;
    let engine = Engine::new(vec![]);
    let id = place.send().await;
    let (_worker, stop) = place.work(&engine, SECOND);
    engine.let_on(1);
    let job = place.wait_for(&id, JobState::NeedsReview).await;
    let document = place.store.document(&job.document_id).await.unwrap();
    let document = document.unwrap();
    assert_eq!(document.sha256.unwrap(), DOCUMENT_SHA256);
    assert_eq!(document.content_type, None, "it is of no type we read");
    stop.cancel();
}

#[tokio::test]
async fn a_message_that_comes_while_the_worker_stops_is_visible_to_others_at_once() {
    let mut place = Place::new(30 * SECOND, 5).await;
    let (stop, asked) = (CancellationToken::new(), Arc::new(Notify::new()));
    // The long poll ends only after the worker was told to stop, as that of SQS may.
    let (told, stopped) = (asked.clone(), stop.clone());
    place.queue = Hooked::new(30 * SECOND, move |call| {
        let (told, stopped) = (told.clone(), stopped.clone());
        Box::pin(async move {
            if call == "receive" {
                told.notify_one();
                stopped.cancelled().await;
            }
        })
    });
    let id = place.send().await;
    let worker = place.worker(&Engine::new(vec![]), 10 * SECOND);
    let running = tokio::spawn(Arc::new(worker).run(stop.clone()));
    asked.notified().await;
    stop.cancel();
    running.await.unwrap();
    let again = place.queue.receive(1, Duration::ZERO).await.unwrap();
    assert_eq!((&again[0].job_id, again[0].receive_count), (&id, 2));
    assert_eq!(place.job(&id).await.attempts, 0);
}

#[tokio::test]
async fn a_worker_asked_to_stop_finishes_what_it_has() {
    let place = Place::new(10 * SECOND, 5).await;
    let engine = Engine::new(vec![]);
    let (first, second) = (place.send().await, place.send().await);
    let (worker, stop) = place.work(&engine, 10 * SECOND);
    engine.wait_until_begun().await;
    engine.wait_until_begun().await;
    let waiting = place.send().await;
    stop.cancel();
    engine.let_on(2);
    worker.await.unwrap();
    for id in [&first, &second] {
        assert_eq!(place.job(id).await.state, JobState::NeedsReview);
    }
    assert_eq!(place.job(&waiting).await.state, JobState::Queued);
}

#[tokio::test]
async fn what_is_not_finished_in_the_grace_period_is_handed_back_at_once_and_counts_no_attempt() {
    let place = Place::new(30 * SECOND, 5).await;
    let engine = Engine::new(vec![]);
    let id = place.send().await;
    let (worker, stop) = place.work(&engine, Duration::from_millis(100));
    engine.wait_until_begun().await;
    stop.cancel();
    worker.await.unwrap();
    let job = place.job(&id).await;
    assert_eq!((job.state, job.attempts), (JobState::Queued, 0));
    assert_eq!(
        place.queue.receive(1, Duration::ZERO).await.unwrap()[0].job_id,
        id
    );
}

#[tokio::test]
async fn being_handed_back_uses_up_no_chance_of_a_job() {
    let place = Place::new(30 * SECOND, 2).await;
    let failure = Failure::ours("engine_unavailable", "No child could be started.");
    let engine = Engine::new(vec![failure]);
    let id = place.send().await;
    for _ in 0..2 {
        let (worker, stop) = place.work(&engine, Duration::from_millis(100));
        engine.wait_until_begun().await;
        stop.cancel();
        worker.await.unwrap();
    }
    assert_eq!(place.queue.receive(1, Duration::ZERO).await.unwrap(), []);
    let owed = place.store.take_unsent(now_ms(), 1000, 10).await.unwrap();
    assert_eq!(owed.len(), 1, "the queue gives the old message up");
    place.queue.send(std::slice::from_ref(&id)).await.unwrap();
    engine.let_on(2);
    let (_worker, stop) = place.work(&engine, SECOND);
    let job = place.wait_for(&id, JobState::NeedsReview).await;
    assert_eq!(job.attempts, 2, "one failed, and was not the last");
    stop.cancel();
}

#[tokio::test]
async fn the_message_of_a_finished_job_is_deleted_however_long_that_takes() {
    let mut place = Place::new(SECOND, 5).await;
    let told: Arc<Mutex<Vec<&str>>> = Arc::default();
    let calls = told.clone();
    place.queue = Hooked::new(SECOND, move |call| {
        let calls = calls.clone();
        Box::pin(async move {
            calls.lock().unwrap().push(call);
            if call == "delete" {
                // The lease is renewed at a third of the visibility.
                tokio::time::sleep(SECOND / 2).await;
                calls.lock().unwrap().push("deleted");
            }
        })
    });
    let engine = Engine::new(vec![]);
    engine.let_on(1);
    let id = place.send().await;
    let (worker, stop) = place.work(&engine, 10 * SECOND);
    place.wait_for(&id, JobState::NeedsReview).await;
    stop.cancel();
    worker.await.unwrap();
    let told = told.lock().unwrap();
    let after = told.iter().skip_while(|call| **call != "delete");
    let after: Vec<_> = after.filter(|call| **call != "receive").collect();
    assert_eq!(after, [&"delete", &"deleted"]);
}

#[tokio::test]
async fn a_message_without_a_job_stops_nobody() {
    let place = Place::new(10 * SECOND, 2).await;
    let engine = Engine::new(vec![]);
    engine.let_on(1);
    place
        .queue
        .send(&[Uuid::now_v7().to_string()])
        .await
        .unwrap();
    let id = place.send().await;
    let (_worker, stop) = place.work(&engine, SECOND);
    place.wait_for(&id, JobState::NeedsReview).await;
    stop.cancel();
}

#[tokio::test]
async fn a_job_that_kills_its_worker_again_and_again_is_given_up() {
    let place = Place::new(10 * SECOND, 2).await;
    let engine = Engine::new(vec![]);
    let id = place.submit().await;
    for _ in 0..2 {
        place
            .store
            .claim(&id, &Uuid::now_v7().to_string(), now_ms(), 0)
            .await
            .unwrap();
    }
    place.queue.send(std::slice::from_ref(&id)).await.unwrap();
    let (_worker, stop) = place.work(&engine, SECOND);
    let job = place.wait_for(&id, JobState::DeadLettered).await;
    assert_eq!(job.reason.as_deref(), Some("crashed"));
    stop.cancel();
}

#[tokio::test]
async fn the_relay_sends_what_is_owed_as_soon_as_it_is_woken() {
    let place = Place::new(10 * SECOND, 5).await;
    let relay = Relay {
        store: place.store.clone(),
        queue: place.queue.clone(),
        health: place.health.queue.clone(),
        wake: place.wake.clone(),
        metrics: place.metrics.clone(),
    };
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let stop = stop.clone();
        async move { relay.run(stop).await }
    });
    let id = place.submit().await;
    let started = Instant::now();
    place.wake.notify_one();
    let messages = place.queue.receive(1, 10 * SECOND).await.unwrap();
    assert_eq!(messages[0].job_id, id);
    assert!(started.elapsed() < 2 * SECOND);
    stop.cancel();
    task.await.unwrap();
    assert_eq!(place.store.outbox_backlog().await.unwrap(), (0, None));
}

#[tokio::test]
async fn a_restart_forgets_the_queue_in_memory_and_loses_no_job() {
    let place = Place::new(10 * SECOND, 5).await;
    let (sent, held) = (place.submit().await, place.submit().await);
    let entries = place.store.take_unsent(now_ms(), 1000, 10).await.unwrap();
    place.store.mark_sent(&entries, now_ms()).await.unwrap();
    place
        .store
        .claim(&held, "before the restart", now_ms(), 60_000)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    place.sweeper(None).refill().await.unwrap();
    let owed = place.store.take_unsent(now_ms(), 1000, 10).await.unwrap();
    let mut ids: Vec<_> = owed.into_iter().map(|entry| entry.job_id).collect();
    ids.sort();
    assert_eq!(ids, [sent, held]);
}

#[tokio::test]
async fn jobs_older_than_the_retention_go_with_their_objects() {
    let place = Place::new(10 * SECOND, 5).await;
    let engine = Engine::new(vec![]);
    engine.let_on(1);
    let id = place.send().await;
    let (worker, stop) = place.work(&engine, SECOND);
    place.wait_for(&id, JobState::NeedsReview).await;
    stop.cancel();
    worker.await.unwrap();
    place.sweeper(Some(3600 * SECOND)).sweep().await;
    place.job(&id).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    place.sweeper(Some(Duration::ZERO)).sweep().await;
    assert_eq!(place.store.job(&id).await.unwrap(), None);
    for key in [format!("documents/{id}"), format!("results/{id}.json")] {
        assert_eq!(place.blobs.head(&key).await.unwrap(), None);
    }
}

#[tokio::test]
async fn many_expired_jobs_keep_no_lost_job_waiting() {
    let place = Place::new(10 * SECOND, 5).await;
    let mut expired = Vec::new();
    for _ in 0..101 {
        let id = place.submit().await;
        place.store.cancel(&id, now_ms()).await.unwrap();
        expired.push(id);
    }
    tokio::time::sleep(Duration::from_millis(5)).await;
    let sweeper = place.sweeper(Some(Duration::ZERO));
    assert!(sweeper.sweep().await, "there is more");
    assert!(place.store.job(&expired[99]).await.unwrap().is_none());
    assert!(place.store.job(&expired[100]).await.unwrap().is_some());
    let lost = place.submit().await;
    let claim = place.store.claim(&lost, "dead", now_ms() - 60_000, 1);
    claim.await.unwrap();
    assert!(!sweeper.sweep().await);
    assert_eq!(place.job(&lost).await.state, JobState::Queued);
    assert!(place.store.job(&expired[100]).await.unwrap().is_none());
}

#[tokio::test]
async fn a_result_without_a_row_goes_with_its_job_and_the_next_batch_follows_soon() {
    let place = Place::new(10 * SECOND, 5).await;
    let mut last = String::new();
    for _ in 0..101 {
        last = place.submit().await;
        place.store.cancel(&last, now_ms()).await.unwrap();
    }
    let orphan = format!("results/{last}.json");
    let put = place.blobs.put(&orphan, "application/json", "{}".into());
    put.await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let sweeper = place.sweeper(Some(Duration::ZERO));
    let all_are_gone = async {
        while place.store.job(&last).await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = sweeper.run(CancellationToken::new()) => {}
        () = all_are_gone => {}
        () = tokio::time::sleep(6 * SECOND) => panic!("the next sweep is not the next batch"),
    }
    assert_eq!(place.blobs.head(&orphan).await.unwrap(), None);
}

#[tokio::test]
async fn a_sweeper_told_to_stop_leaves_its_sweep() {
    let mut place = Place::new(10 * SECOND, 5).await;
    let asked = Arc::new(Notify::new());
    let told = asked.clone();
    place.queue = Hooked::new(SECOND, move |_| {
        told.notify_one();
        Box::pin(std::future::pending())
    });
    let (sweeper, stop) = (place.sweeper(None), CancellationToken::new());
    let sweeping = tokio::spawn({
        let stop = stop.clone();
        async move { sweeper.run(stop).await }
    });
    asked.notified().await;
    stop.cancel();
    let ended = tokio::time::timeout(5 * SECOND, sweeping).await;
    ended.expect("it ends at once").unwrap();
}

#[tokio::test]
async fn a_step_of_the_sweep_that_fails_keeps_no_other_from_being_done() {
    let place = Place::new(10 * SECOND, 5).await;
    let stuck = place.submit().await;
    place.store.cancel(&stuck, now_ms()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    // A folder in the place of an object cannot be deleted as one.
    let object = place.folder.path().join("objects/documents").join(&stuck);
    std::fs::remove_file(&object).unwrap();
    std::fs::create_dir(&object).unwrap();
    std::fs::write(object.join("file"), "").unwrap();
    let upload = Upload {
        id: Uuid::now_v7().to_string(),
        client: "admin".into(),
        file_name: "a.pdf".into(),
        content_type: "application/pdf".into(),
        size_bytes: 12,
        document_type: "Invoice".into(),
        blob_key: "uploads/abandoned".into(),
        created_ms: 10,
        expires_ms: 20,
        job_id: None,
    };
    place.store.create_upload(&upload, None).await.unwrap();
    place.sweeper(Some(Duration::ZERO)).sweep().await;
    assert!(place.store.job(&stuck).await.unwrap().is_some());
    assert_eq!(place.store.upload(&upload.id).await.unwrap(), None);
}
