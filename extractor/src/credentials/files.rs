//! AWS keys from a mounted Secret.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use extraction_contract::secret_key;

use crate::config::{SecretError, SecretFile};

/// The SDK asks again when they have expired, and so sees rotated files within this time.
const LIFETIME: Duration = Duration::from_secs(30);

/// Reads the keys anew whenever the SDK asks.
#[derive(Debug)]
pub struct FileCredentials {
    folder: PathBuf,
}

impl FileCredentials {
    /// A folder with the files `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, optionally,
    /// `AWS_SESSION_TOKEN`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    fn read(&self) -> provider::Result {
        let file = |name| SecretFile::new(self.folder.join(name)).read();
        let required = |name| file(name).map_err(CredentialsError::provider_error);
        let token = match file(secret_key::AWS_SESSION_TOKEN) {
            Ok(token) => Some(token.expose().to_owned()),
            Err(SecretError::Empty { .. }) => None,
            Err(SecretError::Read { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                None
            }
            Err(error) => return Err(CredentialsError::provider_error(error)),
        };
        Ok(Credentials::new(
            required(secret_key::AWS_ACCESS_KEY_ID)?.expose(),
            required(secret_key::AWS_SECRET_ACCESS_KEY)?.expose(),
            token,
            Some(SystemTime::now() + LIFETIME),
            "files",
        ))
    }
}

impl ProvideCredentials for FileCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(self.read())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_keys_are_seen_and_a_missing_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let keys = FileCredentials::new(folder.path());
        std::fs::write(folder.path().join("AWS_ACCESS_KEY_ID"), "one\n").unwrap();
        let error = keys.read().unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("AWS_SECRET_ACCESS_KEY"), "{source}");

        std::fs::write(folder.path().join("AWS_SECRET_ACCESS_KEY"), "secret").unwrap();
        assert_eq!(keys.read().unwrap().access_key_id(), "one");
        assert_eq!(keys.read().unwrap().session_token(), None);
        std::fs::write(folder.path().join("AWS_ACCESS_KEY_ID"), "two").unwrap();
        assert_eq!(keys.read().unwrap().access_key_id(), "two");
        assert!(keys.read().unwrap().expiry().unwrap() > SystemTime::now());
    }
}
