//! Queue, storage and database, as the pods report them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use extraction_contract::database_reason;

use super::{Outcome, Verdict, find, word};
use crate::controller::apply::Migration;
use crate::controller::observe::{Dependency, Observed, Sample};
use crate::crd::{ConditionType, ExtractionPipeline};

/// Reason while nobody can say whether a dependency answers.
pub(super) const NOT_USED_YET: &str = "NotUsedYet";

pub(super) fn verdict(
    type_: ConditionType,
    pipeline: &ExtractionPipeline,
    observed: &Observed,
    outcome: &Outcome,
) -> Verdict {
    let status = pipeline.status.as_ref();
    let before = status.map_or(&[][..], |status| &status.conditions);
    let of = |name, dependency: &Dependency| match dependency.reachable {
        None => unused(name, type_, pipeline, before),
        Some(is_reachable) => used(name, dependency, is_reachable),
    };
    let unconnected = || match type_ {
        ConditionType::DatabaseReachable => unconnected_migration(outcome, observed, before),
        _ => None,
    };
    match &observed.dependencies {
        Sample::NotAsked => {
            unconnected().unwrap_or_else(|| find(before, type_).map_or_else(waiting, said_before))
        }
        Sample::Silent => unconnected().unwrap_or_else(waiting),
        Sample::Known(dependencies) => match type_ {
            ConditionType::QueueReachable => of("queue", &dependencies.queue),
            ConditionType::StorageReachable => of("storage", &dependencies.storage),
            _ => of("database", &dependencies.database),
        },
    }
}

/// Before there is an API pod to ask, the migration is the first to meet the database. What it said stands until
/// another attempt has ended.
fn unconnected_migration(
    outcome: &Outcome,
    observed: &Observed,
    before: &[Condition],
) -> Option<Verdict> {
    let Outcome::Applied(Migration::Running { .. } | Migration::Failed { .. }) = outcome else {
        return None;
    };
    let said = match &observed.pods.migration_report {
        Some(report) => Verdict::no(&report.reason, report.message.clone()),
        None => said_before(find(before, ConditionType::DatabaseReachable)?),
    };
    let is_connection = database_reason::CONNECTION.contains(&said.reason.as_str());
    (said.is_false() && is_connection).then_some(said)
}

/// After a restart of the operator the last word stands until a pod was asked.
fn said_before(condition: &Condition) -> Verdict {
    let status = match condition.status.as_str() {
        "True" => "True",
        "False" => "False",
        _ => "Unknown",
    };
    Verdict {
        status,
        reason: condition.reason.clone(),
        message: condition.message.clone(),
    }
}

fn waiting() -> Verdict {
    Verdict::unknown(
        "NoAnswer",
        "no API pod has answered yet; the operator asks the running ones every few seconds",
    )
}

/// No pod has used it since it started. Of the same spec, the last word stands until one has.
fn unused(
    name: &str,
    type_: ConditionType,
    pipeline: &ExtractionPipeline,
    before: &[Condition],
) -> Verdict {
    if pipeline.spec.queue.is_none() {
        return Verdict::yes("InThePod", format!("the one pod has its own {name}"));
    }
    match find(before, type_) {
        Some(said)
            if said.observed_generation == pipeline.metadata.generation
                && said.status != "Unknown" =>
        {
            said_before(said)
        }
        _ => Verdict::unknown(NOT_USED_YET, format!("the API has not used the {name} yet")),
    }
}

fn used(name: &str, dependency: &Dependency, is_reachable: bool) -> Verdict {
    if is_reachable {
        return Verdict::yes("Reachable", format!("the {name} answers"));
    }
    let reason = dependency.reason.as_deref().unwrap_or_default();
    let message = dependency.message.clone();
    let otherwise = || format!("the {name} does not answer");
    Verdict::no(
        &word(reason, "Unreachable"),
        message
            .filter(|text| !text.is_empty())
            .unwrap_or_else(otherwise),
    )
}
