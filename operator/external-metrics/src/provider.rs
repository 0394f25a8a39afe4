//! What an application implements: where the numbers come from.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, SystemTime};

use kube::core::Selector;

use crate::Quantity;

/// The source of the numbers. Both methods are called for many requests at once.
///
/// Answer from memory where you can: a HorizontalPodAutoscaler asks every 15 s for each of its metrics, and the API
/// server asks [`is_ready`](Provider::is_ready) whenever a probe does.
pub trait Provider: Send + Sync + 'static {
    /// The samples that match the query.
    ///
    /// An autoscaler adds several samples up. A metric or selector that matches nothing is an empty list: the autoscaler
    /// then keeps its replicas and says so in its conditions. Never answer 0 for a value that is not known, since an
    /// autoscaler would shrink on it: return an empty list or [`Unavailable`].
    fn samples(
        &self,
        query: &Query,
    ) -> impl Future<Output = Result<Vec<Sample>, Unavailable>> + Send;

    /// Whether the provider can answer at all, e.g. has read its sources once; `/readyz` says so.
    ///
    /// Do not tie this to the health of one source: when no replica is ready, the whole API group is gone, and with it
    /// the deletion of namespaces in the cluster.
    fn is_ready(&self) -> bool;
}

/// What somebody wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Namespace of the autoscaler that asks.
    pub namespace: String,
    /// Name of the metric, as in the autoscaler's `external.metric.name`.
    pub metric: String,
    /// Labels that the samples must have; matches everything when the autoscaler names none.
    pub selector: Selector,
}

/// One value of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Labels that tell this sample from others of the same metric.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: Quantity,
    /// When the value was true; not when it was asked for.
    pub at: SystemTime,
    /// The time over which a rate was taken; `None` for a value of one moment. Sent in whole seconds.
    pub window: Option<Duration>,
}

/// The provider cannot answer now. The client gets status 503 with this text, and an autoscaler keeps its replicas.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(
    /// The cause and the next step, without secrets: it is shown in the autoscaler's conditions.
    pub String,
);
