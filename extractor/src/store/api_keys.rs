//! The table `api_keys`. Only hashes are kept.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::row::decode;
use super::{Store, StoreError};

/// A key as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// UUID v7; the name of the client in other tables.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_ms: i64,
    /// When it stopped working.
    pub revoked_ms: Option<i64>,
}

/// A key to be stored.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// UUID v7.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// SHA-256 of the token, in hex.
    pub hash: String,
}

impl ApiKey {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let scopes: String = row.try_get("scopes")?;
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            scopes: serde_json::from_str(&scopes).map_err(decode)?,
            created_ms: row.try_get("created_ms")?,
            revoked_ms: row.try_get("revoked_ms")?,
        })
    }
}

impl Store {
    /// Stores a key.
    pub async fn create_api_key(&self, new: &NewApiKey, now_ms: i64) -> Result<(), StoreError> {
        let scopes = serde_json::Value::from(new.scopes.clone()).to_string();
        self.timed("store an API key", async {
            let mut connection = self.connection().await?;
            sqlx::query(
                "INSERT INTO api_keys (id, name, scopes, hash, created_ms)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(&new.id)
            .bind(&new.name)
            .bind(scopes)
            .bind(&new.hash)
            .bind(now_ms)
            .execute(&mut *connection)
            .await?;
            Ok(())
        })
        .await
    }

    /// The key with this hash, unless it was revoked.
    pub async fn api_key_by_hash(&self, hash: &str) -> Result<Option<ApiKey>, StoreError> {
        self.timed("look up an API key", async {
            let mut connection = self.connection().await?;
            let row = sqlx::query(
                "SELECT id, name, scopes, created_ms, revoked_ms FROM api_keys
                 WHERE hash = $1 AND revoked_ms IS NULL",
            )
            .bind(hash)
            .fetch_optional(&mut *connection)
            .await?;
            row.as_ref().map(ApiKey::from_row).transpose()
        })
        .await
    }

    /// All keys, revoked ones too, oldest first, up to `limit`, after the given id.
    pub async fn api_keys(&self, after: &str, limit: i64) -> Result<Vec<ApiKey>, StoreError> {
        self.timed("list API keys", async {
            let mut connection = self.connection().await?;
            let rows = sqlx::query(
                "SELECT id, name, scopes, created_ms, revoked_ms FROM api_keys
                 WHERE id > $1 ORDER BY id LIMIT $2",
            )
            .bind(after)
            .bind(limit)
            .fetch_all(&mut *connection)
            .await?;
            rows.iter().map(ApiKey::from_row).collect()
        })
        .await
    }

    /// Ends a key; the time of the first revocation stays. `None` means that there is no such key.
    pub async fn revoke_api_key(
        &self,
        id: &str,
        now_ms: i64,
    ) -> Result<Option<ApiKey>, StoreError> {
        self.timed("revoke an API key", async {
            let mut connection = self.connection().await?;
            let row = sqlx::query(
                "UPDATE api_keys SET revoked_ms = COALESCE(revoked_ms, $1) WHERE id = $2
                 RETURNING id, name, scopes, created_ms, revoked_ms",
            )
            .bind(now_ms)
            .bind(id)
            .fetch_optional(&mut *connection)
            .await?;
            row.as_ref().map(ApiKey::from_row).transpose()
        })
        .await
    }
}
