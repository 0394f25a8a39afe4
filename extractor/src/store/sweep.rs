//! Jobs that nobody holds: their message or their worker was lost.

use sqlx::{Connection, Row};

use super::outbox;
use super::{Store, StoreError};

/// Begins with the message that was sent longest ago, which is the order of the index `outbox_sent_sends`: a long
/// backlog of jobs whose turn has not come costs nothing.
const RESEND_LOST: &str = "UPDATE outbox SET created_ms = $1, taken_until_ms = 0, sent_ms = NULL
     WHERE sent_ms < $1 - $2 * sends AND job_id IN (
         SELECT entry.job_id FROM outbox AS entry
         WHERE entry.sent_ms < $1 - $2 AND entry.sent_ms < $1 - $2 * entry.sends AND EXISTS (
             SELECT 1 FROM jobs WHERE jobs.id = entry.job_id AND jobs.state = 'queued'
                 AND jobs.updated_ms < $1 - $2)
         ORDER BY entry.sent_ms LIMIT $3)
     RETURNING job_id";

impl Store {
    /// Queues jobs again whose lease ended before `before_ms` without a redelivered message taking them, and
    /// owes their message. Returns their ids.
    pub async fn requeue_abandoned(
        &self,
        before_ms: i64,
        now_ms: i64,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        self.timed("queue abandoned jobs again", async {
            let mut connection = self.connection().await?;
            let mut transaction = connection.begin().await?;
            let rows = sqlx::query(
                "UPDATE jobs SET state = 'queued', lease_owner = NULL, lease_until_ms = NULL,
                     updated_ms = $1
                 WHERE state = 'processing' AND lease_until_ms < $2 AND id IN (
                     SELECT id FROM jobs WHERE state = 'processing' AND lease_until_ms < $2
                     ORDER BY lease_until_ms LIMIT $3)
                 RETURNING id",
            )
            .bind(now_ms)
            .bind(before_ms)
            .bind(limit)
            .fetch_all(&mut *transaction)
            .await?;
            let mut ids = Vec::with_capacity(rows.len());
            for row in &rows {
                let id: String = row.try_get("id")?;
                outbox::owe(&mut transaction, &id, 0, now_ms).await?;
                ids.push(id);
            }
            transaction.commit().await?;
            Ok(ids)
        })
        .await
    }

    /// Owes the message of queued jobs again that was sent more than `patience_ms` ago and that nobody has
    /// acted on; patience grows with each sending, because a long backlog is not a loss. Returns their ids.
    pub async fn resend_lost(
        &self,
        patience_ms: i64,
        now_ms: i64,
        limit: i64,
    ) -> Result<Vec<String>, StoreError> {
        self.timed("owe lost messages again", async {
            let mut connection = self.connection().await?;
            let rows = sqlx::query(RESEND_LOST)
                .bind(now_ms)
                .bind(patience_ms)
                .bind(limit)
                .fetch_all(&mut *connection)
                .await?;
            rows.iter().map(|row| row.try_get("job_id")).collect()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::DatabaseUrl;

    #[tokio::test]
    async fn looking_for_lost_messages_reads_no_more_than_the_oldest() {
        let folder = tempfile::tempdir().unwrap();
        let location = DatabaseUrl::Sqlite(folder.path().join("db"));
        let store = Store::open(location, 1, None).await.unwrap();
        store.migrate(1).await.unwrap();
        let mut connection = store.connection().await.unwrap();
        let explain = format!("EXPLAIN QUERY PLAN {RESEND_LOST}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(explain))
            .bind(3_i64)
            .bind(1_i64)
            .bind(1_i64)
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        let plan = plan.join("\n");
        assert!(
            plan.contains("SEARCH entry USING COVERING INDEX outbox_sent_sends"),
            "{plan}"
        );
        assert!(
            !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
            "{plan}"
        );
    }
}
