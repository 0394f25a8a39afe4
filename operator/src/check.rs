//! `extraction-operator check`: looks at an installation from inside and says in words what is wrong with it.
//! The chart runs it as a Job after install and upgrade, with the operator's own identity. Reads only.

mod definition;
mod deployment;
pub mod permissions;

use std::time::{Duration, Instant};

use kube::Client;

/// What is asked of the command line.
#[derive(Clone, Debug, clap::Args)]
pub struct CheckArguments {
    /// Name of the operator's Deployment.
    #[arg(long, default_value = "extraction-operator")]
    deployment: String,
    /// Namespace of the operator.
    #[arg(long, env = "POD_NAMESPACE", default_value = "extraction-system")]
    namespace: String,
    /// Namespaces in which pipelines are handled, comma separated; empty for the whole cluster.
    #[arg(long, env = "EXTRACTION_WATCH_NAMESPACES", default_value = "")]
    watch_namespaces: String,
    /// How long to wait for everything to be right before saying what is not.
    #[arg(long, default_value_t = 120)]
    timeout_seconds: u64,
}

/// Asked once a second: a fresh definition is served after a moment, a fresh pod is ready after a few.
const PAUSE: Duration = Duration::from_secs(1);

/// Checks until everything is right, or gives the list of what is wrong after the time allowed.
pub async fn run(client: Client, arguments: &CheckArguments) -> Result<(), Vec<String>> {
    let deadline = Instant::now() + Duration::from_secs(arguments.timeout_seconds);
    loop {
        let problems = problems(&client, arguments).await;
        if problems.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(problems);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn problems(client: &Client, arguments: &CheckArguments) -> Vec<String> {
    let namespaces: Vec<&str> = arguments
        .watch_namespaces
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    let looks = async {
        let mut found = definition::problems(client).await;
        found.extend(permissions::problems(client, &namespaces).await);
        found.extend(
            deployment::problems(client, &arguments.namespace, &arguments.deployment).await,
        );
        found
    };
    // The client has no read timeout of its own.
    match tokio::time::timeout(Duration::from_secs(30), looks).await {
        Ok(found) => found,
        Err(_) => vec![
            "the API server did not answer within 30 s: look at its health and at network policies \
             between this namespace and it"
                .to_owned(),
        ],
    }
}
