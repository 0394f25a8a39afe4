//! Every metric of the operator is a field of [`Metrics`]; its doc comment is its help text. A new metric
//! is a new line here and a call where it happens.

use std::sync::Arc;

use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use crate::telemetry::Health;

/// Upper ends of the buckets of every histogram, in seconds; closest around what is promised, 0.1 s.
const SECONDS: [f64; 20] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3, 0.5, 1.0,
    2.0, 5.0, 20.0, 60.0,
];

/// Makes and registers a metric from its name, help and labels.
trait Metric: Sized + prometheus::core::Collector + Clone + 'static {
    fn make(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self>;
}

impl Metric for IntCounter {
    fn make(name: &str, help: &str, _labels: &[&str]) -> prometheus::Result<Self> {
        Self::new(name, help)
    }
}

impl Metric for IntGauge {
    fn make(name: &str, help: &str, _labels: &[&str]) -> prometheus::Result<Self> {
        Self::new(name, help)
    }
}

impl Metric for IntCounterVec {
    fn make(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
        Self::new(Opts::new(name, help), labels)
    }
}

impl Metric for IntGaugeVec {
    fn make(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
        Self::new(Opts::new(name, help), labels)
    }
}

impl Metric for Histogram {
    fn make(name: &str, help: &str, _labels: &[&str]) -> prometheus::Result<Self> {
        Self::with_opts(HistogramOpts::new(name, help).buckets(SECONDS.to_vec()))
    }
}

macro_rules! metrics {
    ($(#[doc = $help:literal] $field:ident: $type:ty = $name:literal $([$($label:literal),+])?;)+) => {
        /// The operator's metrics and health, shared by everything that runs.
        #[derive(Clone)]
        pub struct Metrics {
            registry: Registry,
            /// What `/health/ready` answers.
            pub health: Arc<Health>,
            $(#[doc = $help] pub $field: $type,)+
        }

        impl Metrics {
            /// Registers every metric once.
            pub fn new() -> prometheus::Result<Self> {
                let registry = Registry::new();
                $(
                    let $field = <$type as Metric>::make($name, $help.trim(), &[$($($label),+)?])?;
                    registry.register(Box::new($field.clone()))?;
                )+
                Ok(Self { registry, health: Arc::default(), $($field),+ })
            }
        }
    };
}

metrics! {
    /// Reconciles that ended, by outcome: ok, error, timeout or panic.
    reconciles: IntCounterVec = "extraction_operator_reconciles_total" ["outcome"];
    /// Reconciles that failed, by the action that failed.
    reconcile_errors: IntCounterVec = "extraction_operator_reconcile_errors_total" ["error"];
    /// Reconciles that panicked; each one is a bug.
    reconcile_panics: IntCounter = "extraction_operator_reconcile_panics_total";
    /// Time that reconciles took, in seconds.
    reconcile_seconds: Histogram = "extraction_operator_reconcile_duration_seconds";
    /// Processor time that reconciles took, without waiting for answers, in seconds.
    reconcile_own_seconds: Histogram = "extraction_operator_reconcile_own_seconds";
    /// Writing requests to the Kubernetes API, by resource and verb.
    writes: IntCounterVec = "extraction_operator_writes_total" ["resource", "verb"];
    /// Conditions of each pipeline: 1 is True, 0 is False, -1 is Unknown.
    conditions: IntGaugeVec = "extraction_operator_pipeline_condition" ["namespace", "pipeline", "condition"];
    /// 1 while this replica holds the lease.
    leader: IntGauge = "extraction_operator_leader";
    /// Watches that failed and were started again, by resource.
    watch_errors: IntCounterVec = "extraction_operator_watch_errors_total" ["resource"];
    /// Polls of a pipeline's API pods that got no answer.
    dependency_poll_errors: IntCounter = "extraction_operator_dependency_poll_errors_total";
}

impl Metrics {
    /// All metrics in Prometheus' text format.
    pub fn render(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_registers_once_and_renders_with_its_help() {
        let metrics = Metrics::new().unwrap();
        metrics.leader.set(1);
        let text = String::from_utf8(metrics.render().unwrap()).unwrap();
        assert!(
            text.contains(
                "# HELP extraction_operator_leader 1 while this replica holds the lease."
            )
        );
        assert!(text.contains("extraction_operator_leader 1"));
    }
}
