//! The table `idempotency_keys`.

use sqlx::{AnyConnection, Row};

use super::{Store, StoreError};

/// What is remembered about a request that carried an `Idempotency-Key`.
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The API key that sent it; keys of different clients do not meet.
    pub client: String,
    /// The header's value.
    pub key: String,
    /// SHA-256 over what the request asked for, in hex.
    pub request_hash: String,
    /// The answer to give again, as JSON.
    pub response: String,
    /// The job that was made, so that the memory goes when the job does.
    pub job_id: Option<String>,
}

/// The first answer under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// As in [`Idempotency`].
    pub request_hash: String,
    /// As in [`Idempotency`].
    pub response: String,
}

impl Store {
    /// The first answer under a key, if there was one.
    pub async fn recorded(&self, client: &str, key: &str) -> Result<Option<Recorded>, StoreError> {
        self.timed("read an idempotency key", async {
            let mut connection = self.connection().await?;
            find(&mut connection, client, key).await
        })
        .await
    }

    /// Forgets keys older than `before_ms`; returns how many.
    pub async fn forget_idempotency_keys(&self, before_ms: i64) -> Result<u64, StoreError> {
        self.timed("delete old idempotency keys", async {
            let mut connection = self.connection().await?;
            let done = sqlx::query("DELETE FROM idempotency_keys WHERE created_ms < $1")
                .bind(before_ms)
                .execute(&mut *connection)
                .await?;
            Ok(done.rows_affected())
        })
        .await
    }
}

/// Remembers an answer, or returns the one that was first. The insert comes before anything else in the
/// transaction: a second request under the same key waits for it.
pub(super) async fn record(
    connection: &mut AnyConnection,
    new: &Idempotency,
    now_ms: i64,
) -> Result<Option<Recorded>, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO idempotency_keys
             (client, idempotency_key, request_hash, response, job_id, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (client, idempotency_key) DO NOTHING",
    )
    .bind(&new.client)
    .bind(&new.key)
    .bind(&new.request_hash)
    .bind(&new.response)
    .bind(&new.job_id)
    .bind(now_ms)
    .execute(&mut *connection)
    .await?
    .rows_affected();
    if inserted == 1 {
        return Ok(None);
    }
    find(connection, &new.client, &new.key).await
}

async fn find(
    connection: &mut AnyConnection,
    client: &str,
    key: &str,
) -> Result<Option<Recorded>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT request_hash, response FROM idempotency_keys
         WHERE client = $1 AND idempotency_key = $2",
    )
    .bind(client)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Recorded {
            request_hash: row.try_get("request_hash")?,
            response: row.try_get("response")?,
        })
    })
    .transpose()
}
