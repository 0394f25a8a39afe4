//! Clients that wait for jobs to end: one look at the database for all of them, so that a hundred cost it what one does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::problem::Problem;
use crate::store::{Job, Store, StoreError};

/// Rest between two looks just after somebody came; it doubles while nobody comes, up to [`LONGEST_REST`].
const SHORTEST_REST: Duration = Duration::from_millis(250);
const LONGEST_REST: Duration = Duration::from_secs(1);

/// What those who wait for one job are told: that it ended, or why nobody can know.
type Told = Option<Result<Job, Problem>>;

/// All who wait in this process.
#[derive(Debug)]
pub(super) struct Waiting {
    store: Store,
    waited: Mutex<Waited>,
    joined: Notify,
}

#[derive(Debug, Default)]
struct Waited {
    jobs: HashMap<String, watch::Sender<Told>>,
    looking: Option<JoinHandle<()>>,
}

impl Waiting {
    /// Looks at nothing until somebody waits.
    pub(super) fn new(store: Store) -> Arc<Self> {
        Arc::new(Self {
            store,
            waited: Mutex::default(),
            joined: Notify::new(),
        })
    }

    /// Waits until this job has ended, however long that takes.
    pub(super) async fn until_ended(self: &Arc<Self>, id: &str) -> Result<Job, Problem> {
        let mut told = self.join(id);
        let told = told.wait_for(Option::is_some).await;
        let told = told.ok().and_then(|told| told.clone());
        told.unwrap_or(Err(Problem::Internal))
    }

    fn join(self: &Arc<Self>, id: &str) -> watch::Receiver<Told> {
        let mut waited = self.lock();
        let told = waited.jobs.entry(id.to_owned()).or_default().subscribe();
        if waited.looking.as_ref().is_none_or(JoinHandle::is_finished) {
            waited.looking = Some(tokio::spawn(self.clone().look()));
        }
        drop(waited);
        self.joined.notify_one();
        told
    }

    /// Looks again and again, until nobody waits any more.
    async fn look(self: Arc<Self>) {
        let mut rest = SHORTEST_REST;
        loop {
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = self.joined.notified(), if rest > SHORTEST_REST => {
                    rest = SHORTEST_REST;
                    continue;
                }
            }
            let Some(ids) = self.still_waited() else {
                return;
            };
            let ended = self.store.ended_jobs(&ids).await;
            self.tell(ended);
            rest = LONGEST_REST.min(rest * 2);
        }
    }

    /// The jobs that somebody still waits for. `None` ends the looking, before the next can join.
    fn still_waited(&self) -> Option<Vec<String>> {
        let mut waited = self.lock();
        waited.jobs.retain(|_, told| told.receiver_count() > 0);
        if waited.jobs.is_empty() {
            waited.looking = None;
            return None;
        }
        Some(waited.jobs.keys().cloned().collect())
    }

    fn tell(&self, ended: Result<Vec<Job>, StoreError>) {
        let mut waited = self.lock();
        match ended {
            Ok(jobs) => {
                for job in jobs {
                    if let Some(told) = waited.jobs.remove(&job.id) {
                        told.send_replace(Some(Ok(job)));
                    }
                }
            }
            Err(error) => {
                let problem = Problem::from(error);
                for (_, told) in waited.jobs.drain() {
                    told.send_replace(Some(Err(problem.clone())));
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waited> {
        self.waited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Instant;

    use super::*;
    use crate::store::{DatabaseUrl, JobState, NewDocument, NewJob};

    /// An empty database that counts the calls it gets.
    async fn counting() -> (tempfile::TempDir, Store, Arc<AtomicU32>) {
        let folder = tempfile::tempdir().unwrap();
        let calls = Arc::new(AtomicU32::new(0));
        let counted = calls.clone();
        let observer: crate::store::Observer = Arc::new(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let location = DatabaseUrl::Sqlite(folder.path().join("db"));
        let store = Store::open(location, 1, Some(observer)).await.unwrap();
        store.migrate(1).await.unwrap();
        (folder, store, calls)
    }

    async fn submit(store: &Store, id: &str) {
        let document = NewDocument {
            id: format!("document-{id}"),
            client: "client".into(),
            file_name: "a.pdf".into(),
            declared_content_type: "application/pdf".into(),
            content_type: None,
            sha256: None,
            size_bytes: 1,
            blob_key: format!("documents/{id}"),
        };
        let job = NewJob {
            id: id.into(),
            document_type: "Invoice".into(),
            document,
        };
        store.submit(&job, None, 1).await.unwrap();
    }

    async fn until(is_so: impl Fn() -> bool) {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn fifty_who_wait_cost_the_database_what_one_costs() {
        let (_folder, store, calls) = counting().await;
        let ids: Vec<String> = (0..50).map(|number| format!("job-{number}")).collect();
        for id in &ids {
            submit(&store, id).await;
        }
        let waiting = Waiting::new(store.clone());
        calls.store(0, Ordering::Relaxed);
        let started = Instant::now();
        let clients: Vec<_> = ids
            .iter()
            .map(|id| {
                let (waiting, id) = (waiting.clone(), id.clone());
                tokio::spawn(async move { waiting.until_ended(&id).await })
            })
            .collect();
        until(|| calls.load(Ordering::Relaxed) >= 3).await;
        let at_most = started.elapsed().as_millis() / SHORTEST_REST.as_millis();
        let looks = u128::from(calls.load(Ordering::Relaxed));
        assert!(looks <= at_most, "{looks} looks, at most {at_most} ticks");
        for id in &ids {
            store.cancel(id, 2).await.unwrap();
        }
        for client in clients {
            assert_eq!(client.await.unwrap().unwrap().state, JobState::Cancelled);
        }
    }

    #[tokio::test]
    async fn when_nobody_waits_any_more_nobody_looks() {
        let (_folder, store, calls) = counting().await;
        submit(&store, "job").await;
        let waiting = Waiting::new(store);
        let gone = tokio::time::timeout(Duration::from_millis(1), waiting.until_ended("job"));
        assert!(gone.await.is_err());
        let before = calls.load(Ordering::Relaxed);
        until(|| waiting.lock().looking.is_none()).await;
        assert_eq!(calls.load(Ordering::Relaxed), before);
    }

    #[tokio::test]
    async fn who_waits_is_told_when_the_database_goes_away() {
        let (_folder, store, _) = counting().await;
        let waiting = Waiting::new(store.clone());
        store.close().await;
        let told = waiting.until_ended("job").await.unwrap_err();
        assert_eq!(told, Problem::Unavailable("database"));
    }
}
