//! Decides the role and starts it.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use extraction_contract::subcommand;
use extractor::extract::{self, ExtractArguments};
use extractor::process::{self, ChildArguments};

#[derive(Parser)]
#[command(version, about, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
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
