//! Brings the schema up to this binary. Each migration is one transaction together with its row in
//! `schema_migrations`, so a failure leaves nothing half done and two runs at once do not meet.

use sqlx::Connection;

use super::{Store, StoreError};

/// One file of `extractor/migrations`.
struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../migrations/", $name, ".sql")),
        }
    };
}

const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_create_documents"),
    migration!(2, "0002_create_jobs"),
    migration!(3, "0003_create_outbox"),
    migration!(4, "0004_create_results"),
    migration!(5, "0005_create_api_keys"),
    migration!(6, "0006_create_uploads"),
    migration!(7, "0007_create_idempotency_keys"),
    migration!(8, "0008_add_deletion_claim"),
];

/// The schema this binary needs.
pub const SCHEMA_VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].version;

const CREATE_VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_ms BIGINT NOT NULL)";

impl Store {
    /// Applies what is missing and returns the names of what was applied now. A newer schema than ours is
    /// left alone: migrations expand first and contract a release later.
    pub async fn migrate(&self, now_ms: i64) -> Result<Vec<&'static str>, StoreError> {
        self.create_versions().await?;
        let mut applied = Vec::new();
        for migration in MIGRATIONS {
            let fresh =
                self.apply(migration, now_ms)
                    .await
                    .map_err(|error| StoreError::Migrate {
                        migration: migration.name,
                        source: Box::new(error),
                    })?;
            if fresh {
                applied.push(migration.name);
            }
        }
        Ok(applied)
    }

    /// The newest migration in the database; 0 when there is none.
    pub async fn schema_version(&self) -> Result<i64, StoreError> {
        let version = self
            .timed("read the schema version", async {
                let mut connection = self.connection().await?;
                sqlx::query_scalar::<_, i64>(
                    "SELECT COALESCE(MAX(version), 0) FROM schema_migrations",
                )
                .fetch_one(&mut *connection)
                .await
            })
            .await;
        match version {
            Err(StoreError::SchemaMissing { .. }) => Ok(0),
            Err(StoreError::Query { source, .. }) if lacks_table(&source) => Ok(0),
            other => other,
        }
    }

    /// Two runs at once may both try to create the table; the loser finds it on its second try.
    async fn create_versions(&self) -> Result<(), StoreError> {
        let create = || {
            self.timed("create the table of migrations", async {
                let mut connection = self.connection().await?;
                sqlx::raw_sql(CREATE_VERSIONS)
                    .execute(&mut *connection)
                    .await?;
                Ok(())
            })
        };
        match create().await {
            Err(StoreError::Query { .. }) => create().await,
            other => other,
        }
    }

    /// The row goes in first: a second run waits for it, sees the conflict and skips the migration.
    async fn apply(&self, migration: &Migration, now_ms: i64) -> Result<bool, StoreError> {
        self.unlimited("apply a migration", async {
            let mut connection = self.connection().await?;
            let mut transaction = connection.begin().await?;
            let inserted = sqlx::query(
                "INSERT INTO schema_migrations (version, name, applied_ms) VALUES ($1, $2, $3)
                 ON CONFLICT (version) DO NOTHING",
            )
            .bind(migration.version)
            .bind(migration.name)
            .bind(now_ms)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
            if inserted == 0 {
                return Ok(false);
            }
            sqlx::raw_sql(migration.sql)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(true)
        })
        .await
    }
}

/// SQLite has no code of its own for a missing table.
fn lacks_table(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(database) if database.message().contains("no such table"))
}

#[cfg(test)]
mod tests {
    use super::MIGRATIONS;

    #[test]
    fn every_file_in_migrations_is_listed_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let listed: Vec<String> = MIGRATIONS
            .iter()
            .map(|migration| format!("{}.sql", migration.name))
            .collect();
        assert_eq!(listed, files);
        for (place, migration) in (1..).zip(MIGRATIONS) {
            assert_eq!(migration.version, place);
            assert!(migration.name.starts_with(&format!("{place:04}_")));
        }
    }
}
