//! Whether enough pods of a Deployment are ready, and if not, why.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition};

use super::{Outcome, Verdict, Workloads};
use crate::controller::observe::{Observed, PodProblem};

/// What counts of a Deployment.
#[derive(Debug, Clone)]
pub(super) struct Workload {
    component: String,
    wanted: i32,
    ready: i32,
    /// Some pod serves, or none is wanted.
    pub(super) is_available: bool,
    /// So many pods are ready as the Deployment asks for.
    is_complete: bool,
    /// Every pod is of the present template and ready.
    pub(super) is_rolled_out: bool,
    /// Why pods are not even created, such as a quota.
    refusal: Option<String>,
    /// The pods run but were not ready within the Deployment's deadline.
    is_overdue: bool,
}

impl Workload {
    pub(super) fn of(deployment: &Deployment, component: &str) -> Self {
        let wanted = deployment
            .spec
            .as_ref()
            .and_then(|spec| spec.replicas)
            .unwrap_or(1);
        let status = deployment.status.clone().unwrap_or_default();
        let ready = status.ready_replicas.unwrap_or(0);
        let updated = status.updated_replicas.unwrap_or(0);
        let conditions = status.conditions.unwrap_or_default();
        let condition = |type_: &str| conditions.iter().find(|condition| condition.type_ == type_);
        let is = |type_: &str, status: &str| {
            condition(type_).is_some_and(|condition| condition.status == status)
        };
        let is_current = status.observed_generation >= deployment.metadata.generation;
        let refusal = condition("ReplicaFailure").filter(|condition| condition.status == "True");
        let is_overdue = |progress: &DeploymentCondition| {
            progress.reason.as_deref() == Some("ProgressDeadlineExceeded")
        };
        Self {
            component: component.to_owned(),
            wanted,
            ready,
            is_available: wanted == 0 || ready > 0,
            is_complete: is("Available", "True"),
            is_rolled_out: is_current && updated >= wanted && ready >= wanted,
            refusal: refusal.and_then(|condition| condition.message.clone()),
            is_overdue: condition("Progressing").is_some_and(is_overdue),
        }
    }

    /// Ready and wanted pods.
    pub(super) fn count(&self) -> String {
        format!("{}/{}", self.ready, self.wanted)
    }

    /// Why its pods do not run, the most telling cause.
    pub(super) fn problem<'a>(&self, observed: &'a Observed) -> Option<&'a PodProblem> {
        observed
            .pods
            .problems
            .iter()
            .find(|problem| problem.component == self.component)
    }

    /// A new version whose pods do not start, while old ones may still serve.
    pub(super) fn stuck_rollout(&self, observed: &Observed) -> Option<Verdict> {
        if self.is_rolled_out {
            return None;
        }
        if let Some(refusal) = &self.refusal {
            return Some(Verdict::no(
                "PodsRefused",
                format!("new {} pods are refused: {refusal}", self.component),
            ));
        }
        let problem = self
            .problem(observed)
            .filter(|problem| problem.reason != "Unschedulable")?;
        Some(Verdict::no(
            problem.reason,
            format!(
                "new {} pods do not start: {}",
                self.component, problem.message
            ),
        ))
    }
}

pub(super) fn api(workloads: &Workloads, observed: &Observed, outcome: &Outcome) -> Verdict {
    verdict(workloads.api.as_ref(), "API pods", observed, outcome)
}

pub(super) fn workers(workloads: &Workloads, observed: &Observed, outcome: &Outcome) -> Verdict {
    verdict(workloads.workers.as_ref(), "workers", observed, outcome)
}

fn verdict(
    workload: Option<&Workload>,
    noun: &str,
    observed: &Observed,
    outcome: &Outcome,
) -> Verdict {
    let Some(workload) = workload else {
        return missing(noun, outcome);
    };
    if workload.wanted == 0 {
        return Verdict::yes("ScaledToZero", format!("no {noun} are wanted now"));
    }
    if workload.is_available && workload.is_complete {
        return Verdict::yes("Available", format!("enough {noun} are ready"));
    }
    // As when an autoscaler has just asked for more, or one was evicted: the service goes on.
    if workload.is_available {
        return Verdict::yes(
            "PartlyAvailable",
            format!("some {noun} are not ready; the others go on"),
        );
    }
    if let Some(refusal) = &workload.refusal {
        return Verdict::no("PodsRefused", format!("{noun} are refused: {refusal}"));
    }
    if let Some(problem) = workload.problem(observed) {
        return Verdict::no(problem.reason, problem.message.clone());
    }
    if workload.is_overdue {
        return Verdict::no(
            "NotReady",
            format!("{noun} run and do not become ready: see their logs"),
        );
    }
    Verdict::no(
        "Starting",
        format!("{noun} were started and are not ready yet"),
    )
}

fn missing(noun: &str, outcome: &Outcome) -> Verdict {
    let why = match outcome {
        Outcome::Applied(migration) if !migration.is_done() => {
            "wait for the migration of the database"
        }
        Outcome::Applied(_) => "are being created",
        Outcome::Suspended => "are not created while `suspend` is 'All'",
        Outcome::Invalid(_) => "are created once the pipeline is valid",
        Outcome::Failed { .. } => "are created once everything before them is",
    };
    Verdict::no("NotCreated", format!("{noun} {why}"))
}
