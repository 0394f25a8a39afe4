//! The migration Job: made once for each image and database, tried again after a failure when its input changed
//! or a pause is over.

use std::time::Duration;

use k8s_openapi::api::batch::v1::{Job, JobCondition};
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use super::ensure::{Ensurer, Template};
use super::{Error, Rollout};
use crate::controller::back_off::doubled;
use crate::controller::kinds::Kind;
use crate::controller::observe::{Observed, SecretState};

/// How often the migration was started anew after a failure.
const ATTEMPT_ANNOTATION: &str = "extraction.dev/attempt";
/// Versions of the Secrets that the migration was started with.
const INPUT_ANNOTATION: &str = "extraction.dev/input";
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// State of the schema of the pipeline's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migration {
    /// The one pod of an embedded pipeline migrates its own file.
    NotNeeded,
    /// The database has the schema of the image.
    Done,
    /// Nothing was started: roll-outs are suspended, or a Secret is wanting.
    Held,
    /// The Job is at work.
    Running {
        /// How often it failed before.
        attempt: u32,
    },
    /// The Job gave up.
    Failed {
        /// Pause until it is started again.
        retry_in: Duration,
    },
}

impl Migration {
    /// Whether pods may run on the database as it is.
    pub fn is_done(self) -> bool {
        matches!(self, Self::NotNeeded | Self::Done | Self::Held)
    }
}

/// Starts, watches and retries the Job.
pub(super) async fn advance(
    ensurer: &mut Ensurer<'_>,
    observed: &Observed,
    wanted: Option<Job>,
    rollout: &Rollout,
) -> Result<Migration, Error> {
    let Some(mut wanted) = wanted else {
        return Ok(Migration::NotNeeded);
    };
    let name = wanted.name_any();
    if rollout.is_frozen || rollout.is_held {
        ensurer.keep(Kind::Job, &name);
        return Ok(Migration::Held);
    }
    let input = input(observed);
    let live: Option<Job> = observed.children.typed(Kind::Job, &name);
    let step = step(live.as_ref(), &input, Timestamp::now());
    let attempt = annotate(&mut wanted, live.as_ref(), step, input);
    match (step, ensurer.live(Kind::Job, &name)) {
        (Step::Restart { attempt }, Some(child)) => {
            ensurer.replace(Kind::Job, child, wanted).await?;
            Ok(Migration::Running { attempt })
        }
        (step, _) => {
            ensurer.one(Kind::Job, wanted, Template::Follows).await?;
            // A Job of another name is of another image or database: what was said of that one is no news of this.
            let is_repetition = rollout.was_migrated && !ensurer.has_other(Kind::Job, &name);
            Ok(step.state(attempt, is_repetition))
        }
    }
}

/// Records the attempt, which is returned, and what it was started with; a Job that is left alone keeps its records.
fn annotate(wanted: &mut Job, live: Option<&Job>, step: Step, input: String) -> u32 {
    let recorded = live.and_then(|live| live.annotations().get(INPUT_ANNOTATION).cloned());
    let (attempt, input) = match step {
        Step::Start => (0, input),
        Step::Leave(_) => (live.map_or(0, attempt), recorded.unwrap_or(input)),
        Step::Restart { attempt } => (attempt, input),
    };
    let annotations = wanted.annotations_mut();
    annotations.insert(ATTEMPT_ANNOTATION.to_owned(), attempt.to_string());
    annotations.insert(INPUT_ANNOTATION.to_owned(), input);
    attempt
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Start,
    Leave(Migration),
    Restart { attempt: u32 },
}

impl Step {
    /// The state of the schema after this step. The first attempt of a repetition changes nothing.
    fn state(self, attempt: u32, is_repetition: bool) -> Migration {
        let is_running = |state| matches!(state, Migration::Running { .. });
        match self {
            Self::Leave(state) if attempt > 0 || !is_running(state) => state,
            _ if is_repetition => Migration::Done,
            _ => Migration::Running { attempt },
        }
    }
}

fn step(live: Option<&Job>, input: &str, now: Timestamp) -> Step {
    let Some(live) = live else { return Step::Start };
    let attempt = attempt(live);
    if condition(live, "Complete").is_some() {
        return Step::Leave(Migration::Done);
    }
    let is_new_input = live
        .annotations()
        .get(INPUT_ANNOTATION)
        .is_some_and(|recorded| recorded != input);
    let failed_pods = live
        .status
        .as_ref()
        .and_then(|status| status.failed)
        .unwrap_or(0);
    let failed = condition(live, "Failed");
    if is_new_input && (failed.is_some() || failed_pods > 0) {
        return Step::Restart { attempt: 0 };
    }
    let Some(failed) = failed else {
        return Step::Leave(Migration::Running { attempt });
    };
    let pause = doubled(FIRST_PAUSE, attempt, LONGEST_PAUSE);
    let since = failed
        .last_transition_time
        .as_ref()
        .map_or(now, |time| time.0);
    let passed = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    match pause.checked_sub(passed) {
        Some(retry_in) if !retry_in.is_zero() => Step::Leave(Migration::Failed { retry_in }),
        _ => Step::Restart {
            attempt: attempt + 1,
        },
    }
}

fn condition<'a>(job: &'a Job, type_: &str) -> Option<&'a JobCondition> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    conditions
        .iter()
        .find(|condition| condition.type_ == type_ && condition.status == "True")
}

fn attempt(job: &Job) -> u32 {
    job.annotations()
        .get(ATTEMPT_ANNOTATION)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// What a retry depends on besides the Job's own template: the referenced Secrets as they are now.
fn input(observed: &Observed) -> String {
    let versions = observed
        .secrets
        .iter()
        .filter_map(|(name, state)| match state {
            SecretState::Present {
                resource_version, ..
            } => Some(format!("{name}:{resource_version}")),
            SecretState::Missing | SecretState::Forbidden => None,
        });
    versions.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn job(attempt: u32, status: Value) -> Job {
        let annotations =
            json!({ ATTEMPT_ANNOTATION: attempt.to_string(), INPUT_ANNOTATION: "db:1" });
        serde_json::from_value(
            json!({ "metadata": { "annotations": annotations }, "status": status }),
        )
        .unwrap()
    }

    fn failed_at(second: i64) -> Value {
        let time = Timestamp::from_second(second).unwrap().to_string();
        json!({ "failed": 2, "conditions": [{ "type": "Failed", "status": "True", "lastTransitionTime": time }] })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_job_that_is_not_there_is_started() {
        assert_eq!(step(None, "db:1", at(0)), Step::Start);
    }

    #[test]
    fn only_the_first_attempt_of_a_repetition_counts_as_done_before_it_is() {
        let running = |attempt| Migration::Running { attempt };
        assert_eq!(Step::Start.state(0, true), Migration::Done);
        assert_eq!(Step::Start.state(0, false), running(0));
        assert_eq!(Step::Leave(running(0)).state(0, true), Migration::Done);
        assert_eq!(Step::Leave(running(1)).state(1, true), running(1));
    }

    #[test]
    fn a_complete_job_is_left_alone_also_when_the_secret_changes() {
        let done = job(
            0,
            json!({ "conditions": [{ "type": "Complete", "status": "True" }] }),
        );
        assert_eq!(
            step(Some(&done), "db:2", at(0)),
            Step::Leave(Migration::Done)
        );
    }

    #[test]
    fn a_running_job_is_left_alone() {
        assert_eq!(
            step(Some(&job(1, json!({ "active": 1 }))), "db:1", at(0)),
            Step::Leave(Migration::Running { attempt: 1 })
        );
    }

    #[test]
    fn a_failed_job_waits_longer_after_each_attempt() {
        let wait = |attempt, second| step(Some(&job(attempt, failed_at(100))), "db:1", at(second));
        let pause = |seconds| {
            Step::Leave(Migration::Failed {
                retry_in: Duration::from_secs(seconds),
            })
        };
        assert_eq!(wait(0, 101), pause(9));
        assert_eq!(wait(0, 110), Step::Restart { attempt: 1 });
        assert_eq!(wait(1, 110), pause(10));
        assert_eq!(wait(9, 399), pause(1));
        assert_eq!(wait(9, 400), Step::Restart { attempt: 10 });
    }

    #[test]
    fn a_changed_secret_restarts_a_job_that_failed_or_is_failing() {
        assert_eq!(
            step(Some(&job(5, failed_at(100))), "db:2", at(100)),
            Step::Restart { attempt: 0 }
        );
        let failing = job(0, json!({ "active": 1, "failed": 1 }));
        assert_eq!(
            step(Some(&failing), "db:2", at(100)),
            Step::Restart { attempt: 0 }
        );
    }
}
