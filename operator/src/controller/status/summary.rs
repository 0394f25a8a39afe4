//! `Ready`: the first cause, in words.

use super::{Outcome, Verdict, Workloads};
use crate::controller::observe::{Observed, Sample};
use crate::crd::{ConditionType, Suspend};

pub(super) fn ready(
    suspend: Suspend,
    observed: &Observed,
    outcome: &Outcome,
    workloads: &Workloads,
    verdicts: &[(ConditionType, Verdict)],
) -> Verdict {
    let causes = [
        stopped(outcome),
        failing(verdicts),
        stuck(observed, workloads),
        silent(observed, verdicts),
    ];
    let cause = causes.into_iter().flatten().next();
    cause.unwrap_or_else(|| content(suspend))
}

/// Why nothing was built.
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
