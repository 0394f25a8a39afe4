//! What can go wrong between us and the database, sorted by what the caller can do about it.

use std::io;
use std::path::PathBuf;

use extraction_contract::database_reason;

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
    /// The server refused the user or the password.
    #[error("the database refused to let us {action}")]
    Refused {
        /// What was being done.
        action: &'static str,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// The server has no database of that name.
    #[error("there is no such database to {action}")]
    NoDatabase {
        /// What was being done.
        action: &'static str,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// No agreement on TLS.
    #[error("no TLS connection to the database to {action}")]
    Tls {
        /// What was being done.
        action: &'static str,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// The user lacks a right.
    #[error("the database's user may not {action}")]
    Denied {
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
            Self::Query { .. } => false,
            Self::Migrate { source, .. } => source.is_unavailable(),
            _ => true,
        }
    }

    /// CamelCase reason for conditions and metrics. A migration that lost its database did not fail in itself.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::ReadUrl { .. } => database_reason::URL_UNREADABLE,
            Self::MalformedUrl => database_reason::URL_MALFORMED,
            Self::Unreachable { .. } => database_reason::UNREACHABLE,
            Self::Busy { .. } => database_reason::BUSY,
            Self::Refused { .. } => database_reason::AUTHENTICATION_FAILED,
            Self::NoDatabase { .. } => database_reason::DOES_NOT_EXIST,
            Self::Tls { .. } => database_reason::TLS_FAILED,
            Self::Denied { .. } => database_reason::PERMISSION_DENIED,
            Self::TimedOut { .. } => database_reason::TIMED_OUT,
            Self::SchemaMissing { .. } => database_reason::SCHEMA_MISSING,
            Self::Migrate { source, .. } => match source.reason() {
                lost if database_reason::CONNECTION.contains(&lost) => lost,
                _ => database_reason::MIGRATION_FAILED,
            },
            Self::Query { .. } => database_reason::QUERY_FAILED,
        }
    }

    /// One line for people: what failed, what the server said and what to mend. Without secrets, because neither
    /// PostgreSQL nor SQLite repeats a password, and values are bound and not part of statements.
    #[must_use]
    pub fn explain(&self) -> String {
        let said = match self {
            Self::Unreachable { source, .. }
            | Self::Busy { source, .. }
            | Self::Refused { source, .. }
            | Self::NoDatabase { source, .. }
            | Self::Tls { source, .. }
            | Self::Denied { source, .. }
            | Self::SchemaMissing { source, .. }
            | Self::Query { source, .. } => server_message(source),
            Self::Migrate { source, .. } => Some(source.explain()),
            Self::ReadUrl { .. } | Self::MalformedUrl | Self::TimedOut { .. } => None,
        };
        let told = match said {
            Some(said) => format!("{self}: {said}"),
            None => self.to_string(),
        };
        match self.next_step() {
            Some(next_step) => format!("{told}; {next_step}"),
            None => told,
        }
    }

    fn next_step(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { .. } => Some(
                "check that the server runs, that host and port of the URL lead to it, and that no firewall or network policy is in the way",
            ),
            Self::Refused { .. } => Some(
                "correct user and password in the URL, or let this user in from here in the server's pg_hba.conf",
            ),
            Self::NoDatabase { .. } => {
                Some("create the database, or correct its name at the end of the URL")
            }
            Self::Tls { .. } => {
                Some("correct sslmode and sslrootcert in the URL, or the server's certificate")
            }
            Self::Denied { .. } => Some("grant this right to the user of the URL"),
            _ => None,
        }
    }

    /// Sorts a driver error.
    pub(super) fn from_driver(action: &'static str, source: sqlx::Error) -> Self {
        match classify(&source) {
            Class::Unreachable => Self::Unreachable { action, source },
            Class::Busy => Self::Busy { action, source },
            Class::Refused => Self::Refused { action, source },
            Class::NoDatabase => Self::NoDatabase { action, source },
            Class::Tls => Self::Tls { action, source },
            Class::Denied => Self::Denied { action, source },
            Class::SchemaMissing => Self::SchemaMissing { action, source },
            Class::Other => Self::Query { action, source },
        }
    }
}

/// Whether new connections are refused or impossible, so that a changed URL may help.
pub(super) fn is_connection_failure(error: &sqlx::Error) -> bool {
    matches!(
        classify(error),
        Class::Unreachable | Class::Refused | Class::NoDatabase | Class::Tls | Class::Denied
    )
}

#[derive(Debug, PartialEq, Eq)]
enum Class {
    Unreachable,
    Busy,
    Refused,
    NoDatabase,
    Tls,
    Denied,
    SchemaMissing,
    Other,
}

fn classify(error: &sqlx::Error) -> Class {
    use sqlx::Error as E;
    match error {
        E::PoolTimedOut => Class::Busy,
        // A handshake that failed half-way; nothing else reads data that may be invalid.
        E::Io(io) if io.kind() == io::ErrorKind::InvalidData => Class::Tls,
        E::Tls(_) => Class::Tls,
        E::Io(_) | E::PoolClosed | E::WorkerCrashed | E::Protocol(_) => Class::Unreachable,
        E::Database(database) => classify_code(database.code().as_deref().unwrap_or("")),
        _ => Class::Other,
    }
}

/// SQLSTATE of PostgreSQL (five characters) or SQLite's extended result code (a number).
fn classify_code(code: &str) -> Class {
    if code.len() == 5 {
        return match (&code[..2], code) {
            ("28", _) => Class::Refused,
            (_, "3D000") => Class::NoDatabase,
            (_, "42501") => Class::Denied,
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
        sqlx::Error::Tls(cause) => Some(cause.to_string()),
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
        assert!(busy.is_unavailable() && busy.reason() == "DatabaseBusy");
    }

    #[test]
    fn each_way_not_to_get_a_connection_has_a_reason_and_a_next_step() {
        let io = |kind: io::ErrorKind| sqlx::Error::Io(kind.into());
        for (source, reason, next_step) in [
            (
                io(io::ErrorKind::TimedOut),
                "DatabaseUnreachable",
                "host and port",
            ),
            (
                io(io::ErrorKind::InvalidData),
                "DatabaseTlsFailed",
                "sslmode",
            ),
            (
                sqlx::Error::Tls("server does not support TLS".into()),
                "DatabaseTlsFailed",
                "server does not support TLS",
            ),
        ] {
            let error = StoreError::from_driver("connect", source);
            assert_eq!(error.reason(), reason);
            assert!(database_reason::CONNECTION.contains(&reason));
            let told = error.explain();
            assert!(told.contains(next_step), "{told}");
        }
        for (code, class) in [
            ("28P01", Class::Refused),
            ("28000", Class::Refused),
            ("3D000", Class::NoDatabase),
            ("42501", Class::Denied),
        ] {
            assert_eq!(classify_code(code), class, "{code}");
        }
    }

    #[test]
    fn a_migration_that_lost_its_database_did_not_fail_in_itself() {
        let while_migrating = |source| {
            let source = Box::new(StoreError::from_driver("apply a migration", source));
            StoreError::Migrate {
                migration: "0002_create_jobs",
                source,
            }
        };
        let lost = while_migrating(sqlx::Error::Io(io::ErrorKind::ConnectionReset.into()));
        assert_eq!(lost.reason(), "DatabaseUnreachable");
        let failed = while_migrating(sqlx::Error::RowNotFound);
        assert_eq!(failed.reason(), "MigrationFailed");
    }
}
