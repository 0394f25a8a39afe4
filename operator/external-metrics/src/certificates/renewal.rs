//! When to do what to the certificates: pure arithmetic on their validity.

use std::time::{Duration, SystemTime};

use super::State;
use super::read::Certificate;

/// How long certificates live. The defaults suit everybody; tests take shorter ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Life of an authority; 5 years. At two thirds of it the next one is made.
    pub authority: Duration,
    /// Life of the certificate that is shown; 90 days. At two thirds of it another one is issued.
    pub leaf: Duration,
    /// How long a new authority is known before it signs, and an old one after it has signed last; 1 hour. Every replica
    /// and API server must notice a change within it. Replicas look ten times as often, at least once a minute.
    pub overlap: Duration,
    /// By how much clocks may differ: certificates begin that much before they are made; 5 minutes.
    pub skew: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        Self {
            authority: 5 * 365 * DAY,
            leaf: 90 * DAY,
            overlap: Duration::from_secs(3600),
            skew: Duration::from_secs(300),
        }
    }
}

impl Lifetimes {
    /// Pause between two looks at the Secret.
    pub(crate) fn pause(&self) -> Duration {
        const LONGEST: Duration = Duration::from_secs(60);
        const SHORTEST: Duration = Duration::from_millis(100);
        (self.overlap / 10).clamp(SHORTEST, LONGEST)
    }
}

/// The one thing to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// All is well.
    Keep,
    /// Nothing can be saved: a new authority and a leaf of it.
    StartAnew,
    /// The authority signs another leaf.
    IssueLeaf,
    /// Make the next authority, which signs nothing yet.
    IntroduceAuthority,
    /// The next authority becomes the one that signs, and signs a leaf.
    PromoteAuthority,
    /// Nobody shows anything of the previous authority any more.
    ForgetPrevious,
}

/// What to do at `now`. `published` says whether API servers have been told all authorities of the state, without which
/// none may begin to sign.
pub(crate) fn step(state: &State, lifetimes: &Lifetimes, published: bool, now: SystemTime) -> Step {
    let authority = &state.authority.public.facts;
    let leaf = &state.leaf.public.facts;
    let passed = |since: &Certificate| now >= since.not_before + lifetimes.skew + lifetimes.overlap;
    if now >= authority.not_after {
        return Step::StartAnew;
    }
    match (&state.next, &state.previous) {
        (_, Some(_)) if passed(leaf) => return Step::ForgetPrevious,
        (Some(next), _) if published && passed(&next.public.facts) => {
            return Step::PromoteAuthority;
        }
        (None, None) if now >= two_thirds(authority) => return Step::IntroduceAuthority,
        _ => {}
    }
    // The leaf of an authority that ends soon ends with it, so another of the same would not live longer.
    let longer_life = leaf.not_after < authority.not_after;
    match now >= leaf.not_after || (now >= two_thirds(leaf) && longer_life) {
        true => Step::IssueLeaf,
        false => Step::Keep,
    }
}

/// The moment at which two thirds of a validity are over.
pub(crate) fn two_thirds(certificate: &Certificate) -> SystemTime {
    let life = certificate
        .not_after
        .duration_since(certificate.not_before)
        .unwrap_or_default();
    certificate.not_before + life * 2 / 3
}

#[cfg(test)]
#[path = "renewal_tests.rs"]
mod tests;
