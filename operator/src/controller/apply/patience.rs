//! How often members of others are taken out of a child. A controller that puts them back each time would be fought for
//! ever, and pods replaced with every turn.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The same members so often within [`WINDOW`], and then not until the first time is so long ago.
const MOST: usize = 3;
const WINDOW: Duration = Duration::from_secs(600);

/// When members were last taken out of each child, by its uid and what they are: another edit is another matter.
#[derive(Debug, Default)]
pub(super) struct Patience(Mutex<HashMap<String, Removals>>);

#[derive(Debug, Default)]
struct Removals {
    times: Vec<Instant>,
    is_end_told: bool,
}

/// Whether to take members out once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Remove,
    /// They are left; for the first time in this window.
    LeaveAndTell,
    Leave,
}

impl Patience {
    /// What to do at `now`.
    pub(super) fn verdict(&self, what: &str, now: Instant) -> Verdict {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, removals| {
            let is_recent = |time: &Instant| now.saturating_duration_since(*time) < WINDOW;
            removals.times.retain(is_recent);
            !removals.times.is_empty()
        });
        match all
            .get_mut(what)
            .filter(|removals| removals.times.len() >= MOST)
        {
            None => Verdict::Remove,
            Some(removals) if removals.is_end_told => Verdict::Leave,
            Some(removals) => {
                removals.is_end_told = true;
                Verdict::LeaveAndTell
            }
        }
    }

    /// Members were taken out at `now`.
    pub(super) fn removed(&self, what: &str, now: Instant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let removals = all.entry(what.to_owned()).or_default();
        removals.times.push(now);
        removals.is_end_told = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_again_and_again_is_left_for_a_while_and_told_of_once() {
        let (patience, start) = (Patience::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let verdict = |what, seconds| patience.verdict(what, after(seconds));
        for seconds in 0..3 {
            assert_eq!(verdict("a", seconds), Verdict::Remove);
            patience.removed("a", after(seconds));
        }
        assert_eq!(verdict("a", 3), Verdict::LeaveAndTell);
        assert_eq!(verdict("a", 4), Verdict::Leave);
        assert_eq!(
            verdict("b", 4),
            Verdict::Remove,
            "every edit has a count of its own"
        );
        assert_eq!(verdict("a", 600), Verdict::Remove);
    }

    #[test]
    fn what_failed_is_not_counted() {
        let (patience, now) = (Patience::default(), Instant::now());
        assert!((0..9).all(|_| patience.verdict("a", now) == Verdict::Remove));
    }
}
