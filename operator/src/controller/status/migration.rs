//! Whether the database has the schema of the image.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{Outcome, Verdict, Workloads, find, word};
use crate::controller::apply::Migration;
use crate::controller::kinds::Kind;
use crate::controller::observe::{Child, MigrationReport, Observed};
use crate::crd::ConditionType;

const MIGRATING: &str = "Migrating";
const AFTERWARDS: &str = "pods that run stay as they are; the migration is tried again by itself, and at once when the spec or a Secret changes";

pub(super) fn verdict(
    outcome: &Outcome,
    observed: &Observed,
    workloads: &Workloads,
    before: &[Condition],
    generation: Option<i64>,
) -> Verdict {
    match outcome {
        _ if workloads.is_embedded => embedded(workloads),
        Outcome::Applied(Migration::Done | Migration::NotNeeded) => migrated(),
        Outcome::Applied(Migration::Failed { .. }) => {
            failed(observed.pods.migration_report.as_ref())
        }
        Outcome::Applied(Migration::Running { attempt }) => running(*attempt, observed, before),
        // Something after it failed.
        Outcome::Failed { .. } if is_migrating(before, generation) && is_through(observed) => {
            migrated()
        }
        Outcome::Applied(Migration::Held)
        | Outcome::Invalid(_)
        | Outcome::Suspended
        | Outcome::Failed { .. } => as_before(before),
    }
}

fn migrated() -> Verdict {
    Verdict::yes("Migrated", "the database has the schema of the image")
}

/// Whether the Job of this very spec was waited for.
fn is_migrating(before: &[Condition], generation: Option<i64>) -> bool {
    find(before, ConditionType::DatabaseMigrated).is_some_and(|before| {
        before.reason == MIGRATING && before.observed_generation == generation
    })
}

/// Whether every Job is done, and with them the one that was waited for.
fn is_through(observed: &Observed) -> bool {
    let is_complete = |job: &Child| {
        let conditions = job.object["status"]["conditions"].as_array();
        let mut all = conditions.into_iter().flatten();
        all.any(|condition| condition["type"] == "Complete" && condition["status"] == "True")
    };
    let children = &observed.children.0;
    let mut jobs = children
        .iter()
        .filter(|((kind, _), _)| *kind == Kind::Job)
        .peekable();
    jobs.peek().is_some() && jobs.all(|(_, job)| is_complete(job))
}

fn embedded(workloads: &Workloads) -> Verdict {
    if workloads.api.as_ref().is_some_and(|pod| pod.is_available) {
        Verdict::yes(
            "Migrated",
            "the pod brought its own database to the schema of the image",
        )
    } else {
        Verdict::unknown(
            "Starting",
            "the pod brings its own database to the schema of the image when it starts",
        )
    }
}

fn running(attempt: u32, observed: &Observed, before: &[Condition]) -> Verdict {
    if let Some(problem) = observed
        .pods
        .problems
        .iter()
        .find(|problem| problem.component == "migrate")
    {
        return Verdict::no(
            problem.reason,
            format!("the migration cannot start: {}", problem.message),
        );
    }
    if let Some(report) = &observed.pods.migration_report {
        return failed(Some(report));
    }
    let failed_before = find(before, ConditionType::DatabaseMigrated)
        .filter(|before| attempt > 0 && before.status == "False");
    match failed_before {
        Some(before) => Verdict::no(&before.reason, before.message.clone()),
        None => Verdict::no(
            MIGRATING,
            "the database is being brought to the schema of the image",
        ),
    }
}

fn failed(report: Option<&MigrationReport>) -> Verdict {
    let Some(report) = report else {
        return Verdict::no(
            "MigrationFailed",
            format!("the migration failed, see the log of its Job; {AFTERWARDS}"),
        );
    };
    let subject = match &report.migration {
        Some(name) => format!("migration '{name}' failed"),
        None => "the migration failed".to_owned(),
    };
    Verdict::no(
        &word(&report.reason, "MigrationFailed"),
        format!("{subject}: {}; {AFTERWARDS}", report.message),
    )
}

fn as_before(before: &[Condition]) -> Verdict {
    let Some(before) = find(before, ConditionType::DatabaseMigrated) else {
        return Verdict::unknown("NotStarted", "the migration has not been started");
    };
    match before.status.as_str() {
        "True" => Verdict::yes(&before.reason, before.message.clone()),
        "False" => Verdict::no(&before.reason, before.message.clone()),
        _ => Verdict::unknown(&before.reason, before.message.clone()),
    }
}
