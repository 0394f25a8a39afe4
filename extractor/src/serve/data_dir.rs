//! The folder of the embedded mode: database, documents and keys, for one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rand::RngExt;

use crate::config::SecretFile;

/// A data folder that this process has locked.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    _lock: File,
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("the data folder {0} is in use by another process")]
    InUse(PathBuf),
    /// It cannot be made or written.
    #[error("cannot use {path}")]
    Use {
        /// The file or folder.
        path: PathBuf,
        /// From the system.
        #[source]
        source: io::Error,
    },
}

impl DataDir {
    /// Makes the folder when it is missing, readable by its owner only, and locks it until dropped.
    pub fn open(root: &Path) -> Result<Self, DataDirError> {
        let cannot = |path: &Path| {
            let path = path.to_owned();
            move |source| DataDirError::Use { path, source }
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .map_err(cannot(root))?;
        let path = root.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(cannot(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                root: root.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(root.to_owned())),
            Err(TryLockError::Error(source)) => Err(DataDirError::Use { path, source }),
        }
    }

    /// The SQLite file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.root.join("extractor.sqlite")
    }

    /// The folder of objects.
    #[must_use]
    pub fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    /// A key of this installation: 256 random bits, made once, readable by its owner only.
    pub fn key(&self, name: &str, prefix: &str) -> Result<SecretFile, DataDirError> {
        let path = self.root.join(name);
        let file = SecretFile::new(&path);
        if path.exists() {
            return Ok(file);
        }
        let write = || {
            let mut fresh = tempfile::NamedTempFile::new_in(&self.root)?;
            let key: [u8; 32] = rand::rng().random();
            writeln!(fresh, "{prefix}{}", hex::encode(key))?;
            fresh.as_file().sync_all()?;
            fresh.persist(&path).map_err(|failure| failure.error)?;
            Ok(())
        };
        write().map_err(|source| DataDirError::Use { path, source })?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn two_processes_cannot_share_a_data_folder() {
        let root = tempfile::tempdir().unwrap();
        let first = DataDir::open(root.path()).unwrap();
        assert!(matches!(
            DataDir::open(root.path()),
            Err(DataDirError::InUse(_))
        ));
        drop(first);
        assert!(DataDir::open(root.path()).is_ok());
    }

    #[test]
    fn a_key_is_made_once_and_for_its_owner_only() {
        let root = tempfile::tempdir().unwrap();
        let folder = DataDir::open(root.path()).unwrap();
        let file = folder.key("admin-key", "xk_").unwrap();
        let key = file.read().unwrap();
        assert!(key.expose().len() > 64);
        assert_eq!(
            fs::metadata(file.path()).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(folder.key("admin-key", "xk_").unwrap().read().unwrap(), key);
        assert_ne!(folder.key("other", "xk_").unwrap().read().unwrap(), key);
    }
}
