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
    match outcome {
        Outcome::Invalid(problems) if !problems.is_empty() => {
            let mut messages: Vec<&str> = problems
                .iter()
                .map(|problem| problem.message.as_str())
                .collect();
            messages.dedup();
            return Verdict::no(problems[0].reason, messages.join("; "));
        }
        Outcome::Failed {
            reason,
            message,
            is_permanent: true,
        } => return Verdict::no(reason, message),
        _ => {}
    }
    let is_needed =
        |type_: &ConditionType| !matches!(type_, ConditionType::Ready | ConditionType::DataDurable);
    if let Some((_, cause)) = verdicts
        .iter()
        .find(|(type_, verdict)| is_needed(type_) && verdict.is_false())
    {
        return cause.clone();
    }
    let deployments = workloads.api.iter().chain(&workloads.workers);
    if let Some(stuck) = deployments
        .filter_map(|workload| workload.stuck_rollout(observed))
        .next()
    {
        return stuck;
    }
    let is_unknown = verdicts
        .iter()
        .any(|(_, verdict)| verdict.reason == "NoAnswer");
    if is_unknown && !matches!(observed.dependencies, Sample::Known(_)) {
        return Verdict::unknown(
            "NoAnswer",
            "the API pods have not said yet whether queue, storage and database answer; if this lasts, check that the NetworkPolicies admit the operator to their metrics port",
        );
    }
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
