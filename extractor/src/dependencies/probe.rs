//! Asks dependencies for a sign of life when no real call did.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rand::RngExt;

use super::Dependency;
use crate::blobs::Blobs;
use crate::queue::Queue;

const QUIET: Duration = Duration::from_secs(30);
const FAILING: Duration = Duration::from_secs(10);

/// A cheap call whose outcome the callee reports to its [`Dependency`] itself.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Asks once.
    async fn probe(&self);
}

#[async_trait]
impl Probe for Arc<dyn Blobs> {
    async fn probe(&self) {
        let _told_to_the_tracker = Blobs::probe(self.as_ref()).await;
    }
}

#[async_trait]
impl Probe for Arc<dyn Queue> {
    async fn probe(&self) {
        let _told_to_the_tracker = Queue::probe(self.as_ref()).await;
    }
}

/// Runs until dropped: asks at once, then whenever nobody called for 30 s, or, while it fails, whenever nobody
/// tried for 10 s what fails.
pub async fn keep_probing(dependency: Dependency, probe: impl Probe) {
    loop {
        let period = match dependency.health().reachable {
            Some(true) => QUIET,
            Some(false) => FAILING,
            None => Duration::ZERO,
        };
        match dependency.idle() {
            Some(idle) if idle < period => tokio::time::sleep(period - idle).await,
            idle => {
                probe.probe().await;
                // Spreads the probes of many replicas.
                let jitter = Duration::from_millis(rand::rng().random_range(0..1000));
                // The probe does not try every action, so it may leave the failure as old as it was.
                let rest = idle.map_or(Duration::from_secs(1), |_| FAILING);
                tokio::time::sleep(rest + jitter).await;
            }
        }
    }
}
