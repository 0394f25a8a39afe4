//! AWS credentials of a role, got with the identity token that Kubernetes gives to the pod.

use std::path::PathBuf;
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::http::HttpResponse;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;

use super::AwsSettings;
use crate::config::SecretFile;
use crate::dependencies::{Fault, aws};

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// Which role, and by which token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebIdentity {
    /// The role.
    pub role_arn: String,
    /// The file with the pod's token; Kubernetes renews it.
    pub token_file: PathBuf,
}

/// Asks STS whenever the SDK asks, which it does shortly before the last answer expires.
#[derive(Debug)]
pub struct RoleCredentials {
    client: Client,
    settings: AwsSettings,
    identity: WebIdentity,
}

impl RoleCredentials {
    /// Asks nobody yet. `config` needs no credentials: the token is the proof.
    #[must_use]
    pub fn new(config: &SdkConfig, settings: AwsSettings, identity: WebIdentity) -> Self {
        Self {
            client: Client::new(config),
            settings,
            identity,
        }
    }

    async fn assume(&self) -> provider::Result {
        let token = SecretFile::new(&self.identity.token_file).read();
        let token = token.map_err(CredentialsError::provider_error)?;
        let answer = self
            .client
            .assume_role_with_web_identity()
            .role_arn(&self.identity.role_arn)
            .role_session_name("extractor")
            .web_identity_token(token.expose())
            .send()
            .await
            .map_err(|error| CredentialsError::provider_error(self.fault(&error)))?;
        let given = answer.credentials().ok_or_else(|| {
            CredentialsError::provider_error(self.refused("InvalidResponse", "has no credentials"))
        })?;
        Ok(Credentials::new(
            given.access_key_id(),
            given.secret_access_key(),
            Some(given.session_token().to_owned()),
            SystemTime::try_from(*given.expiration()).ok(),
            "web identity",
        ))
    }

    fn fault(&self, error: &SdkError<AssumeRoleWithWebIdentityError, HttpResponse>) -> Fault {
        let next_step = match error.code().unwrap_or_default() {
            "AccessDenied" => {
                "is denied: correct `aws.roleArn`, or allow the service accounts of the pipeline, NAME-api and NAME-worker, in the role's trust policy"
            }
            "ExpiredTokenException" | "ExpiredToken" => {
                "is refused because the pod's identity token has expired: Kubernetes renews it, so look at the clocks"
            }
            "InvalidIdentityToken" | "IDPRejectedClaim" => {
                "is refused because AWS does not accept the pod's identity token: add the cluster's OIDC provider to IAM, with audience sts.amazonaws.com"
            }
            "IDPCommunicationError" => {
                "is refused because AWS cannot reach the cluster's OIDC provider: make its issuer URL public"
            }
            "RegionDisabledException" => {
                "is refused because the account has this region disabled: enable it, or correct `aws.region`"
            }
            "ValidationError" => "is refused: correct `aws.roleArn`",
            _ => {
                let role = &self.identity.role_arn;
                return aws::fault(error, self.settings.call(ACTION, "role", role));
            }
        };
        let code = error.code().unwrap_or("Refused");
        self.refused(code, next_step)
    }

    fn refused(&self, reason: &str, next_step: &str) -> Fault {
        let role = &self.identity.role_arn;
        Fault::new(reason, format!("{ACTION} on role {role} {next_step}"))
    }
}

impl ProvideCredentials for RoleCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}
