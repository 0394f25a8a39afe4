//! Who we are to AWS, and how patient we are with it.

mod files;
mod web_identity;

use std::path::PathBuf;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;

use crate::dependencies::aws::{Call, Caller};
pub use files::FileCredentials;
pub use web_identity::{RoleCredentials, WebIdentity};

/// Of one attempt of an ordinary call.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const CALL_TIMEOUT: Duration = Duration::from_secs(15);
const ATTEMPTS: u32 = 3;

/// Where AWS is and who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsSettings {
    /// E.g. `eu-west-1`.
    pub region: String,
    /// A compatible service instead of AWS.
    pub endpoint_url: Option<String>,
    /// Folder with key files; without it the role, or else the SDK's own chain (instance profile) decides.
    pub credentials_dir: Option<PathBuf>,
    /// A role to assume with the pod's token.
    pub web_identity: Option<WebIdentity>,
}

impl AwsSettings {
    /// The configuration that all AWS clients of this process share.
    pub async fn load(&self) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .timeout_config(timeouts)
            .retry_config(RetryConfig::adaptive().with_max_attempts(ATTEMPTS));
        if let Some(folder) = &self.credentials_dir {
            loader = loader.credentials_provider(FileCredentials::new(folder));
        }
        if let Some(url) = &self.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        match (&self.web_identity, &self.credentials_dir) {
            (Some(identity), None) => {
                let nobody = loader.no_credentials().load().await;
                let role = RoleCredentials::new(&nobody, self.clone(), identity.clone());
                let role = SharedCredentialsProvider::new(role);
                nobody.into_builder().credentials_provider(role).build()
            }
            _ => loader.load().await,
        }
    }

    pub(crate) fn call<'a>(&'a self, action: &'a str, kind: &'a str, name: &'a str) -> Call<'a> {
        Call {
            action,
            kind,
            name,
            region: &self.region,
            endpoint: self.endpoint_url.as_deref(),
            caller: match (&self.credentials_dir, &self.web_identity) {
                (Some(_), _) => Caller::Keys,
                (None, Some(identity)) => Caller::Role(&identity.role_arn),
                (None, None) => Caller::Machine,
            },
        }
    }
}
