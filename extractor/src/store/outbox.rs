//! The table `outbox`: messages that are owed to the queue.

use sqlx::{AnyConnection, Row};

use super::{Store, StoreError};

/// A message that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The job to look at.
    pub job_id: String,
    /// When it was owed; tells a renewed entry from the one that was taken.
    pub created_ms: i64,
}

impl Store {
    /// Takes up to `limit` owed messages, oldest first, and keeps other relays off them for `lease_ms`.
    /// An entry that is not marked as sent by then is taken again.
    pub async fn take_unsent(
        &self,
        now_ms: i64,
        lease_ms: i64,
        limit: i64,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        self.timed("take messages from the outbox", async {
            let mut connection = self.connection().await?;
            // The outer conditions are checked again on rows that another relay has just taken.
            let rows = sqlx::query(
                "UPDATE outbox SET taken_until_ms = $1
                 WHERE sent_ms IS NULL AND taken_until_ms <= $2 AND job_id IN (
                     SELECT job_id FROM outbox WHERE sent_ms IS NULL AND taken_until_ms <= $2
                     ORDER BY created_ms LIMIT $3)
                 RETURNING job_id, created_ms",
            )
            .bind(now_ms + lease_ms)
            .bind(now_ms)
            .bind(limit)
            .fetch_all(&mut *connection)
            .await?;
            rows.iter()
                .map(|row| {
                    Ok(OutboxEntry {
                        job_id: row.try_get("job_id")?,
                        created_ms: row.try_get("created_ms")?,
                    })
                })
                .collect()
        })
        .await
    }

    /// Marks messages as sent, in one transaction; an entry that was renewed meanwhile stays owed.
    pub async fn mark_sent(&self, entries: &[OutboxEntry], now_ms: i64) -> Result<(), StoreError> {
        self.timed("mark messages as sent", async {
            let mut connection = self.connection().await?;
            let mut transaction = sqlx::Connection::begin(&mut *connection).await?;
            for entry in entries {
                sqlx::query(
                    "UPDATE outbox SET sent_ms = $1, sends = sends + 1
                     WHERE job_id = $2 AND created_ms = $3 AND sent_ms IS NULL",
                )
                .bind(now_ms)
                .bind(&entry.job_id)
                .bind(entry.created_ms)
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await
        })
        .await
    }

    /// Owes the message of a queued job anew, to be sent at `from_ms` or later. False means that the job is not
    /// queued.
    pub async fn owe_again(
        &self,
        job_id: &str,
        from_ms: i64,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        self.timed("owe a message again", async {
            let mut connection = self.connection().await?;
            owe(&mut connection, job_id, from_ms, now_ms).await
        })
        .await
    }

    /// How many messages are owed and since when the oldest is, for metrics.
    pub async fn outbox_backlog(&self) -> Result<(i64, Option<i64>), StoreError> {
        self.timed("count the outbox", async {
            let mut connection = self.connection().await?;
            let row = sqlx::query(
                "SELECT COUNT(*) AS owed, MIN(created_ms) AS oldest_ms FROM outbox
                 WHERE sent_ms IS NULL",
            )
            .fetch_one(&mut *connection)
            .await?;
            Ok((row.try_get("owed")?, row.try_get("oldest_ms")?))
        })
        .await
    }
}

/// Owes the queue a message about a queued job from `from_ms` on (0: at once), whatever was sent before. False
/// means that the job is not queued.
pub(super) async fn owe(
    connection: &mut AnyConnection,
    job_id: &str,
    from_ms: i64,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "INSERT INTO outbox (job_id, created_ms, taken_until_ms, sends)
         SELECT id, $1, $2, 0 FROM jobs WHERE id = $3 AND state = 'queued'
         ON CONFLICT (job_id) DO UPDATE SET created_ms = $1, taken_until_ms = $2, sent_ms = NULL",
    )
    .bind(now_ms)
    .bind(from_ms)
    .bind(job_id)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A job that has ended owes nothing. Part of the transaction that ends it.
pub(super) async fn settle(
    connection: &mut AnyConnection,
    job_id: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM outbox WHERE job_id = $1")
        .bind(job_id)
        .execute(connection)
        .await?;
    Ok(())
}
