//! Answers that stay good for some seconds.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A map whose entries vanish after a fixed time; it never holds more than a fixed number.
pub(crate) struct Cache<K, V> {
    entries: Mutex<HashMap<K, (Instant, V)>>,
    life: Duration,
    capacity: usize,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub(crate) fn new(life: Duration, capacity: usize) -> Self {
        Self {
            entries: Mutex::default(),
            life,
            capacity,
        }
    }

    /// What was put at most [`life`](Self::new) before `now`.
    pub(crate) fn get(&self, key: &K, now: Instant) -> Option<V> {
        let entries = self.lock();
        let (put, value) = entries.get(key)?;
        (now.duration_since(*put) < self.life).then(|| value.clone())
    }

    pub(crate) fn put(&self, key: K, value: V, now: Instant) {
        let mut entries = self.lock();
        if entries.len() >= self.capacity {
            entries.retain(|_, (put, _)| now.duration_since(*put) < self.life);
        }
        // All of them are fresh: somebody asks very many different things. Asking again costs less than memory.
        if entries.len() >= self.capacity {
            entries.clear();
        }
        entries.insert(key, (now, value));
    }

    /// A poisoned lock only means that another task panicked; the map inside stays valid.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, (Instant, V)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_given_again_until_it_is_too_old() {
        let cache = Cache::new(Duration::from_secs(10), 8);
        let begun = Instant::now();
        cache.put("key", 1, begun);
        assert_eq!(cache.get(&"key", begun + Duration::from_secs(9)), Some(1));
        assert_eq!(cache.get(&"key", begun + Duration::from_secs(10)), None);
        assert_eq!(cache.get(&"other", begun), None);
    }

    #[test]
    fn a_full_cache_forgets_the_old_answers_or_else_all() {
        let cache = Cache::new(Duration::from_secs(10), 2);
        let begun = Instant::now();
        let later = begun + Duration::from_secs(11);
        cache.put(1, 1, begun);
        cache.put(2, 2, later);
        cache.put(3, 3, later);
        assert_eq!(
            (cache.get(&2, later), cache.get(&3, later)),
            (Some(2), Some(3))
        );
        cache.put(4, 4, later);
        assert_eq!(
            (cache.get(&3, later), cache.get(&4, later)),
            (None, Some(4))
        );
    }
}
