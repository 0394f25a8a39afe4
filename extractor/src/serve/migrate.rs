//! `extractor migrate`: brings the database to the schema of this release, then ends.

use std::path::Path;
use std::time::{Duration, Instant};

use super::ServeError;
use crate::clock::now_ms;
use crate::config::MigrateArgs;
use crate::store::{DatabaseUrl, Store, StoreError};
use crate::telemetry;

const REST: Duration = Duration::from_secs(1);

/// Migrates; a failure is also written, as one line of JSON, to where Kubernetes shows it.
pub async fn migrate(args: MigrateArgs) -> Result<(), ServeError> {
    telemetry::start(&args.log.log)?;
    let outcome = attempt(&args).await;
    if let Err(error) = &outcome {
        write_termination(&args.termination_log, error);
    }
    Ok(outcome?)
}

/// Waits for a database that does not answer yet; anything else fails at once.
async fn attempt(args: &MigrateArgs) -> Result<(), StoreError> {
    let limit = Duration::from_secs(args.wait_seconds);
    let started = Instant::now();
    let store = Store::open(
        DatabaseUrl::File(args.database.database_url_file.clone()),
        1,
        None,
    )
    .await?;
    loop {
        match connect_and_migrate(&store).await {
            Err(error) if is_away(&error) && started.elapsed() < limit => {
                tracing::info!(
                    reason = error.reason(),
                    "waiting for the database: {}",
                    error.explain()
                );
                tokio::time::sleep(REST).await;
            }
            Ok(applied) => {
                for name in &applied {
                    tracing::info!(migration = name, "applied {name}");
                }
                tracing::info!(applied = applied.len(), "the schema is up to date");
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
}

async fn connect_and_migrate(store: &Store) -> Result<Vec<&'static str>, StoreError> {
    store.try_connecting().await?;
    store.migrate(now_ms()).await
}

fn is_away(error: &StoreError) -> bool {
    match error {
        StoreError::Migrate { source, .. } => is_away(source),
        StoreError::Unreachable { .. } | StoreError::Busy { .. } | StoreError::TimedOut { .. } => {
            true
        }
        _ => false,
    }
}

fn write_termination(path: &Path, error: &StoreError) {
    let migration = match error {
        StoreError::Migrate { migration, .. } => Some(migration),
        _ => None,
    };
    let line = serde_json::json!({
        "reason": error.reason(),
        "migration": migration,
        "message": error.explain(),
    });
    // Only a container has this file; nothing is made elsewhere.
    let file = std::fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(path);
    if let Ok(mut file) = file {
        let _nowhere_else_to_say_it =
            std::io::Write::write_all(&mut file, format!("{line}\n").as_bytes());
    }
}
