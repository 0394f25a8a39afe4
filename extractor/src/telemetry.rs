//! Logs: one JSON object per line on standard error, with the fields of the spans around it.

use tracing_subscriber::EnvFilter;

/// The filter that was given cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the log filter must look like `info` or `info,extractor=debug`")]
pub struct InvalidFilter(#[from] tracing_subscriber::filter::ParseError);

/// Starts logging. Called once, by the role that runs.
pub fn start(filter: &str) -> Result<(), InvalidFilter> {
    // The drivers log statements and requests at debug and info; values could be in them.
    let quiet = [
        "sqlx=warn",
        "aws_config=warn",
        "aws_smithy_runtime=warn",
        "hyper=warn",
    ];
    let mut filter = EnvFilter::try_new(filter)?;
    for directive in quiet {
        filter = filter.add_directive(directive.parse()?);
    }
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .init();
    Ok(())
}
