//! Secrets are files, read again at each use, so that a rotated one needs no restart.

use std::fmt;
use std::path::{Path, PathBuf};

/// A secret that does not show itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps the value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Where a secret lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFile(PathBuf);

/// A secret that cannot be read. The message names the file and never its content.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Missing, or not ours to read.
    #[error("cannot read the secret file {path}")]
    Read {
        /// As configured.
        path: PathBuf,
        #[source]
        /// From the system.
        source: std::io::Error,
    },
    /// Only white space.
    #[error("the secret file {path} is empty")]
    Empty {
        /// As configured.
        path: PathBuf,
    },
}

impl SecretFile {
    /// Names the file without reading it.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The content as it is now, without white space at its ends.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let text = std::fs::read_to_string(&self.0).map_err(|source| SecretError::Read {
            path: self.0.clone(),
            source,
        })?;
        match text.trim() {
            "" => Err(SecretError::Empty {
                path: self.0.clone(),
            }),
            value => Ok(Secret::new(value)),
        }
    }
}

impl From<PathBuf> for SecretFile {
    fn from(path: PathBuf) -> Self {
        Self(path)
    }
}

impl std::str::FromStr for SecretFile {
    type Err = std::convert::Infallible;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_secret_is_seen_at_the_next_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = SecretFile::new(folder.path().join("key"));
        assert!(matches!(file.read(), Err(SecretError::Read { .. })));
        std::fs::write(file.path(), "one\n").unwrap();
        assert_eq!(file.read().unwrap().expose(), "one");
        std::fs::write(file.path(), "two").unwrap();
        assert_eq!(file.read().unwrap().expose(), "two");
        std::fs::write(file.path(), "\n").unwrap();
        assert!(matches!(file.read(), Err(SecretError::Empty { .. })));
    }

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(..)");
    }
}
