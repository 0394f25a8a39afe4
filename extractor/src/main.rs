//! Decides the role and starts it.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use extraction_contract::subcommand;
use extractor::config::{ApiArgs, MigrateArgs, ServeArgs, WorkerArgs};
use extractor::extract::{self, ExtractArguments};
use extractor::process::{self, ChildArguments};
use extractor::serve;

#[derive(Parser)]
#[command(version, about, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Everything in one process, with nothing but a folder.
    #[command(name = subcommand::SERVE)]
    Serve(Box<ServeArgs>),
    /// The HTTP API, the relay of messages and the sweeper.
    #[command(name = subcommand::API)]
    Api(Box<ApiArgs>),
    /// Takes jobs from the queue and extracts.
    #[command(name = subcommand::WORKER)]
    Worker(Box<WorkerArgs>),
    /// Brings the database to the schema of this release, then ends.
    #[command(name = subcommand::MIGRATE)]
    Migrate(MigrateArgs),
    /// Extract files given here and print what they say; needs nothing else.
    #[command(name = subcommand::EXTRACT)]
    Extract(ExtractArguments),
    /// The limited process in which documents are opened; started by the others.
    #[command(name = process::CHILD_SUBCOMMAND, hide = true)]
    ReadDocuments(ChildArguments),
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().role {
        // Before anything else: a child may have no threads when it gives up its rights.
        Role::ReadDocuments(arguments) => process::run_child(&arguments)
            .map(|()| ExitCode::SUCCESS)
            .map_err(Into::into),
        Role::Serve(arguments) => run(serve::serve(*arguments)),
        Role::Api(arguments) => run(serve::api(*arguments)),
        Role::Worker(arguments) => run(serve::worker(*arguments)),
        Role::Migrate(arguments) => run(serve::migrate(arguments)),
        Role::Extract(arguments) => {
            let failed = runtime()?.block_on(extract::run(&arguments))?;
            Ok(if failed == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
    }
}

fn run(role: impl Future<Output = Result<(), serve::ServeError>>) -> Result<ExitCode> {
    let runtime = runtime()?;
    let ended = runtime.block_on(role);
    // Fields of a document that was given up may still be looked for.
    runtime.shutdown_background();
    ended?;
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
