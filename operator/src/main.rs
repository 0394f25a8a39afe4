//! Decides the role and starts it.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use extraction_operator::controller::observe::Settings;
use extraction_operator::leader::Elector;
use extraction_operator::metrics::Metrics;
use extraction_operator::{check, client, controller, crd, telemetry};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// Runs document extraction pipelines on Kubernetes.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Watches pipelines and keeps their children as described.
    Run(Run),
    /// Prints the CustomResourceDefinition as YAML.
    Crd,
    /// Looks at an installation and says what is wrong.
    Check(check::CheckArguments),
}

#[derive(Args)]
struct Run {
    /// Namespaces to watch, comma separated; all when empty.
    #[arg(long, env = "EXTRACTION_WATCH_NAMESPACES", value_delimiter = ',')]
    watch_namespaces: Vec<String>,
    /// Image of the extractor for pipelines that name none.
    #[arg(long, env = "EXTRACTION_EXTRACTOR_IMAGE", default_value = concat!("localhost/extractor:", env!("CARGO_PKG_VERSION")))]
    extractor_image: String,
    /// imagePullPolicy of the extractor's containers.
    #[arg(long, env = "EXTRACTION_EXTRACTOR_PULL_POLICY", default_value = "IfNotPresent", value_parser = ["Always", "IfNotPresent", "Never"])]
    extractor_pull_policy: String,
    /// Namespace of the operator and its Lease.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    namespace: String,
    /// Name of the Lease that elects the leader.
    #[arg(
        long,
        env = "EXTRACTION_LEASE_NAME",
        default_value = "extraction-operator"
    )]
    lease_name: String,
    /// Name of this replica; a random part is added, so that a restarted one is another.
    #[arg(long, env = "POD_NAME", default_value = "extraction-operator")]
    identity: String,
    /// Address of /metrics and /health.
    #[arg(
        long,
        env = "EXTRACTION_LISTEN_ADDRESS",
        default_value = "0.0.0.0:8080"
    )]
    listen_address: SocketAddr,
    /// Reconciles at the same time.
    #[arg(long, env = "EXTRACTION_CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Log filter, such as `info` or `extraction_operator=debug`.
    #[arg(long, env = "EXTRACTION_LOG", default_value = "info")]
    log: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().role {
        Role::Run(run) => self::run(run).await,
        Role::Crd => print_crd(),
        Role::Check(arguments) => check(&arguments).await,
    }
}

fn print_crd() -> anyhow::Result<()> {
    let yaml = serde_yaml::to_string(&crd::definition())?;
    Ok(std::io::stdout().write_all(yaml.as_bytes())?)
}

async fn check(arguments: &check::CheckArguments) -> anyhow::Result<()> {
    telemetry::init_log("warn");
    let client = kube::Client::try_default()
        .await
        .context("reaching the API server")?;
    match check::run(client, arguments).await {
        Ok(()) => Ok(()),
        Err(problems) => anyhow::bail!(problems.join("\n")),
    }
}

async fn run(run: Run) -> anyhow::Result<()> {
    telemetry::init_log(&run.log);
    let metrics = Metrics::new().context("registering metrics")?;
    let client = client::connect(&metrics).await?;
    let identity = format!("{}-{:08x}", run.identity, rand::random::<u32>());
    let elector = Elector::new(
        client.clone(),
        &run.namespace,
        &run.lease_name,
        &identity,
        metrics.clone(),
    );
    let config = configuration(&run, identity);
    let stop = stop_on_signal()?;
    let serve = telemetry::serve(
        run.listen_address,
        metrics.clone(),
        CancellationToken::new(),
    );
    let lead = elector.run(stop, |finish| {
        controller::run(client.clone(), config.clone(), metrics.clone(), finish)
    });
    tokio::select! {
        served = serve => served.context("serving metrics and health"),
        () = lead => {
            info!("stopped");
            Ok(())
        }
    }
}

fn configuration(run: &Run, identity: String) -> controller::Config {
    let namespaces = run.watch_namespaces.iter().filter(|name| !name.is_empty());
    controller::Config {
        namespaces: namespaces.cloned().collect(),
        concurrency: run.concurrency,
        identity,
        settings: Settings {
            default_image: run.extractor_image.clone(),
            pull_policy: run.extractor_pull_policy.clone(),
            operator_namespace: run.namespace.clone(),
        },
    }
}

/// A token that SIGTERM and SIGINT cancel.
fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let asked = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        asked.cancel();
    });
    Ok(stop)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
