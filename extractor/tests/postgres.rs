//! The store and the API on a real PostgreSQL: needs EXTRACTION_TEST_POSTGRES_URL, a user that may create
//! databases. Not part of a plain `cargo test`; `cargo test -p extractor --test postgres` fails without it.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod migration;
mod suite;

use extraction_contract::database_reason;

mod database {
    use extractor::store::{DatabaseUrl, Store};
    use sqlx::{AssertSqlSafe, Connection};

    /// A migrated database of its own for one test; the URL file is gone with the guard.
    pub(crate) async fn fresh() -> (Store, tempfile::TempDir) {
        let (folder, location) = empty().await;
        let store = Store::open(location, 4, None).await.unwrap();
        store.migrate(1).await.unwrap();
        (store, folder)
    }

    /// Runs one statement on a connection of its own.
    pub(crate) async fn execute(url: &str, sql: String) {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
    }

    /// An empty database and the file with its URL.
    pub(crate) async fn empty() -> (tempfile::TempDir, DatabaseUrl) {
        let server = std::env::var("EXTRACTION_TEST_POSTGRES_URL")
            .expect("EXTRACTION_TEST_POSTGRES_URL must name a PostgreSQL to test with");
        let name = format!("extraction_test_{}", uuid::Uuid::now_v7().simple());
        execute(&server, format!("CREATE DATABASE {name}")).await;
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (base, _) = base.rsplit_once('/').unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        std::fs::write(&file, format!("{base}/{name}?{query}\n")).unwrap();
        (folder, DatabaseUrl::File(file))
    }
}

#[tokio::test]
async fn a_changed_url_file_is_used_once_the_old_password_is_refused() {
    use extractor::store::{DatabaseUrl, Store};
    let (folder, DatabaseUrl::File(file)) = database::empty().await else {
        panic!("PostgreSQL is configured by a file")
    };
    let right = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, right.replace("/extraction_test", "/missing_test")).unwrap();
    let store = Store::open(DatabaseUrl::File(file.clone()), 2, None)
        .await
        .unwrap();
    let error = store.ping().await.unwrap_err();
    let told = error.explain();
    assert_eq!(error.reason(), "DatabaseDoesNotExist", "{told}");
    assert!(error.is_unavailable());
    std::fs::write(&file, right).unwrap();
    store.ping().await.unwrap();
    drop(folder);
}

#[tokio::test]
async fn a_rotated_password_is_picked_up_without_a_restart() {
    use extractor::store::{DatabaseUrl, Store};
    let (_folder, DatabaseUrl::File(file)) = database::empty().await else {
        panic!("PostgreSQL is configured by a file")
    };
    let owner = std::fs::read_to_string(&file).unwrap();
    let role = format!("rotated_{}", uuid::Uuid::now_v7().simple());
    let (scheme, rest) = owner.split_once("://").unwrap();
    let place = rest.split_once('@').unwrap().1;
    let as_role = |password: &str| format!("{scheme}://{role}:{password}@{place}");
    let execute = async |sql: String| database::execute(owner.trim(), sql).await;
    execute(format!("CREATE ROLE {role} LOGIN PASSWORD 'first'")).await;
    std::fs::write(&file, as_role("first")).unwrap();
    let store = Store::open(DatabaseUrl::File(file.clone()), 2, None)
        .await
        .unwrap();
    store.ping().await.unwrap();

    execute(format!("ALTER ROLE {role} PASSWORD 'second'")).await;
    execute(format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"
    ))
    .await;
    // The first call may still find the connection that was just cut.
    let mut reasons = Vec::new();
    while reasons.last() != Some(&"DatabaseAuthenticationFailed") {
        reasons.push(store.ping().await.unwrap_err().reason());
        assert!(reasons.len() < 5, "{reasons:?}");
    }
    std::fs::write(&file, as_role("second")).unwrap();
    store.ping().await.unwrap();
}

#[tokio::test]
async fn two_migrations_at_once_apply_each_file_once() {
    use extractor::store::{SCHEMA_VERSION, Store};
    let (_folder, location) = database::empty().await;
    let one = Store::open(location.clone(), 1, None).await.unwrap();
    let other = Store::open(location, 1, None).await.unwrap();
    let (first, second) = tokio::join!(one.migrate(1), other.migrate(2));
    let mut applied = [first.unwrap(), second.unwrap()].concat();
    applied.sort_unstable();
    applied.dedup();
    assert_eq!(applied.len() as i64, SCHEMA_VERSION);
    assert_eq!(one.schema_version().await.unwrap(), SCHEMA_VERSION);
}

#[tokio::test]
async fn a_migration_that_gets_no_connection_tells_why_and_what_to_mend() {
    let (_folder, extractor::store::DatabaseUrl::File(file)) = database::empty().await else {
        panic!("PostgreSQL is configured by a file")
    };
    let right = std::fs::read_to_string(&file).unwrap();
    let (scheme, rest) = right.trim().split_once("://").unwrap();
    let place = rest.split_once('@').unwrap().1;
    let role = format!("stranger_{}", uuid::Uuid::now_v7().simple());
    database::execute(
        right.trim(),
        format!("CREATE ROLE {role} LOGIN PASSWORD 'right'"),
    )
    .await;
    let with_tls = if place.contains('?') { "&" } else { "?" };
    for (url, reason, next_step) in [
        (
            format!("{scheme}://{role}:wrong-one@{place}"),
            database_reason::AUTHENTICATION_FAILED,
            "correct user and password",
        ),
        (
            right.replace("/extraction_test", "/missing_test"),
            database_reason::DOES_NOT_EXIST,
            "create the database",
        ),
        (
            format!("{}{with_tls}sslmode=require", right.trim()),
            database_reason::TLS_FAILED,
            "correct sslmode",
        ),
        (
            format!("{scheme}://{role}:right@{place}"),
            database_reason::PERMISSION_DENIED,
            "grant this right",
        ),
    ] {
        let told = tokio::task::spawn_blocking(move || migration::fails(&url));
        let told = told.await.unwrap();
        assert_eq!(told.reason, reason, "{}", told.message);
        assert!(told.message.contains(next_step), "{}", told.message);
        assert!(!told.message.contains("wrong-one"), "{}", told.message);
        assert!(told.took.as_secs() < 5, "{:?}", told.took);
    }
}

#[tokio::test]
async fn a_migration_that_fails_in_itself_is_named() {
    let (_folder, extractor::store::DatabaseUrl::File(file)) = database::empty().await else {
        panic!("PostgreSQL is configured by a file")
    };
    let url = std::fs::read_to_string(&file).unwrap();
    let in_the_way = "CREATE TABLE jobs (other TEXT)".to_owned();
    database::execute(url.trim(), in_the_way).await;
    let told = tokio::task::spawn_blocking(move || migration::fails(&url));
    let told = told.await.unwrap();
    assert_eq!(told.reason, database_reason::MIGRATION_FAILED);
    assert_eq!(told.migration.as_deref(), Some("0002_create_jobs"));
    assert!(told.message.contains("jobs"), "{}", told.message);
}
