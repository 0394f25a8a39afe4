//! `Ready`: the first cause, in words.

use kube::ResourceExt;

use super::dependency::NOT_USED_YET;
use super::{Outcome, Verdict, Workloads, generated};
use crate::controller::observe::{Observed, Sample};
use crate::crd::{ConditionType, ExtractionPipeline, Suspend};

pub(super) fn ready(
    pipeline: &ExtractionPipeline,
    observed: &Observed,
    outcome: &Outcome,
    workloads: &Workloads,
    verdicts: &[(ConditionType, Verdict)],
) -> Verdict {
    let causes = [
        stopped(outcome),
        generated::problem(&pipeline.name_any(), observed),
        failing(verdicts),
        stuck(observed, workloads),
        silent(observed, verdicts),
        untried(verdicts),
    ];
    let cause = causes.into_iter().flatten().next();
    cause.unwrap_or_else(|| content(pipeline.spec.suspend))
}

/// Why nothing was built, or not all of it.
fn stopped(outcome: &Outcome) -> Option<Verdict> {
    match outcome {
        Outcome::Invalid(problems) if !problems.is_empty() => {
            let mut messages: Vec<&str> = problems
                .iter()
                .map(|problem| problem.message.as_str())
                .collect();
            messages.dedup();
            Some(Verdict::no(problems[0].reason, messages.join("; ")))
        }
        Outcome::Failed {
            reason,
            message,
            is_permanent: true,
        } => Some(Verdict::no(reason, message)),
        _ => None,
    }
}

/// The first condition that is `False`.
fn failing(verdicts: &[(ConditionType, Verdict)]) -> Option<Verdict> {
    let is_needed =
        |type_: &ConditionType| !matches!(type_, ConditionType::Ready | ConditionType::DataDurable);
    let (_, cause) = verdicts
        .iter()
        .find(|(type_, verdict)| is_needed(type_) && verdict.is_false())?;
    Some(cause.clone())
}

/// Old pods serve, new ones do not start.
fn stuck(observed: &Observed, workloads: &Workloads) -> Option<Verdict> {
    let mut deployments = workloads.api.iter().chain(&workloads.workers);
    deployments.find_map(|workload| workload.stuck_rollout(observed))
}

fn silent(observed: &Observed, verdicts: &[(ConditionType, Verdict)]) -> Option<Verdict> {
    let mut all = verdicts.iter();
    let is_unknown = all.any(|(_, verdict)| verdict.reason == "NoAnswer")
        && !matches!(observed.dependencies, Sample::Known(_));
    is_unknown.then(|| Verdict::unknown(
        "NoAnswer",
        "the API pods have not said yet whether queue, storage and database answer; if this lasts, check that the NetworkPolicies admit the operator to their metrics port",
    ))
}

/// A pipeline is not ready before somebody has reached what it stands on.
fn untried(verdicts: &[(ConditionType, Verdict)]) -> Option<Verdict> {
    let mut all = verdicts.iter();
    let (_, verdict) = all.find(|(_, verdict)| verdict.reason == NOT_USED_YET)?;
    Some(verdict.clone())
}

fn content(suspend: Suspend) -> Verdict {
    match suspend {
        Suspend::None => Verdict::yes("Ready", "documents are accepted and extracted"),
        Suspend::Rollouts => Verdict::yes(
            "RolloutsSuspended",
            "documents are accepted and extracted; changes that would restart pods wait for `suspend: None`",
        ),
        Suspend::All => Verdict::yes(
            "Suspended",
            "documents are accepted and extracted; the operator changes nothing until `suspend: None`",
        ),
    }
}
