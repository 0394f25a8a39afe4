//! Where the database is, and whether its URL can work.

use std::path::PathBuf;
use std::str::FromStr;

use sqlx::any::AnyConnectOptions;
use sqlx::postgres::PgConnectOptions;

use super::StoreError;

/// Where the database is.
#[derive(Clone, Debug)]
pub enum DatabaseUrl {
    /// A file with a PostgreSQL URL, read again when connecting fails.
    File(PathBuf),
    /// A SQLite file, created when it is missing.
    Sqlite(PathBuf),
}

impl DatabaseUrl {
    pub(super) async fn read(&self) -> Result<String, StoreError> {
        match self {
            Self::File(path) => {
                let text = tokio::fs::read_to_string(path).await;
                let text = text.map_err(|source| StoreError::ReadUrl {
                    path: path.clone(),
                    source,
                })?;
                Ok(text.trim().to_owned())
            }
            Self::Sqlite(path) => {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                let escaped = path
                    .to_string_lossy()
                    .replace('%', "%25")
                    .replace('?', "%3F")
                    .replace('#', "%23")
                    .replace(' ', "%20");
                Ok(format!("sqlite://{escaped}?mode=rwc"))
            }
        }
    }
}

/// The URL in the form of the driver, when it can work at all.
pub(super) fn parse(url: &str) -> Result<AnyConnectOptions, StoreError> {
    let is_known = ["postgres://", "postgresql://", "sqlite://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    let options = AnyConnectOptions::from_str(url).map_err(|_| StoreError::MalformedUrl)?;
    let has_host = url.starts_with("sqlite")
        || (options.database_url.has_host() && PgConnectOptions::from_str(url).is_ok());
    if is_known && has_host {
        Ok(options)
    } else {
        Err(StoreError::MalformedUrl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_work_is_refused_before_it_is_used() {
        for url in [
            "postgres://u:p@db:5432/jobs",
            "postgresql://u@db/jobs?sslmode=verify-full",
            "sqlite:///tmp/x.db?mode=rwc",
        ] {
            assert!(parse(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "jobs",
            "mysql://u:p@db/jobs",
            "postgres:///jobs",
            "postgres://u:p@db:port/jobs",
            "postgres://u:p@db/jobs?sslmode=maybe",
        ] {
            assert!(matches!(parse(url), Err(StoreError::MalformedUrl)), "{url}");
        }
    }
}
