//! The store and the API on SQLite: needs nothing.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod suite;

mod database {
    use extractor::store::{DatabaseUrl, Store};

    /// A migrated database of its own for one test, gone with the guard.
    pub(crate) async fn fresh() -> (Store, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let location = DatabaseUrl::Sqlite(folder.path().join("extraction.db"));
        let store = Store::open(location, 1, None).await.unwrap();
        store.migrate(1).await.unwrap();
        (store, folder)
    }
}
