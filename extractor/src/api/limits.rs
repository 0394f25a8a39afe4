//! Limits that protect the process: token buckets per address and key, and requests in hand.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::problem::Problem;
use super::state::{ApiConfig, ApiState};

/// So many requests per time, all of which may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Size of the bucket.
    pub requests: u32,
    /// Time in which an empty bucket fills.
    pub per: Duration,
}

/// The limits of this process. They are not shared between replicas.
pub(super) struct Limits {
    anonymous: Buckets<IpAddr>,
    keys: Buckets<String>,
    requests: Semaphore,
    waits: Semaphore,
}

impl Limits {
    pub(super) fn new(config: &ApiConfig) -> Self {
        Self {
            anonymous: Buckets::new(config.anonymous_rate),
            keys: Buckets::new(config.key_rate),
            requests: Semaphore::new(config.max_concurrent_requests),
            waits: Semaphore::new(config.max_concurrent_requests),
        }
    }

    /// Charges a request that has no valid key.
    pub(super) fn charge_address(&self, address: IpAddr) -> Result<(), Problem> {
        self.anonymous.take(network(address), Instant::now())
    }

    /// Gives back one charge: there was a valid key after all.
    pub(super) fn refund_address(&self, address: IpAddr) {
        self.anonymous.give_back(&network(address));
    }

    /// Charges a request to its key.
    pub(super) fn charge_key(&self, client: &str) -> Result<(), Problem> {
        self.keys.take(client.to_owned(), Instant::now())
    }
}

/// One host owns a whole /64 of IPv6, so that is what one bucket stands for.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

/// Refuses what exceeds the requests in hand, at once: a queue here would only hide the overload.
pub(super) async fn limit_concurrency(
    State(state): State<ApiState>,
    request: Request,
    next: Next,
) -> Response {
    // Those that wait for a job do nothing meanwhile, and must not keep out those that bring one.
    let limits = state.limits();
    let room = if is_wait(&request) {
        &limits.waits
    } else {
        &limits.requests
    };
    match room.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => Problem::Overloaded.into_response(),
    }
}

/// Only one route waits, whatever others are asked for.
fn is_wait(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>();
    let is_of_a_job = route.is_some_and(|route| route.as_str() == "/api/v1/jobs/{id}");
    let mut parameters = request.uri().query().unwrap_or_default().split('&');
    request.method() == Method::GET
        && is_of_a_job
        && parameters.any(|parameter| parameter.starts_with("wait="))
}

/// Ends a request that takes too long.
pub(super) async fn limit_time(
    State(state): State<ApiState>,
    request: Request,
    next: Next,
) -> Response {
    match tokio::time::timeout(state.config().request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::TimedOut.into_response(),
    }
}

/// Buckets by key. Those that are full again are forgotten when there are many.
struct Buckets<K> {
    rate: Rate,
    levels: Mutex<HashMap<K, Level>>,
}

#[derive(Clone, Copy)]
struct Level {
    tokens: f64,
    at: Instant,
}

/// About 1 MB of buckets.
const MANY: usize = 10_000;

impl<K: Eq + Hash> Buckets<K> {
    fn new(rate: Rate) -> Self {
        Self {
            rate,
            levels: Mutex::default(),
        }
    }

    fn take(&self, key: K, now: Instant) -> Result<(), Problem> {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        if levels.len() >= MANY && !levels.contains_key(&key) {
            levels.retain(|_, level| self.refilled(*level, now) < f64::from(self.rate.requests));
            if levels.len() >= MANY {
                // More strangers at once than we can tell apart: all wait until one bucket is full again.
                return Err(Problem::TooManyRequests(self.rate.per.as_secs().max(1)));
            }
        }
        let level = levels.entry(key).or_insert(Level {
            tokens: f64::from(self.rate.requests),
            at: now,
        });
        let tokens = self.refilled(*level, now);
        let is_allowed = tokens >= 1.0;
        *level = Level {
            tokens: if is_allowed { tokens - 1.0 } else { tokens },
            at: now,
        };
        if is_allowed {
            return Ok(());
        }
        let wait = Duration::from_secs_f64((1.0 - tokens) / self.tokens_per_second());
        Err(Problem::TooManyRequests(wait.as_secs() + 1))
    }

    fn give_back(&self, key: &K) {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(level) = levels.get_mut(key) {
            level.tokens = (level.tokens + 1.0).min(f64::from(self.rate.requests));
        }
    }

    fn refilled(&self, level: Level, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(level.at).as_secs_f64();
        (level.tokens + passed * self.tokens_per_second()).min(f64::from(self.rate.requests))
    }

    fn tokens_per_second(&self) -> f64 {
        f64::from(self.rate.requests.max(1)) / self.rate.per.as_secs_f64().max(0.001)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(requests: u32) -> Buckets<u32> {
        Buckets::new(Rate {
            requests,
            per: Duration::from_secs(10),
        })
    }

    #[test]
    fn a_bucket_gives_its_size_at_once_and_refills_with_time() {
        let (buckets, start) = (buckets(2), Instant::now());
        assert_eq!(buckets.take(1, start), Ok(()));
        assert_eq!(buckets.take(1, start), Ok(()));
        assert_eq!(buckets.take(1, start), Err(Problem::TooManyRequests(6)));
        assert_eq!(buckets.take(2, start), Ok(()), "another key has its own");
        let later = start + Duration::from_secs(6);
        assert_eq!(buckets.take(1, later), Ok(()));
        assert!(buckets.take(1, later).is_err());
    }

    #[test]
    fn buckets_that_are_full_again_are_forgotten() {
        let (buckets, start) = (buckets(1), Instant::now());
        for key in 0..MANY as u32 {
            buckets.take(key, start).unwrap();
        }
        assert!(buckets.take(u32::MAX, start).is_err());
        let later = start + Duration::from_secs(11);
        assert_eq!(buckets.take(u32::MAX, later), Ok(()));
        assert_eq!(buckets.levels.lock().unwrap().len(), 1);
    }

    #[test]
    fn one_ipv6_network_shares_a_bucket() {
        let host = |text: &str| network(text.parse().unwrap());
        assert_eq!(host("2001:db8::1"), host("2001:db8::2"));
        assert_ne!(host("2001:db8::1"), host("2001:db8:0:1::1"));
        assert_eq!(host("::ffff:10.0.0.1"), host("10.0.0.1"));
    }
}
