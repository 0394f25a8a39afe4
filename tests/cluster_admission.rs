//! What the API server refuses, and in which words: every case of `admission.yaml`.

use anyhow::{Context, Result};
use extraction_tests::cluster::{self, TestNamespace};
use extraction_tests::{pipeline, release};
use kube::api::{Api, DynamicObject, PostParams};
use serde::Deserialize;
use serde_json::{Value, json};

const CASES: &str = include_str!("admission.yaml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    refused: Option<String>,
    accepted: Option<String>,
    name: Option<String>,
    base: Option<String>,
    spec: Value,
    then: Option<Value>,
    #[serde(default)]
    with: String,
}

impl Case {
    fn title(&self) -> &str {
        let title = self.refused.as_ref().or(self.accepted.as_ref());
        title.map_or("a case without title", String::as_str)
    }

    /// Suspended, because this is about the API server: the operator is to make no pods of it.
    fn spec(&self) -> Value {
        let mut spec = self.spec.clone();
        if self.base.as_deref() == Some("cluster") {
            spec = json!({
                "aws": { "region": "eu-west-1" },
                "queue": { "name": "work" },
                "storage": { "bucket": "documents" },
                "database": { "urlSecretRef": { "name": "db", "key": "url" } },
            });
            merge(&mut spec, &self.spec);
        }
        if spec["suspend"].is_null() {
            spec["suspend"] = json!("All");
        }
        spec
    }

    /// What the API server says to the change that counts.
    async fn answer(&self, pipelines: &Api<DynamicObject>, name: &str) -> Result<kube::Result<()>> {
        let parameters = PostParams::default();
        let mut spec = self.spec();
        let object = |spec: &Value| {
            DynamicObject::new(name, &pipeline::resource()).data(json!({ "spec": spec }))
        };
        let created = pipelines.create(&parameters, &object(&spec)).await;
        let Some(then) = &self.then else {
            return Ok(created.map(drop));
        };
        let created = created.with_context(|| format!("creating for '{}'", self.title()))?;
        merge(&mut spec, then);
        let mut changed = object(&spec);
        changed.metadata.resource_version = created.metadata.resource_version;
        loop {
            match pipelines.replace(name, &parameters, &changed).await {
                // The operator has written the status meanwhile.
                Err(kube::Error::Api(status)) if status.is_conflict() => {
                    let now = pipelines.get_metadata(name).await?;
                    changed.metadata.resource_version = now.metadata.resource_version;
                }
                answer => return Ok(answer.map(drop)),
            }
        }
    }
}

/// RFC 7386: a null takes a member out.
fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in patch {
        if value.is_null() {
            target.as_object_mut().map(|members| members.remove(name));
        } else {
            merge(&mut target[name], value);
        }
    }
}

#[tokio::test]
async fn every_rule_holds_at_admission_and_says_what_must_be() -> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let namespace = TestNamespace::create(&client, "admission").await?;
    let pipelines = pipeline::pipelines(&client, &namespace.name);
    let cases: Vec<Case> = serde_yaml::from_str(CASES)?;
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let name = case
            .name
            .clone()
            .unwrap_or_else(|| format!("case-{number}"));
        match (case.answer(&pipelines, &name).await?, &case.refused) {
            (Ok(()), None) => {}
            (Ok(()), Some(title)) => wrong.push(format!("{title}: was accepted")),
            (Err(kube::Error::Api(status)), Some(_)) if status.message.contains(&case.with) => {}
            (Err(error), _) => wrong.push(format!("{}: {error}", case.title())),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    Ok(())
}
