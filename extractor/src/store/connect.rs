//! The pool: how connections are made, limited in time, and remade when the URL file changes.

use std::fmt;
use std::future::Future;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection, Executor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::StoreError;
use super::error::is_connection_failure;
use super::location::{DatabaseUrl, parse};

/// Longest wait for a connection.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(3);
/// Longest time of one try to connect outside the pool.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Longest time of one operation, the wait for a connection included.
const OPERATION_LIMIT: Duration = Duration::from_secs(8);
/// A connection that rested longer than this is tried before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// Told the outcome of every call; `None` means that the database answered.
pub type Observer = Arc<dyn Fn(Option<&StoreError>) + Send + Sync>;

/// A handle on the database; cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    pool: AnyPool,
    /// One permit for each connection that the pool may open, so that waiting for our own calls is not taken for a
    /// database that does not answer.
    turns: Arc<Semaphore>,
    location: DatabaseUrl,
    url: Mutex<String>,
    observer: Option<Observer>,
}

/// A connection of the pool and the turn to use it.
pub(super) struct Turn {
    connection: PoolConnection<Any>,
    _permit: OwnedSemaphorePermit,
}

impl Deref for Turn {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.connection
    }
}

impl DerefMut for Turn {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Prepares the pool without connecting: the first use connects. Fails when the URL file is missing or
    /// malformed. `connections` bounds the PostgreSQL connections of this process; SQLite uses one, because
    /// it has one writer anyway and waiting in our queue is fair.
    pub async fn open(
        location: DatabaseUrl,
        connections: u32,
        observer: Option<Observer>,
    ) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let url = location.read().await?;
        let is_sqlite = matches!(location, DatabaseUrl::Sqlite(_));
        let connections = if is_sqlite { 1 } else { connections };
        let pool = pool_options(is_sqlite, connections).connect_lazy_with(parse(&url)?);
        Ok(Self {
            inner: Arc::new(Inner {
                pool,
                turns: Arc::new(Semaphore::new(connections as usize)),
                location,
                url: Mutex::new(url),
                observer,
            }),
        })
    }

    /// Asks the database for nothing but an answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.timed("ping", async {
            let mut connection = self.connection().await?;
            Connection::ping(&mut *connection).await
        })
        .await
    }

    /// Connects once outside the pool, which would try again whatever may be a server that starts, and so tells only
    /// that time ran out. The URL is read anew.
    pub async fn try_connecting(&self) -> Result<(), StoreError> {
        const ACTION: &str = "connect";
        let options = parse(&self.inner.location.read().await?)?;
        let connected = tokio::time::timeout(CONNECT_LIMIT, options.connect()).await;
        let outcome = connected.unwrap_or_else(|_| {
            let silence = format!("no answer within {} s", CONNECT_LIMIT.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, silence).into())
        });
        let outcome = outcome.map_err(|error| StoreError::from_driver(ACTION, error));
        // It is of no further use, however its end goes.
        let _ended = self.observe(outcome)?.close().await;
        Ok(())
    }

    /// Connections in use and open, for metrics.
    #[must_use]
    pub fn connections(&self) -> (u32, u32) {
        let open = self.inner.pool.size();
        let idle = u32::try_from(self.inner.pool.num_idle()).unwrap_or(open);
        (open.saturating_sub(idle), open)
    }

    /// Closes the connections after the calls in hand.
    pub async fn close(&self) {
        self.inner.pool.close().await;
    }

    /// A connection; when none can be made, the URL file is read again and a changed URL is tried once.
    pub(super) async fn connection(&self) -> Result<Turn, sqlx::Error> {
        let turn = self.inner.turns.clone().acquire_owned();
        let permit = tokio::time::timeout(ACQUIRE_LIMIT, turn).await;
        let permit = permit.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let connection = match self.connect().await {
            Err(error) if is_connection_failure(&error) && self.reload_url().await => {
                self.connect().await
            }
            other => other,
        };
        Ok(Turn {
            connection: connection?,
            _permit: permit.map_err(|_| sqlx::Error::PoolClosed)?,
        })
    }

    /// Whoever has a turn waits for nobody but the database.
    async fn connect(&self) -> Result<PoolConnection<Any>, sqlx::Error> {
        match self.inner.pool.acquire().await {
            Err(sqlx::Error::PoolTimedOut) => Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())),
            other => other,
        }
    }

    /// Runs one operation within its time limit, sorts its error and tells the observer.
    pub(super) async fn timed<T>(
        &self,
        action: &'static str,
        operation: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        let outcome = match tokio::time::timeout(OPERATION_LIMIT, operation).await {
            Ok(outcome) => outcome.map_err(|error| StoreError::from_driver(action, error)),
            Err(_) => Err(StoreError::TimedOut {
                action,
                seconds: OPERATION_LIMIT.as_secs(),
            }),
        };
        self.observe(outcome)
    }

    /// As [`Self::timed`] without a limit: for migrations, which may have to rewrite a table.
    pub(super) async fn unlimited<T>(
        &self,
        action: &'static str,
        operation: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        let outcome = operation.await;
        self.observe(outcome.map_err(|error| StoreError::from_driver(action, error)))
    }

    /// That we are in our own way says nothing of the database.
    fn observe<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Some(observer) = &self.inner.observer
            && !matches!(outcome, Err(StoreError::Busy { .. }))
        {
            observer(
                outcome
                    .as_ref()
                    .err()
                    .filter(|error| error.is_unavailable()),
            );
        }
        outcome
    }

    /// Whether the file now holds another, usable URL; new connections use it from then on.
    async fn reload_url(&self) -> bool {
        let Ok(url) = self.inner.location.read().await else {
            return false;
        };
        let Ok(options) = parse(&url) else {
            return false;
        };
        let mut known = self
            .inner
            .url
            .lock()
            .expect("nothing panics while it holds the URL");
        if *known == url {
            return false;
        }
        self.inner.pool.set_connect_options(options);
        *known = url;
        tracing::info!("the database URL file has changed; connecting anew");
        true
    }
}

fn pool_options(is_sqlite: bool, connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_LIMIT)
        .idle_timeout((!is_sqlite).then_some(Duration::from_secs(60)))
        .max_lifetime((!is_sqlite).then_some(Duration::from_secs(600)))
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_IDLE {
                    Connection::ping(connection).await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move {
                let settings = session_settings(connection.backend_name());
                connection.execute(settings).await?;
                Ok(())
            })
        })
}

/// The server gives up on its own as well, so that a lost client leaves no lock behind.
fn session_settings(backend: &str) -> &'static str {
    if backend == "SQLite" {
        "PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON"
    } else {
        "SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '15s'"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_full_pool_is_told_to_the_caller_and_not_to_the_tracker() {
        let folder = tempfile::tempdir().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let tracker = told.clone();
        let observer: Observer = Arc::new(move |outcome| {
            tracker
                .lock()
                .unwrap()
                .push(outcome.map(StoreError::reason));
        });
        let location = DatabaseUrl::Sqlite(folder.path().join("db"));
        let store = Store::open(location, 1, Some(observer)).await.unwrap();
        let taken = store.inner.turns.clone().acquire_owned().await.unwrap();
        let error = store.ping().await.unwrap_err();
        assert!(matches!(error, StoreError::Busy { .. }), "{error:?}");
        assert_eq!(*told.lock().unwrap(), []);
        drop(taken);
    }

    #[tokio::test]
    async fn a_missing_url_file_is_named_and_a_malformed_one_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        let open = || Store::open(DatabaseUrl::File(file.clone()), 1, None);
        let missing = open().await.unwrap_err();
        assert!(missing.to_string().contains(file.to_str().unwrap()));
        std::fs::write(&file, "postgres//u:hunter2@db").unwrap();
        let malformed = open().await.unwrap_err();
        assert!(!format!("{malformed:?} {}", malformed.explain()).contains("hunter2"));
    }
}
