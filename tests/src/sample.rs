//! The sample `manifests/samples/local.yaml` with a namespace, database, queue and bucket of its own.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use crate::cluster::TestNamespace;
use crate::program::run;

/// Name of the sample's pipeline.
pub const NAME: &str = "local";
/// Name of the Secret with the database's URL.
pub const DATABASE_SECRET: &str = "local-db";

/// What the sample asks for before it can be applied.
pub struct Sample {
    /// Where it lives.
    pub namespace: TestNamespace,
    /// Of the empty database.
    pub database_url: String,
}

impl Sample {
    /// Makes everything but the pipeline.
    pub async fn prepare(client: &Client, prefix: &str) -> Result<Self> {
        let namespace = TestNamespace::create(client, prefix).await?;
        let name = namespace.name.as_str();
        let database_url = run("tests/cluster/services/create-database", &[name]).await?;
        run("tests/cluster/services/create-queue", &[name]).await?;
        run("tests/cluster/services/create-bucket", &[name]).await?;
        let sample = Self {
            database_url,
            namespace,
        };
        crate::cluster::apply(&sample.surroundings()?).await?;
        sample.create_secret(client, &sample.database_url).await?;
        Ok(sample)
    }

    /// The Secret with the URL of the database.
    pub async fn create_secret(&self, client: &Client, url: &str) -> Result<String> {
        let secret: Secret = serde_json::from_value(json!({
            "metadata": { "name": DATABASE_SECRET }, "stringData": { "url": url },
        }))?;
        let made = Api::<Secret>::namespaced(client.clone(), &self.namespace.name)
            .create(&PostParams::default(), &secret)
            .await?;
        Ok(made.name_any())
    }

    /// The sample's spec on this queue, bucket and host, asking for little CPU.
    pub fn spec(&self) -> Result<Value> {
        let text = std::fs::read_to_string(
            crate::program::repository().join("manifests/samples/local.yaml"),
        )?;
        let sample: Value = serde_yaml::from_str(&text)?;
        let mut spec = sample["spec"].clone();
        let name = &self.namespace.name;
        spec["queue"]["name"] = json!(name);
        spec["storage"]["bucket"] = json!(name);
        spec["api"]["ingress"]["host"] = json!(format!("{name}.localhost"));
        for part in ["api", "worker"] {
            spec[part]["maxReplicas"] = json!(1);
            spec[part]["resources"]["requests"]["cpu"] = json!("20m");
        }
        Ok(spec)
    }

    fn surroundings(&self) -> Result<String> {
        let setting = |name: &str| {
            std::env::var(name).with_context(|| {
                format!("{name} is not set; `tests/run cluster` starts the services and sets it")
            })
        };
        let namespace = &self.namespace.name;
        let object = |kind: &str, version: &str, name: &str, rest: Value| {
            let mut object = rest;
            object["kind"] = json!(kind);
            object["apiVersion"] = json!(version);
            object["metadata"]["name"] = json!(name);
            object["metadata"]["namespace"] = json!(namespace);
            object
        };
        let ports = json!([{ "name": "http", "port": 4566 }]);
        let credentials = json!({ "stringData": {
            "AWS_ACCESS_KEY_ID": setting("EXTRACTION_TEST_AWS_ACCESS_KEY_ID")?,
            "AWS_SECRET_ACCESS_KEY": setting("EXTRACTION_TEST_AWS_SECRET_ACCESS_KEY")?,
        }});
        let slice = json!({
            "metadata": { "labels": { "kubernetes.io/service-name": "aws" } },
            "addressType": "IPv4", "ports": ports,
            "endpoints": [{ "addresses": [setting("EXTRACTION_TEST_NODE_IP")?] }],
        });
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [
            object("Secret", "v1", "local-aws", credentials),
            object("Service", "v1", "aws", json!({ "spec": { "ports": ports } })),
            object("EndpointSlice", "discovery.k8s.io/v1", "aws", slice),
        ]});
        Ok(list.to_string())
    }
}

/// Secret `db` whose key `url` leads to an address where nobody answers.
pub async fn create_silent_database(client: &Client, namespace: &str) -> Result<()> {
    let url = "postgres://user:password@192.0.2.1:5432/name";
    let secret: Secret = serde_json::from_value(
        json!({ "metadata": { "name": "db" }, "stringData": { "url": url } }),
    )?;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    secrets.create(&PostParams::default(), &secret).await?;
    Ok(())
}

/// The spec of a pipeline of one pod that leaves the node to the other tests.
pub fn one_pod() -> Value {
    let resources =
        json!({ "requests": { "cpu": "20m", "memory": "256Mi" }, "limits": { "memory": "2Gi" } });
    json!({ "worker": { "resources": resources } })
}

/// A template for pods that no node takes, for tests of what the operator writes.
pub fn nowhere() -> Value {
    json!({ "spec": { "nodeSelector": { "extraction.dev/nowhere": "true" } } })
}
