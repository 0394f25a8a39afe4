//! Objects in an S3 bucket.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::{BlobError, BlobHead, Blobs, PresignedPut, validate_key};
use crate::credentials::{ATTEMPT_TIMEOUT, AwsSettings};
use crate::dependencies::{Dependency, Fault, aws};

const LIST: &str = "s3:ListBucket";
const GET: &str = "s3:GetObject";
const PUT: &str = "s3:PutObject";
const DELETE: &str = "s3:DeleteObject";
/// Key of an object of no meaning, for trying actions.
const PROBE: &str = "probe";
/// Slowest acceptable transfer, for time limits that grow with the size.
const BYTES_PER_SECOND: u64 = 1_000_000;

/// A bucket, or the part of it below a prefix.
#[derive(Debug)]
pub struct S3 {
    client: Client,
    settings: AwsSettings,
    bucket: String,
    prefix: String,
    health: Dependency,
}

impl S3 {
    /// Names the bucket without calling it. All keys go below `prefix`, which may be empty.
    #[must_use]
    pub fn new(
        config: &aws_config::SdkConfig,
        settings: AwsSettings,
        bucket: &str,
        prefix: &str,
        health: Dependency,
    ) -> Self {
        let config = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(settings.endpoint_url.is_some())
            .build();
        let prefix = prefix.trim_matches('/');
        Self {
            client: Client::from_conf(config),
            settings,
            bucket: bucket.to_owned(),
            prefix: if prefix.is_empty() {
                String::new()
            } else {
                format!("{prefix}/")
            },
            health,
        }
    }

    fn full_key(&self, key: &str) -> Result<String, BlobError> {
        validate_key(key)?;
        Ok(format!("{}{key}", self.prefix))
    }

    /// A missing object is an answer.
    fn told<T, E>(
        &self,
        action: &str,
        key: &str,
        answer: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<T, BlobError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let call = self.settings.call(action, "bucket", &self.bucket);
        let is_missing = |code: &str| matches!(code, "NoSuchKey" | "NotFound") && action != LIST;
        let told = aws::told(&self.health, call, answer, is_missing);
        told.map_err(|fault| match fault {
            None => BlobError::NotFound {
                key: key.to_owned(),
            },
            Some(fault) => fault.into(),
        })
    }

    /// Whether the bucket is there. The body that a refused HEAD lacks comes with the list of at most one object.
    async fn find_bucket(&self) -> Result<(), BlobError> {
        let answer = self.client.head_bucket().bucket(&self.bucket).send().await;
        if !lacks_code(&answer) {
            return self.told(LIST, "", answer).map(drop);
        }
        let list = self.client.list_objects_v2().bucket(&self.bucket);
        let answer = list.prefix(&self.prefix).max_keys(1).send().await;
        self.told(LIST, "", answer).map(drop)
    }

    /// A HEAD of an object was refused without a code: asks for its first byte, to be told why.
    async fn refused_head(&self, full_key: String) -> Option<BlobError> {
        let request = self.client.get_object().bucket(&self.bucket).key(full_key);
        let answer = request.range("bytes=0-0").send().await;
        let error = self.told(GET, "", answer).err();
        error.filter(|error| matches!(error, BlobError::Unavailable(_)))
    }
}

#[async_trait]
impl Blobs for S3 {
    async fn put(&self, key: &str, content_type: &str, bytes: Bytes) -> Result<(), BlobError> {
        let patience = patience(bytes.len() as u64);
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(patience)
            .operation_timeout(patience * 2);
        let answer = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(self.full_key(key)?)
            .content_type(content_type)
            .body(ByteStream::from(bytes))
            .customize()
            .config_override(aws_sdk_s3::Config::builder().timeout_config(timeouts.build()))
            .send()
            .await;
        self.told(PUT, key, answer).map(drop)
    }

    async fn get(&self, key: &str) -> Result<Bytes, BlobError> {
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(self.full_key(key)?);
        let answer = self.told(GET, key, request.send().await)?;
        let size = answer
            .content_length()
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or_default();
        let how = match tokio::time::timeout(patience(size), answer.body.collect()).await {
            Ok(Ok(body)) => return Ok(body.into_bytes()),
            Ok(Err(_)) => "the connection broke in the middle",
            Err(_) => "time ran out in the middle",
        };
        let message = format!("{GET}: {how} of an object of bucket {}", self.bucket);
        let fault = Fault::new("Timeout", message);
        self.health.failed(GET, &fault);
        Err(fault.into())
    }

    async fn head(&self, key: &str) -> Result<Option<BlobHead>, BlobError> {
        let request = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(self.full_key(key)?);
        let answer = request.send().await;
        if lacks_code(&answer)
            && let Some(error) = self.refused_head(self.full_key(key)?).await
        {
            return Err(error);
        }
        match self.told(GET, key, answer) {
            Ok(answer) => {
                let size = answer
                    .content_length()
                    .and_then(|size| u64::try_from(size).ok());
                Ok(Some(BlobHead {
                    size: size.unwrap_or_default(),
                }))
            }
            // A HEAD has no body to tell a missing object from a missing bucket.
            Err(BlobError::NotFound { .. }) => self.find_bucket().await.map(|()| None),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        let request = self
            .client
            .delete_object()
            .bucket(&self.bucket)
            .key(self.full_key(key)?);
        match self.told(DELETE, key, request.send().await) {
            Err(BlobError::NotFound { .. }) => Ok(()),
            answer => answer.map(drop),
        }
    }

    async fn presign_put(
        &self,
        key: &str,
        content_type: &str,
        size: u64,
        expires: Duration,
    ) -> Result<PresignedPut, BlobError> {
        let invalid =
            |error: &dyn std::fmt::Display| Fault::new("InvalidPresigning", error.to_string());
        let length = i64::try_from(size).map_err(|error| invalid(&error))?;
        let config = PresigningConfig::expires_in(expires).map_err(|error| invalid(&error))?;
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(self.full_key(key)?);
        let request = request.content_type(content_type).content_length(length);
        let presigned = request.presigned(config).await;
        // A signature is no call: only its failure says something.
        let presigned = match presigned {
            Err(error) => return self.told(PUT, key, Err(error)),
            Ok(presigned) => presigned,
        };
        Ok(PresignedPut {
            url: presigned.uri().to_owned(),
            method: presigned.method().to_owned(),
            headers: presigned
                .headers()
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect(),
        })
    }

    /// Also tries again what was refused, since nobody else may do so before it is allowed.
    async fn probe(&self) -> Result<(), BlobError> {
        self.find_bucket().await?;
        for action in self.health.refused_actions() {
            match action.as_str() {
                GET => self.head(PROBE).await.map(drop)?,
                PUT => {
                    self.put(PROBE, "text/plain", Bytes::new()).await?;
                    let _told_to_the_tracker = self.delete(PROBE).await;
                }
                DELETE => self.delete(PROBE).await?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// A refusal that could be about the keys as well as about a permission.
fn lacks_code<T, E: ProvideErrorMetadata>(answer: &Result<T, SdkError<E, HttpResponse>>) -> bool {
    matches!(answer, Err(SdkError::ServiceError(refused))
        if matches!(refused.raw().status().as_u16(), 400 | 401 | 403) && refused.err().code().is_none())
}

fn patience(bytes: u64) -> Duration {
    ATTEMPT_TIMEOUT + Duration::from_secs(bytes / BYTES_PER_SECOND)
}
