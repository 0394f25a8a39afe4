//! Fifth step, pure: what the status says. The same world gives the same bytes; times change only with a
//! condition's status.

mod dependency;
mod durability;
mod generated;
mod migration;
mod report;
mod summary;
mod workload;

pub use report::{Error as ReportError, report};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use self::workload::Workload;
use super::apply::Migration;
use super::kinds::Kind;
use super::observe::Observed;
use super::validate::Problem;
use crate::crd::{ConditionType, ExtractionPipeline, ExtractionPipelineStatus, Suspend};

/// Every condition, `Ready` first, then in the order in which causes explain effects.
pub const CONDITIONS: [ConditionType; 8] = [
    ConditionType::Ready,
    ConditionType::DatabaseReachable,
    ConditionType::QueueReachable,
    ConditionType::StorageReachable,
    ConditionType::DatabaseMigrated,
    ConditionType::ApiAvailable,
    ConditionType::WorkersAvailable,
    ConditionType::DataDurable,
];

/// How the steps before ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The spec or what it refers to must change first; the children are as they were, or as they are to be as far as
    /// that starts no other pods.
    Invalid(Vec<Problem>),
    /// The pipeline is suspended altogether; nothing was compared or written.
    Suspended,
    /// Every child is as built, as far as the migration let it be.
    Applied(Migration),
    /// A child could not be made.
    Failed {
        /// One CamelCase word.
        reason: &'static str,
        /// Cause and next step.
        message: String,
        /// Somebody has to act; otherwise the next attempt may succeed by itself.
        is_permanent: bool,
    },
}

/// What a condition is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Verdict {
    status: &'static str,
    reason: String,
    message: String,
}

impl Verdict {
    fn yes(reason: &str, message: impl Into<String>) -> Self {
        Self {
            status: "True",
            reason: reason.to_owned(),
            message: message.into(),
        }
    }

    fn no(reason: &str, message: impl Into<String>) -> Self {
        Self {
            status: "False",
            reason: reason.to_owned(),
            message: message.into(),
        }
    }

    fn unknown(reason: &str, message: impl Into<String>) -> Self {
        Self {
            status: "Unknown",
            reason: reason.to_owned(),
            message: message.into(),
        }
    }

    fn is_false(&self) -> bool {
        self.status == "False"
    }
}

/// Computes the status. `image` is what the pods are to run; `None` leaves the recorded one.
pub fn status(
    pipeline: &ExtractionPipeline,
    observed: &Observed,
    outcome: &Outcome,
    image: Option<&str>,
    now: Timestamp,
) -> ExtractionPipelineStatus {
    let before = pipeline.status.clone().unwrap_or_default();
    let workloads = Workloads::of(pipeline, observed);
    let mut verdicts = verdicts(pipeline, observed, outcome, &workloads, &before.conditions);
    if let Outcome::Invalid(problems) = outcome {
        for problem in problems.iter().rev() {
            set(
                &mut verdicts,
                problem.condition,
                Verdict::no(problem.reason, &problem.message),
            );
        }
    }
    let ready = summary::ready(pipeline, observed, outcome, &workloads, &verdicts);
    set(&mut verdicts, ConditionType::Ready, ready);

    let generation = pipeline.metadata.generation;
    // A spec that was never run has no image of its own yet: it takes the operator's once it is valid.
    let is_new_and_invalid =
        matches!(outcome, Outcome::Invalid(_)) && before.observed_generation != generation;
    let kept = before.image.filter(|_| !is_new_and_invalid);
    let said = verdicts.into_iter();
    let conditions =
        said.map(|(type_, verdict)| condition(type_, verdict, &before.conditions, generation, now));
    ExtractionPipelineStatus {
        observed_generation: generation,
        conditions: conditions.collect(),
        image: image.map(str::to_owned).or(kept),
        api: workloads.api.as_ref().map(Workload::count),
        workers: workloads.workers.as_ref().map(Workload::count),
    }
}

/// The Deployments of a pipeline.
struct Workloads {
    is_embedded: bool,
    api: Option<Workload>,
    /// `None` for an embedded pipeline too.
    workers: Option<Workload>,
}

impl Workloads {
    fn of(pipeline: &ExtractionPipeline, observed: &Observed) -> Self {
        let name = pipeline.metadata.name.as_deref().unwrap_or_default();
        let find = |component: &str| {
            let deployment = observed
                .children
                .typed(Kind::Deployment, &format!("{name}-{component}"))?;
            Some(Workload::of(&deployment, component))
        };
        let is_embedded = pipeline.spec.queue.is_none();
        if is_embedded {
            Self {
                is_embedded,
                api: find("serve"),
                workers: None,
            }
        } else {
            Self {
                is_embedded,
                api: find("api"),
                workers: find("worker"),
            }
        }
    }
}

/// What each condition says by itself; `Ready` is summed up from the others later.
fn verdicts(
    pipeline: &ExtractionPipeline,
    observed: &Observed,
    outcome: &Outcome,
    workloads: &Workloads,
    before: &[Condition],
) -> Vec<(ConditionType, Verdict)> {
    let api = workload::api(workloads, observed, outcome);
    let verdict = |type_| match type_ {
        ConditionType::Ready => Verdict::unknown("Pending", ""),
        ConditionType::DatabaseReachable
        | ConditionType::QueueReachable
        | ConditionType::StorageReachable => {
            dependency::verdict(type_, pipeline, observed, outcome)
        }
        ConditionType::DatabaseMigrated => migration::verdict(
            outcome,
            observed,
            workloads,
            before,
            pipeline.metadata.generation,
        ),
        ConditionType::ApiAvailable => api.clone(),
        ConditionType::WorkersAvailable if workloads.is_embedded => embedded_workers(&api),
        ConditionType::WorkersAvailable => workload::workers(workloads, observed, outcome),
        ConditionType::DataDurable => durability::verdict(pipeline, observed),
    };
    CONDITIONS.map(|type_| (type_, verdict(type_))).into()
}

fn embedded_workers(api: &Verdict) -> Verdict {
    let message = if api.is_false() {
        api.message.clone()
    } else {
        "the one pod serves the API and extracts".to_owned()
    };
    Verdict {
        message,
        ..api.clone()
    }
}

fn set(verdicts: &mut [(ConditionType, Verdict)], type_: ConditionType, verdict: Verdict) {
    if let Some(entry) = verdicts.iter_mut().find(|(found, _)| *found == type_) {
        entry.1 = verdict;
    }
}

fn find(conditions: &[Condition], type_: ConditionType) -> Option<&Condition> {
    conditions
        .iter()
        .find(|condition| condition.type_ == type_.as_str())
}

fn condition(
    type_: ConditionType,
    verdict: Verdict,
    before: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> Condition {
    let unchanged = find(before, type_).filter(|condition| condition.status == verdict.status);
    Condition {
        last_transition_time: unchanged.map_or(Time(now), |condition| {
            condition.last_transition_time.clone()
        }),
        message: shortened(verdict.message),
        observed_generation: generation,
        reason: verdict.reason,
        status: verdict.status.to_owned(),
        type_: type_.as_str().to_owned(),
    }
}

/// Messages from elsewhere may be long.
fn shortened(message: String) -> String {
    const LONGEST: usize = 1024;
    match message.char_indices().nth(LONGEST) {
        None => message,
        Some((end, _)) => format!("{}…", &message[..end]),
    }
}

/// A reason that came from a pod, as one CamelCase word.
fn word(reason: &str, otherwise: &str) -> String {
    let word: String = reason
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(64)
        .collect();
    if word.starts_with(|first: char| first.is_ascii_alphabetic()) {
        word
    } else {
        otherwise.to_owned()
    }
}

/// Whether a Secret that the operator made no longer holds its key, so that somebody must mend it.
pub fn has_lost_key(pipeline: &ExtractionPipeline, observed: &Observed) -> bool {
    let name = pipeline.metadata.name.as_deref().unwrap_or_default();
    generated::problem(name, observed).is_some()
}

/// Whether nothing at all is to be written for this pipeline.
pub fn is_suspended(pipeline: &ExtractionPipeline) -> bool {
    pipeline.spec.suspend == Suspend::All
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
