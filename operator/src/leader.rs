//! Elects one of the operator's replicas by a Lease. The holder works only as long as nobody else can
//! believe the Lease is free: it stops `renew_deadline` after its last renewal, others wait `duration`.

mod sight;

use std::future::Future;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::sight::{Record, Sight};
use crate::metrics::Metrics;

/// Time for the work to end once it was asked to; half of what a pod of the chart has.
const LONGEST_END: Duration = Duration::from_secs(10);

/// How long a Lease lasts and how often it is renewed.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// A Lease that nobody renewed for this long is free.
    pub duration: Duration,
    /// The holder stops working when its last renewal is this old; shorter than `duration`.
    pub renew_deadline: Duration,
    /// Pause between two attempts to take or renew the Lease.
    pub retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

/// One replica that wants to lead.
pub struct Elector {
    api: Api<Lease>,
    name: String,
    identity: String,
    timing: Timing,
    metrics: Metrics,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the API server did not answer in time")]
    Timeout,
    #[error("the API server refused: {0}")]
    Api(#[from] kube::Error),
}

/// Why a holder stops.
#[derive(Debug, PartialEq, Eq)]
enum Lost {
    Expired,
    TakenOver,
}

impl Elector {
    /// `identity` must be unique for each process.
    pub fn new(
        client: Client,
        namespace: &str,
        name: &str,
        identity: &str,
        metrics: Metrics,
    ) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity: identity.to_owned(),
            timing: Timing::default(),
            metrics,
        }
    }

    /// Runs `work` whenever this replica leads, until `stop`. `work` gets a token that asks it to finish;
    /// it is aborted, not asked, when the Lease is lost. The Lease is released at the end.
    pub async fn run<W, F>(&self, stop: CancellationToken, work: W)
    where
        W: Fn(CancellationToken) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        while let Some((lease, renewed)) = self.acquire(&stop).await {
            info!(identity = self.identity, "leading");
            self.metrics.leader.set(1);
            let finish = CancellationToken::new();
            let mut running = JoinSet::new();
            running.spawn(work(finish.clone()));
            let lost = tokio::select! {
                lost = self.keep(lease, renewed) => Some(lost),
                () = finished(&mut running, &stop, &finish) => None,
            };
            running.shutdown().await;
            self.metrics.leader.set(0);
            match lost {
                Some(lost) => warn!(?lost, "lost the lease, standing by"),
                None => break,
            }
        }
        self.release().await;
    }

    /// Waits until the Lease is ours; `None` when asked to stop first.
    async fn acquire(&self, stop: &CancellationToken) -> Option<(Lease, Instant)> {
        let mut sight: Option<Sight> = None;
        loop {
            match self.attempt(&mut sight).await {
                Ok(Some(held)) => return Some(held),
                Ok(None) => self.metrics.health.api_server_answered(),
                Err(error) => warn!(%error, "cannot read or take the lease"),
            }
            tokio::select! {
                () = stop.cancelled() => return None,
                () = sleep(self.timing.retry) => {}
            }
        }
    }

    async fn attempt(&self, sight: &mut Option<Sight>) -> Result<Option<(Lease, Instant)>, Error> {
        let started = Instant::now();
        let found = self.call(self.api.get_opt(&self.name)).await?;
        let Some(found) = found else {
            let lease = self.claim(None);
            let made = self
                .call(self.api.create(&PostParams::default(), &lease))
                .await;
            return conflict_is_none(made).map(|lease| lease.map(|lease| (lease, started)));
        };
        let seen = Sight::update(sight.take(), Record::of(&found), started);
        let free = seen.is_free(&self.identity, started, self.timing.duration);
        *sight = Some(seen);
        if !free {
            return Ok(None);
        }
        let taken = self.replace(&self.claim(Some(&found))).await;
        conflict_is_none(taken).map(|lease| lease.map(|lease| (lease, started)))
    }

    /// Renews until the Lease is lost.
    async fn keep(&self, mut held: Lease, mut renewed: Instant) -> Lost {
        loop {
            sleep(self.timing.retry).await;
            let started = Instant::now();
            let deadline = renewed + self.timing.renew_deadline;
            match timeout_at(deadline, self.renew(&held)).await {
                Err(_) => return Lost::Expired,
                Ok(Ok(None)) => return Lost::TakenOver,
                Ok(Ok(Some(lease))) => {
                    held = lease;
                    renewed = started;
                    self.metrics.health.api_server_answered();
                }
                Ok(Err(error)) => {
                    warn!(%error, "cannot renew the lease");
                    if Instant::now() + self.timing.retry >= deadline {
                        return Lost::Expired;
                    }
                }
            }
        }
    }

    /// `None` when somebody else holds the Lease.
    async fn renew(&self, held: &Lease) -> Result<Option<Lease>, Error> {
        if let Some(lease) = conflict_is_none(self.replace(&self.claim(Some(held))).await)? {
            return Ok(Some(lease));
        }
        let found = self.call(self.api.get(&self.name)).await?;
        if Record::of(&found).holder.as_deref() != Some(&self.identity) {
            return Ok(None);
        }
        conflict_is_none(self.replace(&self.claim(Some(&found))).await)
    }

    /// Gives the Lease up if it is ours, so that another replica need not wait for it to run out.
    async fn release(&self) {
        let released = async {
            let found = self.call(self.api.get(&self.name)).await?;
            if Record::of(&found).holder.as_deref() != Some(&self.identity) {
                return Ok(());
            }
            let mut lease = found;
            if let Some(spec) = &mut lease.spec {
                spec.holder_identity = None;
            }
            self.replace(&lease).await.map(drop)
        };
        if let Err(error) = released.await {
            warn!(%error, "cannot release the lease; it runs out by itself");
        }
    }

    /// The Lease with us as its holder from now on.
    fn claim(&self, found: Option<&Lease>) -> Lease {
        let now = MicroTime(Timestamp::now());
        let before = found
            .and_then(|lease| lease.spec.clone())
            .unwrap_or_default();
        let ours = before.holder_identity.as_deref() == Some(&self.identity);
        let transitions = before.lease_transitions.unwrap_or(0);
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(self.timing.duration.as_secs()).ok(),
            renew_time: Some(now.clone()),
            acquire_time: if ours { before.acquire_time } else { Some(now) },
            lease_transitions: Some(if ours || found.is_none() {
                transitions
            } else {
                transitions + 1
            }),
            ..LeaseSpec::default()
        };
        let metadata = found.map_or_else(
            || ObjectMeta {
                name: Some(self.name.clone()),
                ..ObjectMeta::default()
            },
            |lease| lease.metadata.clone(),
        );
        Lease {
            metadata,
            spec: Some(spec),
        }
    }

    async fn replace(&self, lease: &Lease) -> Result<Lease, Error> {
        self.call(self.api.replace(&self.name, &PostParams::default(), lease))
            .await
    }

    /// No single call may take longer than half of the time between two losses.
    async fn call<T>(&self, call: impl Future<Output = kube::Result<T>>) -> Result<T, Error> {
        let limit = self.timing.renew_deadline / 2;
        Ok(timeout(limit, call).await.map_err(|_| Error::Timeout)??)
    }
}

/// Ends when the work has ended; passes a wish to stop on to it.
async fn finished(running: &mut JoinSet<()>, stop: &CancellationToken, finish: &CancellationToken) {
    tokio::select! {
        ended = running.join_next() => {
            if let Some(Err(error)) = ended {
                warn!(%error, "the work ended by itself");
            }
            return;
        }
        () = stop.cancelled() => finish.cancel(),
    }
    // The caller aborts what has not ended by then, which is safe after any write, and gives the Lease back in time.
    if timeout(LONGEST_END, running.join_next()).await.is_err() {
        warn!("the work did not end in time and is cut off");
    }
}

fn conflict_is_none(result: Result<Lease, Error>) -> Result<Option<Lease>, Error> {
    match result {
        Ok(lease) => Ok(Some(lease)),
        Err(Error::Api(kube::Error::Api(status)))
            if status.is_conflict() || status.is_already_exists() =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_stops_before_others_may_start() {
        let timing = Timing::default();
        assert!(timing.renew_deadline + timing.retry < timing.duration);
    }
}
