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

/// Runs until dropped: asks at once, then whenever nobody called for 30 s, or for 10 s while it fails.
pub async fn keep_probing(dependency: Dependency, probe: impl Probe) {
    loop {
        let period = match dependency.health().reachable {
            Some(true) => QUIET,
            Some(false) => FAILING,
            None => Duration::ZERO,
        };
        match dependency.idle() {
            Some(idle) if idle < period => tokio::time::sleep(period - idle).await,
            _ => {
                probe.probe().await;
                // Spreads the probes of many replicas, and bounds them should a probe report nothing.
                let jitter = Duration::from_millis(rand::rng().random_range(0..1000));
                tokio::time::sleep(Duration::from_secs(1) + jitter).await;
            }
        }
    }
}
