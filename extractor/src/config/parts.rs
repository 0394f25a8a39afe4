//! The parts that roles share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use extraction_contract::env;

use crate::credentials::{AwsSettings, WebIdentity};

/// What is logged.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// Log filter, e.g. `info` or `info,extractor=debug`
    #[arg(long, env = env::LOG, default_value = "info")]
    pub log: String,
}

/// What operators look at.
#[derive(Args, Clone, Debug)]
pub struct OperationsArgs {
    /// Address and port of metrics, dependencies and health
    #[arg(long, env = env::METRICS_ADDRESS, default_value = "127.0.0.1:9090")]
    pub metrics_address: SocketAddr,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Which database.
#[derive(Args, Clone, Debug)]
pub struct DatabaseArgs {
    /// File that holds the PostgreSQL URL; read again when it changes
    #[arg(long, env = env::DATABASE_URL_FILE)]
    pub database_url_file: PathBuf,
}

/// Which AWS, and who we are to it.
#[derive(Args, Clone, Debug)]
pub struct AwsArgs {
    /// AWS region, e.g. `eu-west-1`
    #[arg(long, env = env::AWS_REGION, value_parser = region)]
    pub aws_region: String,
    /// An S3 and SQS compatible service instead of AWS
    #[arg(long, env = env::AWS_ENDPOINT_URL, value_parser = http_url)]
    pub aws_endpoint_url: Option<String>,
    /// Folder with the files AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; without it the role or the SDK's chain is used
    #[arg(long, env = env::AWS_CREDENTIALS_DIR)]
    pub aws_credentials_dir: Option<PathBuf>,
    /// A role to assume with the token of `AWS_WEB_IDENTITY_TOKEN_FILE`
    #[arg(long, env = "AWS_ROLE_ARN", requires = "aws_web_identity_token_file")]
    pub aws_role_arn: Option<String>,
    /// File with the pod's identity token
    #[arg(long, env = "AWS_WEB_IDENTITY_TOKEN_FILE")]
    pub aws_web_identity_token_file: Option<PathBuf>,
}

impl AwsArgs {
    /// The same for the clients.
    #[must_use]
    pub fn settings(&self) -> AwsSettings {
        AwsSettings {
            region: self.aws_region.clone(),
            endpoint_url: self.aws_endpoint_url.clone(),
            credentials_dir: self.aws_credentials_dir.clone(),
            web_identity: self
                .aws_role_arn
                .clone()
                .zip(self.aws_web_identity_token_file.clone())
                .map(|(role_arn, token_file)| WebIdentity {
                    role_arn,
                    token_file,
                }),
        }
    }
}

/// The queue, the bucket and the database.
#[derive(Args, Clone, Debug)]
pub struct PortArgs {
    /// Name of the SQS queue
    #[arg(long, env = env::QUEUE_NAME)]
    pub queue_name: String,
    /// Name of the S3 bucket
    #[arg(long, env = env::BUCKET)]
    pub bucket: String,
    /// Key prefix inside the bucket; empty for none
    #[arg(long, env = env::BUCKET_PREFIX, default_value = "")]
    pub bucket_prefix: String,
    /// Which AWS.
    #[command(flatten)]
    pub aws: AwsArgs,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// Documents that are accepted.
#[derive(Args, Clone, Debug)]
pub struct DocumentArgs {
    /// Document types accepted, comma separated
    #[arg(long, env = env::DOCUMENT_TYPES, value_delimiter = ',', default_value = "Invoice,Receipt")]
    pub document_types: Vec<String>,
}

/// How large a document may be.
#[derive(Args, Clone, Copy, Debug)]
pub struct SizeArgs {
    /// Largest accepted document in bytes
    #[arg(long, env = env::MAX_DOCUMENT_BYTES, default_value_t = 20 * 1024 * 1024, value_parser = clap::value_parser!(u64).range(1..=1_073_741_824))]
    pub max_document_bytes: u64,
}

/// What protects an API process from too much.
#[derive(Args, Clone, Copy, Debug)]
pub struct LimitArgs {
    /// Requests in hand at the same time; more are answered with 503
    #[arg(long, env = env::MAX_CONCURRENT_REQUESTS, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_concurrent_requests: u32,
    /// Requests per minute of each API key; more are answered with 429
    #[arg(long, env = env::KEY_REQUESTS_PER_MINUTE, default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub key_requests_per_minute: u32,
    /// Requests without a valid key of each address in 15 minutes; more are answered with 429
    #[arg(long, env = env::ANONYMOUS_REQUESTS, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub anonymous_requests: u32,
    /// Proxies in front of the API that append to X-Forwarded-For; 0 takes the peer's address
    #[arg(long, env = env::TRUSTED_PROXIES, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=8))]
    pub trusted_proxies: u8,
}

/// How long finished jobs are kept.
#[derive(Args, Clone, Copy, Debug)]
pub struct RetentionArgs {
    /// Days after which finished jobs with their documents and results are deleted; 0 keeps them
    #[arg(long, env = env::RETENTION_DAYS, default_value_t = 90, value_parser = clap::value_parser!(u32).range(0..=3650))]
    pub retention_days: u32,
}

impl RetentionArgs {
    /// The same as a duration; `None` keeps everything.
    #[must_use]
    pub fn period(&self) -> Option<Duration> {
        (self.retention_days > 0)
            .then(|| Duration::from_secs(u64::from(self.retention_days) * 86_400))
    }
}

/// How much is done at once, and how it ends.
#[derive(Args, Clone, Copy, Debug)]
pub struct WorkArgs {
    /// Jobs handled at the same time
    #[arg(long, env = env::WORKER_CONCURRENCY, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,
    /// Seconds to finish the jobs in hand after SIGTERM; what is left then is handed back
    #[arg(long, env = env::SHUTDOWN_GRACE_SECONDS, default_value_t = 25, value_parser = clap::value_parser!(u64).range(0..=7200))]
    pub shutdown_grace_seconds: u64,
}

/// Limits on untrusted bytes.
#[derive(Args, Clone, Debug)]
pub struct ReadingArgs {
    /// Folder with the OCR models
    #[arg(long, env = env::MODELS_DIR)]
    pub models_dir: Option<PathBuf>,
    /// Largest accepted number of pages
    #[arg(long, env = env::MAX_PAGES, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_pages: u32,
    /// Largest accepted number of pixels of one page
    #[arg(long, env = env::MAX_PAGE_PIXELS, default_value_t = 50_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub max_page_pixels: u64,
    /// Seconds after which the extraction of one document is ended
    #[arg(long, env = env::JOB_TIMEOUT_SECONDS, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub job_timeout_seconds: u64,
}

/// An address that requests can be sent to.
pub(super) fn http_url(text: &str) -> Result<String, String> {
    let url: http::Uri = text.parse().map_err(|_| "must be a URL".to_owned())?;
    match (url.scheme_str(), url.host()) {
        (Some("http" | "https"), Some(_)) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("must start with http:// or https:// and name a host".into()),
    }
}

fn region(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=32).contains(&text.len()) && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("must be the name of a region such as eu-west-1".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_scheme_and_host() {
        assert_eq!(
            http_url("http://10.0.0.1:4566/").as_deref(),
            Ok("http://10.0.0.1:4566")
        );
        for text in ["", "localhost:4566", "ftp://a", "http://", "a b"] {
            assert!(http_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_region_is_one_plain_word() {
        assert!(region("eu-west-1").is_ok());
        assert!(region("EU West").is_err());
        assert!(region("").is_err());
    }
}
