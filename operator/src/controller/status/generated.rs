//! Whether the Secrets that the operator made still hold what it put there. It may not write to a Secret that is
//! there, so what somebody took out of one is somebody's to mend. Nothing that is built depends on it.

use super::Verdict;
use crate::controller::build::GENERATED;
use crate::controller::observe::{Observed, SecretState};

/// What is wrong with them. Missing Secrets are no problem: they are made.
pub(super) fn problem(pipeline: &str, observed: &Observed) -> Option<Verdict> {
    let mut all = GENERATED.into_iter();
    all.find_map(|(suffix, key)| {
        let name = format!("{pipeline}-{suffix}");
        let (reason, message) = fault(observed.generated.get(&name)?, &name, key)?;
        Some(Verdict::no(reason, message))
    })
}

fn fault(state: &SecretState, name: &str, key: &str) -> Option<(&'static str, String)> {
    let (reason, what) = match state {
        SecretState::Missing => return None,
        SecretState::Forbidden => {
            let message = format!(
                "the operator may not read Secret '{name}', which it made: allow its ServiceAccount to get Secrets in this namespace"
            );
            return Some(("SecretForbidden", message));
        }
        SecretState::Present { keys, .. } => match keys.get(key) {
            Some(state) if !state.is_empty => return None,
            Some(_) => ("SecretKeyEmpty", "is empty"),
            None => ("SecretKeyMissing", "is gone"),
        },
    };
    let message = format!(
        "key '{key}' of Secret '{name}' {what}: give it a value, or delete the Secret to have another one made: kubectl delete secret {name}"
    );
    Some((reason, message))
}
