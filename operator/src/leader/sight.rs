//! Whether a Lease is free, by our own clock.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use tokio::time::Instant;

/// What a Lease says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) holder: Option<String>,
    renewed: Option<MicroTime>,
}

impl Record {
    pub(super) fn of(lease: &Lease) -> Self {
        let spec = lease.spec.clone().unwrap_or_default();
        Self {
            holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
            renewed: spec.renew_time,
        }
    }
}

/// A record and since when, by our own clock, it has read like this. Clocks of replicas are not compared.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    record: Record,
    since: Instant,
}

impl Sight {
    pub(super) fn update(before: Option<Self>, record: Record, now: Instant) -> Self {
        match before {
            Some(before) if before.record == record => before,
            _ => Self { record, since: now },
        }
    }

    pub(super) fn is_free(&self, me: &str, now: Instant, duration: Duration) -> bool {
        match self.record.holder.as_deref() {
            None => true,
            Some(holder) => holder == me || now.duration_since(self.since) >= duration,
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    const DURATION: Duration = Duration::from_secs(15);

    fn record(holder: Option<&str>, renewed_unix_s: i64) -> Record {
        Record {
            holder: holder.map(str::to_owned),
            renewed: Timestamp::from_second(renewed_unix_s).ok().map(MicroTime),
        }
    }

    #[test]
    fn a_lease_without_holder_is_free_at_once() {
        let now = Instant::now();
        assert!(Sight::update(None, record(None, 1), now).is_free("a", now, DURATION));
    }

    #[test]
    fn our_own_lease_is_free_for_us() {
        let now = Instant::now();
        assert!(Sight::update(None, record(Some("a"), 1), now).is_free("a", now, DURATION));
    }

    #[test]
    fn a_foreign_lease_is_free_only_after_it_has_not_changed_for_its_duration() {
        let start = Instant::now();
        let first = Sight::update(None, record(Some("b"), 1), start);
        assert!(!first.is_free("a", start + DURATION - Duration::from_millis(1), DURATION));
        assert!(first.is_free("a", start + DURATION, DURATION));
    }

    #[test]
    fn a_renewal_by_the_holder_starts_the_wait_anew() {
        let start = Instant::now();
        let first = Sight::update(None, record(Some("b"), 1), start);
        let later = start + Duration::from_secs(14);
        let second = Sight::update(Some(first), record(Some("b"), 15), later);
        assert!(!second.is_free("a", start + DURATION, DURATION));
        assert!(second.is_free("a", later + DURATION, DURATION));
    }

    #[test]
    fn an_old_renew_time_alone_does_not_make_a_lease_free() {
        let now = Instant::now();
        let seen = Sight::update(None, record(Some("b"), 0), now);
        assert!(
            !seen.is_free("a", now, DURATION),
            "the clock of the holder may be wrong"
        );
    }
}
