//! Watches pipelines and their children, and reconciles each pipeline in five steps.

pub mod apply;
mod back_off;
pub mod build;
mod guard;
pub mod kinds;
pub mod observe;
mod run;
pub mod status;
mod strangers;
pub mod validate;
mod watch;

pub use guard::Error;
pub use run::{Config, run};

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::Timestamp;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;
use kube::runtime::events::Recorder;
use kube::{Api, Client};
use tokio::time::timeout;
use tracing::warn;

use self::apply::{Migration, Writer};
use self::observe::dependencies::{Key, Sampler};
use self::observe::{CALL_LIMIT, Observed, Settings};
use self::status::Outcome;
use self::validate::Validated;
use crate::crd::{ExtractionPipeline, ExtractionPipelineStatus};
use crate::metrics::Metrics;

/// Everything is looked at again after this time even if nothing seems to have changed.
const RESYNC: Duration = Duration::from_secs(300);
/// Secrets that must change are looked at this often, as they are not watched: healing within 5 s leaves 2 s to reconcile.
const SECRET_RECHECK: Duration = Duration::from_secs(3);
/// The inputs of a pipeline that does not reach one of its services are looked at this often.
const OUTAGE_RECHECK: Duration = Duration::from_secs(10);
/// The inputs of a migration that fails are looked at this often.
const MIGRATION_RECHECK: Duration = Duration::from_secs(10);

/// What every reconcile shares.
pub(crate) struct Context {
    client: Client,
    settings: Settings,
    sampler: Sampler,
    writer: Writer,
    recorder: Recorder,
    metrics: Metrics,
}

impl Context {
    /// Drops what is kept of a pipeline that is gone.
    fn forget(&self, key: &Key) {
        self.sampler.forget(key);
        for type_ in status::CONDITIONS {
            // A series that never was needs no removing.
            let _ = self.metrics.conditions.remove_label_values(&[
                key.0.as_str(),
                key.1.as_str(),
                type_.as_str(),
            ]);
        }
    }
}

/// Makes one pipeline what its spec says, as far as it is not already. Never asks why it was called.
async fn reconcile(key: &Key, context: &Context) -> Result<Action, Error> {
    let (client, sampler) = (&context.client, &context.sampler);
    let Some(pipeline) = fetch(client, key).await? else {
        context.forget(key);
        return Ok(Action::await_change());
    };

    // observe (reads)
    let sample = sampler.latest(key);
    let observed = observe::observe(client, &pipeline, &context.settings, sample).await?;
    sampler.aim(key, &observed.pods.addresses);

    // validate (pure)
    let validated = validate::validate(&pipeline, &observed);
    let image = image_to_run(&pipeline, &validated);

    // build (pure) and apply (writes)
    let applied = match validated {
        Err(problems) => Ok(Outcome::Invalid(problems)),
        Ok(valid) => carry_out(&context.writer, &pipeline, &observed, valid).await,
    };

    // status (pure, then one write)
    let outcome = applied.as_ref().map_or_else(failure, Outcome::clone);
    let now = Timestamp::now();
    let status = status::status(&pipeline, &observed, &outcome, image.as_deref(), now);
    status::report(client, &context.recorder, &pipeline, &status).await?;
    count_conditions(&context.metrics, key, &status);

    applied?;
    let has_lost_key = status::has_lost_key(&pipeline, &observed);
    Ok(Action::requeue(next_look(&outcome, &status, has_lost_key)))
}

/// Builds the children and makes them, as far as the pipeline is not suspended or held.
async fn carry_out(
    writer: &Writer,
    pipeline: &ExtractionPipeline,
    observed: &Observed,
    valid: Validated,
) -> Result<Outcome, apply::Error> {
    let Validated {
        pipeline: valid,
        held_by,
    } = valid;
    let is_held = !held_by.is_empty();
    let outcome = if status::is_suspended(pipeline) {
        Ok(Outcome::Suspended)
    } else {
        let resources = build::build(&valid);
        let applied = apply::apply(writer, pipeline, observed, resources, is_held).await;
        applied.map(Outcome::Applied)
    };
    match outcome {
        // Somebody must mend the Secret first, and what is said of it decides how soon that is seen.
        outcome if is_held => {
            if let Err(error) = outcome {
                warn!(pipeline = valid.name, namespace = valid.namespace, %error, "a child of a held pipeline is not as it is to be");
            }
            Ok(Outcome::Invalid(held_by))
        }
        outcome => outcome,
    }
}

/// The image to record; `None` when the pods stay as they are.
fn image_to_run(
    pipeline: &ExtractionPipeline,
    validated: &Result<Validated, Vec<validate::Problem>>,
) -> Option<String> {
    let Validated {
        pipeline: valid,
        held_by,
    } = validated.as_ref().ok()?;
    let may_change = held_by.is_empty() && !status::is_suspended(pipeline);
    may_change.then(|| valid.image.clone())
}

/// The pipeline as it is now; `None` when it is gone or going, and its children with it.
async fn fetch(client: &Client, key: &Key) -> Result<Option<ExtractionPipeline>, Error> {
    let api: Api<DeserializeGuard<ExtractionPipeline>> = Api::namespaced(client.clone(), &key.0);
    let found = timeout(CALL_LIMIT, api.get_opt(&key.1))
        .await
        .map_err(|_| Error::FetchTimeout)?;
    let Some(found) = found.map_err(Error::Fetch)? else {
        return Ok(None);
    };
    let pipeline = found
        .0
        .map_err(|fault| Error::InvalidObject(Box::new(fault)))?;
    Ok(Some(pipeline).filter(|pipeline| pipeline.metadata.deletion_timestamp.is_none()))
}

fn failure(error: &apply::Error) -> Outcome {
    Outcome::Failed {
        reason: error.reason(),
        message: error.to_string(),
        is_permanent: error.is_permanent(),
    }
}

/// When to look again although no watch tells.
fn next_look(outcome: &Outcome, status: &ExtractionPipelineStatus, has_lost_key: bool) -> Duration {
    let is_unreachable = |condition: &Condition| {
        condition.status == "False" && condition.type_.ends_with("Reachable")
    };
    match outcome {
        Outcome::Invalid(problems) if problems.iter().any(|problem| problem.is_of_secret) => {
            SECRET_RECHECK
        }
        Outcome::Applied(Migration::Failed { retry_in }) => (*retry_in).min(MIGRATION_RECHECK),
        Outcome::Applied(Migration::Running { .. }) => MIGRATION_RECHECK,
        // Its Secret may have been corrected, and with it where pods must be let go.
        Outcome::Applied(_) if status.conditions.iter().any(is_unreachable) => OUTAGE_RECHECK,
        _ if has_lost_key => SECRET_RECHECK,
        _ => back_off::jittered(RESYNC, rand::random()),
    }
}

fn count_conditions(metrics: &Metrics, key: &Key, status: &ExtractionPipelineStatus) {
    for condition in &status.conditions {
        let value = match condition.status.as_str() {
            "True" => 1,
            "False" => 0,
            _ => -1,
        };
        metrics
            .conditions
            .with_label_values(&[key.0.as_str(), key.1.as_str(), condition.type_.as_str()])
            .set(value);
    }
}
