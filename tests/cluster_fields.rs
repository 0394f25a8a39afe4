//! Every member of the spec, set, changed and unset on a live pipeline, shows in a child each time and leaves no trace.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use extraction_tests::fields::{self, Field};
use extraction_tests::sample::{self, Sample};
use extraction_tests::{children, cluster, pipeline, release, wait};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

/// Until an edit shows; eight pipelines share the operator.
const SHOWN: Duration = Duration::from_secs(120);
/// Pipelines edited at the same time.
const AT_ONCE: usize = 8;

/// Names and keys that the table gives to references.
const DATABASE_SECRETS: [&str; 3] = [sample::DATABASE_SECRET, "other-db", "another-db"];
const DATABASE_KEYS: [&str; 3] = ["url", "other-url", "another-url"];
const CREDENTIALS: [&str; 2] = ["other-aws", "another-aws"];

#[tokio::test]
async fn every_member_of_the_spec_shows_in_a_child_when_set_and_changed_and_goes_when_unset()
-> Result<()> {
    let _quiet = cluster::shared().await;
    release::installed().await?;
    let client = cluster::client().await?;
    let sample = Sample::prepare(&client, "fields").await?;
    make_secrets(&client, &sample).await?;
    let on_services = parked(sample.spec()?, &["api", "worker"]);
    let embedded = parked(json!({}), &["worker"]);
    stream::iter(fields::all().into_iter().enumerate())
        .map(|(number, field)| {
            let edit = Edit {
                client: &client,
                namespace: &sample.namespace.name,
                number,
                child: field.child.clone(),
            };
            let base = match field.base.as_str() {
                "cluster" => on_services.clone(),
                _ => embedded.clone(),
            };
            async move {
                let outcome = edit.through(&field, &base).await;
                outcome.with_context(|| format!("{} ({})", field.field, field.base))
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await
}

/// All the Secrets that the table refers to, so that none of its specs is invalid.
async fn make_secrets(client: &Client, sample: &Sample) -> Result<()> {
    let api: Api<Secret> = Api::namespaced(client.clone(), &sample.namespace.name);
    let urls: BTreeMap<_, _> = DATABASE_KEYS
        .map(|key| (key, sample.database_url.as_str()))
        .into();
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|key| (key, "unused"));
    let wanted = (DATABASE_SECRETS
        .map(|name| (name, urls.clone()))
        .into_iter())
    .chain(CREDENTIALS.map(|name| (name, keys.into())));
    for (name, values) in wanted {
        let secret = json!({ "apiVersion": "v1", "kind": "Secret",
            "metadata": { "name": name }, "stringData": values });
        let parameters = PatchParams::apply("extraction-tests").force();
        api.patch(name, &parameters, &Patch::Apply(secret)).await?;
    }
    Ok(())
}

/// The spec with pods that no node takes: only what the operator writes is looked at.
fn parked(mut spec: Value, parts: &[&str]) -> Value {
    for part in parts {
        // Unlike any value of the table.
        if let Some(cpu) = spec.pointer_mut(&format!("/{part}/resources/requests/cpu")) {
            *cpu = json!("11m");
        }
        spec[*part]["podTemplate"] = sample::nowhere();
    }
    spec
}

/// Fails with the first place where the children are not as they were.
fn same(now: &[String], before: &[String]) -> Result<()> {
    const AROUND: usize = 120;
    ensure!(now.len() == before.len(), "{now:#?} for {before:#?}");
    for (now, before) in now.iter().zip(before) {
        let equal = now.bytes().zip(before.bytes());
        let place = equal.take_while(|(now, before)| now == before).count();
        let part = |text: &str| -> String {
            let from = text.chars().skip(place.saturating_sub(AROUND));
            from.take(2 * AROUND).collect()
        };
        ensure!(now == before, "{}\nwas\n{}", part(now), part(before));
    }
    Ok(())
}

/// The edits of one field, on a pipeline of its own.
struct Edit<'a> {
    client: &'a Client,
    namespace: &'a str,
    number: usize,
    child: String,
}

impl Edit<'_> {
    async fn through(&self, field: &Field, base: &Value) -> Result<()> {
        let specs = field.specs(base);
        let mut pipeline = format!("field-{}", self.number);
        let mut seen = Vec::new();
        for (step, spec) in specs.iter().enumerate() {
            if field.immutable {
                pipeline = format!("field-{}-{step}", self.number);
            }
            let shown = self
                .applied(&pipeline, spec, |now| {
                    ensure!(!seen.contains(now), "it is as it was");
                    Ok(())
                })
                .await
                .with_context(|| format!("no {} shows {spec:#}", self.child))?;
            seen.push(shown);
        }
        if field.may_be_unset() {
            let unset = self.applied(&pipeline, &specs[0], |now| same(now, &seen[0]));
            unset.await.context("a trace is left")?;
        }
        Ok(())
    }

    /// Applies the spec and waits until the operator has handled it and the children of the kind are as `expected`.
    async fn applied(
        &self,
        pipeline: &str,
        spec: &Value,
        expected: impl Fn(&Vec<String>) -> Result<()>,
    ) -> Result<Vec<String>> {
        let made = pipeline::apply(self.client, self.namespace, pipeline, spec).await?;
        let api = pipeline::pipelines(self.client, self.namespace);
        wait::poll("the children follow the spec", SHOWN, || async {
            self.end_migrations(pipeline).await?;
            let now = api.get(pipeline).await?;
            // Until this is said, the operator may be between two children of the kind.
            let migrated = pipeline::condition(&now, "DatabaseMigrated").unwrap_or_default();
            ensure!(
                Some(migrated.observed_generation) >= made.metadata.generation
                    && ["Migrated", "Starting"].contains(&migrated.reason.as_str()),
                "not all children are made: {}",
                now.data["status"]
            );
            let children = self
                .children(pipeline, &now.uid().unwrap_or_default())
                .await?;
            expected(&children)?;
            Ok(Some(children))
        })
        .await
    }

    /// Says of the migrations what would be said had a node taken their pods; Deployments wait for it.
    async fn end_migrations(&self, pipeline: &str) -> Result<()> {
        let api: Api<Job> = Api::namespaced(self.client.clone(), self.namespace);
        let ours = ListParams::default().labels(&format!("app.kubernetes.io/instance={pipeline}"));
        for job in api.list(&ours).await? {
            let status = job.status.as_ref();
            if status.is_some_and(|status| status.completion_time.is_some()) {
                continue;
            }
            let started = status.and_then(|status| status.start_time.clone());
            let now = started.or(job.creation_timestamp());
            let holds = |kind| json!({ "type": kind, "status": "True", "lastTransitionTime": now });
            let ended = json!({ "status": {
                "active": 0, "ready": 0, "succeeded": 1, "startTime": now, "completionTime": now,
                "conditions": [holds("SuccessCriteriaMet"), holds("Complete")],
            }});
            api.patch_status(
                &job.name_any(),
                &PatchParams::default(),
                &Patch::Merge(ended),
            )
            .await?;
        }
        Ok(())
    }

    /// What the operator decides of each child of the kind, without what tells one pipeline from another.
    async fn children(&self, pipeline: &str, uid: &str) -> Result<Vec<String>> {
        let all = children::of(self.client, self.namespace, pipeline).await?;
        let of_kind = all
            .into_iter()
            .filter(|(kind, _)| format!("{kind:?}") == self.child);
        let shown = of_kind.map(|(kind, child)| {
            let shown = format!("{} {}", child.name_any(), children::wanted(kind, &child));
            shown.replace(pipeline, "PIPELINE").replace(uid, "UID")
        });
        Ok(shown.collect())
    }
}
