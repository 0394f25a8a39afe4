//! Settings from the command line and the environment; names come from `extraction-contract`.
//!
//! One struct per role, put together from shared parts. What can be refused is refused by clap, with the
//! name of the setting; secrets are files and are read where they are used.

mod parts;
mod secret;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use extraction_contract::env;

pub use parts::{
    AwsArgs, DatabaseArgs, DocumentArgs, LimitArgs, LogArgs, OperationsArgs, PortArgs, ReadingArgs,
    RetentionArgs, SizeArgs, WorkArgs,
};
pub use secret::{Secret, SecretError, SecretFile};

/// Settings of `extractor api`.
#[derive(Args, Clone, Debug)]
pub struct ApiArgs {
    /// Address and port of the public API
    #[arg(long, env = env::LISTEN_ADDRESS, default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// File with the API key that has every scope
    #[arg(long, env = env::ADMIN_KEY_FILE)]
    pub admin_key_file: SecretFile,
    /// File with the key that signs upload links
    #[arg(long, env = env::TOKEN_SIGNING_KEY_FILE)]
    pub token_signing_key_file: SecretFile,
    /// Documents that are accepted.
    #[command(flatten)]
    pub documents: DocumentArgs,
    /// How large they may be.
    #[command(flatten)]
    pub size: SizeArgs,
    /// How many requests are taken, and from whom.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// How long finished jobs are kept.
    #[command(flatten)]
    pub retention: RetentionArgs,
    /// The queue, the bucket and the database.
    #[command(flatten)]
    pub ports: PortArgs,
    /// Metrics and logs.
    #[command(flatten)]
    pub operations: OperationsArgs,
}

/// Settings of `extractor worker`.
#[derive(Args, Clone, Debug)]
pub struct WorkerArgs {
    /// How much is done at once, and how it ends.
    #[command(flatten)]
    pub work: WorkArgs,
    /// Limits on untrusted bytes.
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// How large documents may be.
    #[command(flatten)]
    pub size: SizeArgs,
    /// The queue, the bucket and the database.
    #[command(flatten)]
    pub ports: PortArgs,
    /// Metrics and logs.
    #[command(flatten)]
    pub operations: OperationsArgs,
}

/// Settings of `extractor migrate`.
#[derive(Args, Clone, Debug)]
pub struct MigrateArgs {
    /// The database to change.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Seconds to wait for a database that does not answer
    #[arg(long, env = env::MIGRATE_WAIT_SECONDS, default_value_t = 10)]
    pub wait_seconds: u64,
    /// Where a failure is written for the container's status
    #[arg(long, default_value = "/dev/termination-log")]
    pub termination_log: PathBuf,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Settings of `extractor serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Folder for the database, the documents and the generated keys; made when it is missing
    #[arg(long, env = env::DATA_DIR)]
    pub data_dir: PathBuf,
    /// Address and port of the public API
    #[arg(long, env = env::LISTEN_ADDRESS, default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Base URL by which clients reach the API, for upload links; the listen address when not set
    #[arg(long, env = env::PUBLIC_URL, value_parser = parts::http_url)]
    pub public_url: Option<String>,
    /// File with the API key that has every scope; generated in the data folder when not set
    #[arg(long, env = env::ADMIN_KEY_FILE)]
    pub admin_key_file: Option<SecretFile>,
    /// File with the key that signs upload links; generated in the data folder when not set
    #[arg(long, env = env::TOKEN_SIGNING_KEY_FILE)]
    pub token_signing_key_file: Option<SecretFile>,
    /// Documents that are accepted.
    #[command(flatten)]
    pub documents: DocumentArgs,
    /// How large they may be.
    #[command(flatten)]
    pub size: SizeArgs,
    /// How many requests are taken, and from whom.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// How long finished jobs are kept.
    #[command(flatten)]
    pub retention: RetentionArgs,
    /// How much is done at once, and how it ends.
    #[command(flatten)]
    pub work: WorkArgs,
    /// Limits on untrusted bytes.
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Metrics and logs.
    #[command(flatten)]
    pub operations: OperationsArgs,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Command;

    use super::*;

    fn settings<A: Args>() -> BTreeSet<String> {
        let command = A::augment_args(Command::new("extractor"));
        let arguments = command.get_arguments();
        arguments
            .map(|argument| argument.get_id().to_string())
            .collect()
    }

    #[test]
    fn serve_takes_every_setting_of_the_api_but_those_of_its_ports() {
        let of_the_ports = settings::<PortArgs>();
        for setting in settings::<ApiArgs>().difference(&of_the_ports) {
            assert!(settings::<ServeArgs>().contains(setting), "{setting}");
        }
    }
}
