//! What can go wrong between us and the database, sorted by what the caller can do about it.

use std::io;
use std::path::PathBuf;

/// A failed operation on the store. `Display` never shows the URL, a statement's values, or a password.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file that holds the database URL cannot be read.
    #[error("the database URL file {path} cannot be read: create the Secret and key it comes from")]
    ReadUrl {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The URL is not one we can use.
    #[error(
        "the database URL is malformed: it must look like postgres://USER:PASSWORD@HOST:PORT/DATABASE"
    )]
    MalformedUrl,
    /// Nobody answered, or the connection broke.
    #[error("the database is unreachable while trying to {action}")]
    Unreachable {
        /// What was being done.
        action: &'static str,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// Others were in the way: all connections in use, a lock, a deadlock. The database itself is well.
    #[error("the database is too busy to {action}")]
    Busy {
        /// What was being done.
        action: &'static str,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// The server refused the user, the password or the database name.
    #[error(
        "the database refused us while trying to {action}: check user, password and database name"
    )]
    Refused {
        /// What was being done.
        action: &'static str,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// The operation took longer than its limit.
    #[error("the database took longer than {seconds} s to {action}")]
    TimedOut {
        /// What was being done.
        action: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// A table or column is missing: the migration has not run.
    #[error("the database lacks a table or column to {action}: run `extractor migrate`")]
    SchemaMissing {
        /// What was being done.
        action: &'static str,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// One migration failed and was rolled back.
    #[error("migration {migration} failed and was rolled back")]
    Migrate {
        /// File name without `.sql`.
        migration: &'static str,
        /// The failure.
        #[source]
        source: Box<StoreError>,
    },
    /// A statement failed for a reason that waiting does not cure.
    #[error("the database failed to {action}")]
    Query {
        /// What was being done.
        action: &'static str,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
}

impl StoreError {
    /// Whether the same call may succeed later without a change of ours.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::ReadUrl { .. }
            | Self::MalformedUrl
            | Self::Unreachable { .. }
            | Self::Busy { .. }
            | Self::Refused { .. }
            | Self::TimedOut { .. }
            | Self::SchemaMissing { .. } => true,
            Self::Migrate { source, .. } => source.is_unavailable(),
            Self::Query { .. } => false,
        }
    }

    /// CamelCase reason for conditions and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ReadUrl { .. } => "UrlUnreadable",
            Self::MalformedUrl => "UrlMalformed",
            Self::Unreachable { .. } => "Unreachable",
            Self::Busy { .. } => "Busy",
            Self::Refused { .. } => "AccessDenied",
            Self::TimedOut { .. } => "TimedOut",
            Self::SchemaMissing { .. } => "SchemaMissing",
            Self::Migrate { .. } => "MigrationFailed",
            Self::Query { .. } => "QueryFailed",
        }
    }

    /// One line for people: what failed and what the server said. Without secrets, because neither
    /// PostgreSQL nor SQLite repeats a password, and values are bound and not part of statements.
    #[must_use]
    pub fn explain(&self) -> String {
        match self {
            Self::Unreachable { source, .. }
            | Self::Busy { source, .. }
            | Self::Refused { source, .. }
            | Self::SchemaMissing { source, .. }
            | Self::Query { source, .. } => match server_message(source) {
                Some(said) => format!("{self}: {said}"),
                None => self.to_string(),
            },
            Self::Migrate { source, .. } => format!("{self}: {}", source.explain()),
            Self::ReadUrl { .. } | Self::MalformedUrl | Self::TimedOut { .. } => self.to_string(),
        }
    }

    /// Sorts a driver error.
    pub(super) fn from_driver(action: &'static str, source: sqlx::Error) -> Self {
        match classify(&source) {
            Class::Unreachable => Self::Unreachable { action, source },
            Class::Busy => Self::Busy { action, source },
            Class::Refused => Self::Refused { action, source },
            Class::SchemaMissing => Self::SchemaMissing { action, source },
            Class::Other => Self::Query { action, source },
        }
    }
}

/// Whether new connections are refused or impossible, so that a changed URL may help.
pub(super) fn is_connection_failure(error: &sqlx::Error) -> bool {
    matches!(classify(error), Class::Unreachable | Class::Refused)
}

#[derive(Debug, PartialEq, Eq)]
enum Class {
    Unreachable,
    Busy,
    Refused,
    SchemaMissing,
    Other,
}

fn classify(error: &sqlx::Error) -> Class {
    use sqlx::Error as E;
    match error {
        E::PoolTimedOut => Class::Busy,
        E::Io(_) | E::Tls(_) | E::PoolClosed | E::WorkerCrashed | E::Protocol(_) => {
            Class::Unreachable
        }
        E::Database(database) => classify_code(database.code().as_deref().unwrap_or("")),
        _ => Class::Other,
    }
}

/// SQLSTATE of PostgreSQL (five characters) or SQLite's extended result code (a number).
fn classify_code(code: &str) -> Class {
    if code.len() == 5 {
        return match (&code[..2], code) {
            ("28", _) | (_, "3D000" | "42501") => Class::Refused,
            // Transaction rolled back for another's sake (deadlock), lock not available.
            ("40", _) | (_, "55P03") => Class::Busy,
            // Connection, resources, operator intervention, read-only server.
            ("08" | "53" | "57", _) | (_, "25006") => Class::Unreachable,
            (_, "42P01" | "42703") => Class::SchemaMissing,
            _ => Class::Other,
        };
    }
    match code.parse::<u32>().map(|code| code & 0xff) {
        // BUSY, LOCKED.
        Ok(5 | 6) => Class::Busy,
        // IOERR, FULL, CANTOPEN.
        Ok(10 | 13 | 14) => Class::Unreachable,
        _ => Class::Other,
    }
}

fn server_message(error: &sqlx::Error) -> Option<String> {
    match error {
        sqlx::Error::Database(database) => Some(database.message().to_owned()),
        sqlx::Error::Io(io) => Some(io.to_string()),
        sqlx::Error::PoolTimedOut => Some("all connections are in use".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn being_in_each_others_way_is_no_outage() {
        for code in ["40P01", "40001", "55P03", "5", "517", "6"] {
            assert_eq!(classify_code(code), Class::Busy, "{code}");
        }
        for code in ["08006", "53300", "57P01", "25006", "14"] {
            assert_eq!(classify_code(code), Class::Unreachable, "{code}");
        }
        let busy = StoreError::from_driver("wait", sqlx::Error::PoolTimedOut);
        assert!(busy.is_unavailable() && busy.reason() == "Busy");
    }
}
