//! Serves numbers from a folder: a file `depth` that holds `12` is a metric `depth` of 12. Mount a ConfigMap there, edit
//! it, and watch an autoscaler follow. The rights it needs are in `numbers.yaml` beside this file.
//!
//! `POD_NAMESPACE=numbers NUMBERS=/etc/numbers cargo run --example numbers`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context;
use external_metrics::{
    Config, Lifetimes, Provider, Quantity, Query, Sample, Server, Service, Unavailable,
};
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::{Api, Client, Resource};
use tokio::signal::unix::{SignalKind, signal};

struct Folder(PathBuf);

impl Provider for Folder {
    async fn samples(&self, query: &Query) -> Result<Vec<Sample>, Unavailable> {
        // A name from outside must not lead out of the folder.
        if query.metric.contains(['/', '\\']) || query.metric.starts_with('.') {
            return Ok(Vec::new());
        }
        let path = self.0.join(&query.metric);
        // No file is no metric; a file that cannot be read says nothing about the number, least of all that it is 0.
        let text = match tokio::fs::read_to_string(&path).await {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(Unavailable(format!(
                    "cannot read {}: {error}",
                    query.metric
                )));
            }
        };
        let value = text.trim().parse().ok().and_then(Quantity::from_f64);
        let value =
            value.ok_or_else(|| Unavailable(format!("{} is not a number", query.metric)))?;
        let (labels, at) = (BTreeMap::new(), SystemTime::now());
        Ok(vec![Sample {
            labels,
            value,
            at,
            window: None,
        }])
    }

    fn is_ready(&self) -> bool {
        self.0.is_dir()
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let client = Client::try_default().await?;
    // Deleting the ClusterRole deletes what the server registers.
    let roles: Api<ClusterRole> = Api::all(client.clone());
    let role = roles.get("numbers-server").await?;
    let config = Config {
        listen: "0.0.0.0:6443".parse()?,
        service: Service {
            namespace: std::env::var("POD_NAMESPACE").context("POD_NAMESPACE")?,
            name: "numbers".to_owned(),
            port: 443,
        },
        secret: "numbers-certificates".to_owned(),
        owner: role.owner_ref(&()),
        lifetimes: Lifetimes::default(),
    };
    let folder = Folder(std::env::var_os("NUMBERS").context("NUMBERS")?.into());
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async {
        terminate.recv().await;
    };
    let server = Server::bind(client, config, Arc::new(folder)).await?;
    Ok(server.run(stop).await?)
}
