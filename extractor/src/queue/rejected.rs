//! Which rejected messages this process has told of, so that each is logged once however often it comes.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// About 1 MB of ids.
const MANY: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Rejected(Mutex<HashSet<String>>);

impl Rejected {
    /// True the first time; after very many others, perhaps once more.
    pub(super) fn is_new(&self, id: &str) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MANY {
            known.clear();
        }
        known.insert(id.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_new_once_and_no_flood_fills_the_memory() {
        let rejected = Rejected::default();
        assert!(rejected.is_new("a"));
        assert!(!rejected.is_new("a"));
        for number in 0..2 * MANY {
            rejected.is_new(&number.to_string());
        }
        assert!(rejected.0.lock().unwrap().len() <= MANY);
    }
}
