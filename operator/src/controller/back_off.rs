//! How long a pipeline whose reconcile failed waits for the next attempt.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// Consecutive failures of each pipeline, by namespace and name.
#[derive(Debug, Default)]
pub(super) struct BackOff {
    failures: Mutex<HashMap<(String, String), Failures>>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    generation: i64,
    count: u32,
}

impl BackOff {
    /// Counts a failure at `generation` and gives the delay; a new generation starts anew.
    /// `chance` in 0..1 spreads the attempts of many pipelines.
    pub(super) fn failed(&self, key: &(String, String), generation: i64, chance: f64) -> Duration {
        let mut all = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.entry(key.clone()).or_insert(Failures {
            generation,
            count: 0,
        });
        if entry.generation != generation {
            *entry = Failures {
                generation,
                count: 0,
            };
        }
        entry.count = entry.count.saturating_add(1);
        jittered(doubled(FIRST, entry.count - 1, LONGEST), chance)
    }

    /// Forgets the failures of a pipeline that succeeded or is gone.
    pub(super) fn succeeded(&self, key: &(String, String)) {
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }
}

/// `first` doubled `times` times, at most `longest`.
pub(super) fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first
        .checked_mul(2u32.saturating_pow(times))
        .map_or(longest, |delay| delay.min(longest))
}

/// A delay between 80 % and 120 % of `delay`.
pub(super) fn jittered(delay: Duration, chance: f64) -> Duration {
    delay.mul_f64(0.8 + 0.4 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: f64 = 0.5;

    fn key() -> (String, String) {
        ("finance".to_owned(), "invoices".to_owned())
    }

    #[test]
    fn delays_double_from_one_second_to_five_minutes() {
        let back_off = BackOff::default();
        let seconds: Vec<u64> = (0..11)
            .map(|_| back_off.failed(&key(), 1, MIDDLE).as_secs_f64().round() as u64)
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn a_new_generation_starts_at_one_second_again() {
        let back_off = BackOff::default();
        for _ in 0..5 {
            back_off.failed(&key(), 1, MIDDLE);
        }
        assert_eq!(
            back_off.failed(&key(), 2, MIDDLE).as_secs_f64().round(),
            1.0
        );
    }

    #[test]
    fn a_success_forgets_failures() {
        let back_off = BackOff::default();
        back_off.failed(&key(), 1, MIDDLE);
        back_off.failed(&key(), 1, MIDDLE);
        back_off.succeeded(&key());
        assert_eq!(
            back_off.failed(&key(), 1, MIDDLE).as_secs_f64().round(),
            1.0
        );
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        let delay = Duration::from_secs(100);
        assert_eq!(jittered(delay, 0.0), Duration::from_secs(80));
        assert_eq!(jittered(delay, 1.0), Duration::from_secs(120));
    }
}
