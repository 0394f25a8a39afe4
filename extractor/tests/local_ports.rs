//! The queue in memory and objects in a folder: needs nothing.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod ports;

mod adapters {
    use std::time::Duration;

    use extractor::blobs::{Blobs, Directory};
    use extractor::config::SecretFile;
    use extractor::dependencies::Dependency;
    use extractor::queue::{LocalQueue, Queue};

    /// An empty queue of its own for one test.
    pub(crate) async fn queue(visibility: Duration, max_receive_count: u32) -> Box<dyn Queue> {
        Box::new(LocalQueue::new(
            visibility,
            max_receive_count,
            Dependency::default(),
        ))
    }

    /// An empty store of objects of its own for one test, gone with the guard.
    pub(crate) async fn blobs() -> (Box<dyn Blobs>, Option<tempfile::TempDir>) {
        let folder = tempfile::tempdir().unwrap();
        let key = SecretFile::new(folder.path().join("key"));
        std::fs::write(key.path(), "k".repeat(32)).unwrap();
        let root = folder.path().join("objects");
        let blobs =
            Directory::open(&root, "http://127.0.0.1:8080", key, Dependency::default()).unwrap();
        (Box::new(blobs), Some(folder))
    }
}
