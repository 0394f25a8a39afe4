//! Objects as files below one folder.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;

use super::{BlobError, BlobHead, Blobs, PresignedPut, UploadLink, validate_key};
use crate::config::SecretFile;
use crate::dependencies::{Dependency, Fault};

/// A folder of objects. Writes go to a temporary file first, so that a reader sees all or nothing, also
/// after a power cut.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    public_url: String,
    signing_key: SecretFile,
    health: Dependency,
}

impl Directory {
    /// Takes the folder into use and makes it when it is missing. Upload links start with `public_url`.
    pub fn open(
        root: &Path,
        public_url: &str,
        signing_key: SecretFile,
        health: Dependency,
    ) -> Result<Self, BlobError> {
        std::fs::create_dir_all(root).map_err(|error| fault(root, &error))?;
        Ok(Self {
            root: root.to_owned(),
            public_url: public_url.trim_end_matches('/').to_owned(),
            signing_key,
            health,
        })
    }

    /// Runs file work off the event loop and tells the tracker how it went.
    async fn run<T: Send + 'static>(
        &self,
        action: &str,
        key: &str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, BlobError> {
        validate_key(key)?;
        let path = self.root.join(key);
        let done = tokio::task::spawn_blocking(move || work(&path)).await;
        match done.unwrap_or_else(|join| Err(io::Error::other(join))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let fault = fault(&self.root, &error);
                self.health.failed(action, &fault);
                Err(fault.into())
            }
            answer => {
                self.health.succeeded(action);
                answer.map_err(|_| BlobError::NotFound {
                    key: key.to_owned(),
                })
            }
        }
    }
}

#[async_trait]
impl Blobs for Directory {
    async fn put(&self, key: &str, _content_type: &str, bytes: Bytes) -> Result<(), BlobError> {
        self.run("write", key, move |path| write_atomically(path, &bytes))
            .await
    }

    async fn get(&self, key: &str) -> Result<Bytes, BlobError> {
        self.run("read", key, |path| std::fs::read(path).map(Bytes::from))
            .await
    }

    async fn head(&self, key: &str) -> Result<Option<BlobHead>, BlobError> {
        match self.run("look", key, |path| std::fs::metadata(path)).await {
            Ok(file) => Ok(file.is_file().then_some(BlobHead { size: file.len() })),
            Err(BlobError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        let root = self.root.clone();
        match self
            .run("delete", key, move |path| remove(path, &root))
            .await
        {
            Err(BlobError::NotFound { .. }) => Ok(()),
            answer => answer,
        }
    }

    async fn presign_put(
        &self,
        key: &str,
        content_type: &str,
        size: u64,
        expires: Duration,
    ) -> Result<PresignedPut, BlobError> {
        validate_key(key)?;
        let until = SystemTime::now() + expires;
        let link = UploadLink {
            key: key.to_owned(),
            content_type: content_type.to_owned(),
            size,
            expires_unix_seconds: until
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs(),
        };
        let secret = self
            .signing_key
            .read()
            .map_err(|error| Fault::new("SigningKeyMissing", error.to_string()))?;
        Ok(PresignedPut {
            url: format!(
                "{}{}{}",
                self.public_url,
                UploadLink::PATH,
                link.sign(&secret)
            ),
            method: "PUT".into(),
            headers: vec![
                ("content-length".into(), size.to_string()),
                ("content-type".into(), content_type.to_owned()),
            ],
        })
    }

    async fn probe(&self) -> Result<(), BlobError> {
        self.head("probe").await.map(drop)
    }
}

fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    // `delete` may remove the empty folder between the two steps: make it again, a few times.
    let mut file = (0..5)
        .find_map(|_| {
            let made = std::fs::create_dir_all(folder)
                .and_then(|()| tempfile::NamedTempFile::new_in(folder));
            match made {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                made => Some(made),
            }
        })
        .unwrap_or_else(|| Err(io::Error::other("the folder is removed again and again")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failure| failure.error)?;
    std::fs::File::open(folder)?.sync_all()
}

/// Removes the file, and folders that are empty now.
fn remove(path: &Path, root: &Path) -> io::Result<()> {
    std::fs::remove_file(path)?;
    for folder in path
        .ancestors()
        .skip(1)
        .take_while(|folder| *folder != root)
    {
        if std::fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

fn fault(root: &Path, error: &io::Error) -> Fault {
    let reason = match error.kind() {
        io::ErrorKind::PermissionDenied => "PermissionDenied",
        io::ErrorKind::StorageFull => "StorageFull",
        io::ErrorKind::ReadOnlyFilesystem => "ReadOnlyFilesystem",
        _ => "FileError",
    };
    Fault::new(reason, format!("folder {}: {error}", root.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(root: &Path) -> Directory {
        let key = root.join("key");
        std::fs::write(&key, "k".repeat(32)).unwrap();
        Directory::open(
            &root.join("objects"),
            "http://127.0.0.1:8080/",
            SecretFile::new(key),
            Dependency::default(),
        )
        .unwrap()
    }

    #[tokio::test]
    async fn deleting_the_last_object_of_a_folder_leaves_no_empty_folder() {
        let root = tempfile::tempdir().unwrap();
        let blobs = open(root.path());
        blobs
            .put(
                "documents/a/original",
                "text/plain",
                Bytes::from_static(b"x"),
            )
            .await
            .unwrap();
        blobs.delete("documents/a/original").await.unwrap();
        assert_eq!(
            std::fs::read_dir(root.path().join("objects"))
                .unwrap()
                .count(),
            0
        );
    }

    #[tokio::test]
    async fn an_upload_link_names_key_type_and_size() {
        let root = tempfile::tempdir().unwrap();
        let put = open(root.path())
            .presign_put("documents/a", "application/pdf", 7, Duration::from_secs(60))
            .await
            .unwrap();
        let token = put
            .url
            .strip_prefix("http://127.0.0.1:8080/api/v1/uploads/")
            .unwrap();
        let secret = SecretFile::new(root.path().join("key")).read().unwrap();
        let link = UploadLink::verify(token, &secret, 0).unwrap();
        assert_eq!((link.key.as_str(), link.size), ("documents/a", 7));
    }
}
