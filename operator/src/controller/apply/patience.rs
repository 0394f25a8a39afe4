//! How often members of others are taken out of a child. A controller that puts them back each time would be fought for
//! ever, and pods replaced with every turn.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So often within [`WINDOW`], and then not until the first of them is so long ago.
const MOST: usize = 3;
const WINDOW: Duration = Duration::from_secs(600);

/// When members were last taken out of each child, by its uid.
#[derive(Debug, Default)]
pub(super) struct Patience(Mutex<HashMap<String, Vec<Instant>>>);

impl Patience {
    /// Whether to do it once more at `now`, which is counted then.
    pub(super) fn allows(&self, uid: &str, now: Instant) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, times| {
            times.retain(|time| now.saturating_duration_since(*time) < WINDOW);
            !times.is_empty()
        });
        let times = all.entry(uid.to_owned()).or_default();
        let is_allowed = times.len() < MOST;
        if is_allowed {
            times.push(now);
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_again_and_again_is_left_for_a_while() {
        let (patience, start) = (Patience::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let allowed = |uid, seconds| patience.allows(uid, after(seconds));
        assert!(allowed("a", 0) && allowed("a", 1) && allowed("a", 2));
        assert!(!allowed("a", 3));
        assert!(allowed("b", 3), "another child has a count of its own");
        assert!(!allowed("a", 599));
        assert!(allowed("a", 600));
        assert!(!allowed("a", 600));
    }
}
