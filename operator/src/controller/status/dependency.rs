//! Queue, storage and database, as the API pods report them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{Verdict, find, word};
use crate::controller::observe::{Dependency, Sample};
use crate::crd::ConditionType;

pub(super) fn verdict(type_: ConditionType, sample: &Sample, before: &[Condition]) -> Verdict {
    match sample {
        Sample::NotAsked => find(before, type_).map_or_else(waiting, said_before),
        Sample::Silent => waiting(),
        Sample::Known(dependencies) => match type_ {
            ConditionType::QueueReachable => of("queue", &dependencies.queue),
            ConditionType::StorageReachable => of("storage", &dependencies.storage),
            _ => of("database", &dependencies.database),
        },
    }
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

fn of(name: &str, dependency: &Dependency) -> Verdict {
    match dependency.reachable {
        Some(true) => Verdict::yes("Reachable", format!("the {name} answers")),
        None => Verdict::unknown("NotUsedYet", format!("the API has not used the {name} yet")),
        Some(false) => {
            let reason = word(
                dependency.reason.as_deref().unwrap_or_default(),
                "Unreachable",
            );
            let otherwise = || format!("the {name} does not answer");
            let message = dependency
                .message
                .clone()
                .filter(|message| !message.is_empty());
            Verdict::no(&reason, message.unwrap_or_else(otherwise))
        }
    }
}
