//! Everything this process counts. To add a metric, add its name to `extraction-contract`, a field here
//! (its doc comment is the help text), and the call where it happens.

use extraction_contract::metric;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

/// Seconds; a job takes from a hundredth (text layer) to minutes (hundreds of scanned pages).
const JOB_SECONDS: &[f64] = &[
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];
const REQUEST_SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// How a field is made from its name, help and labels.
trait Make: Sized {
    fn make(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self>;
}

macro_rules! plain {
    ($type:ty) => {
        impl Make for $type {
            fn make(name: &str, help: &str, _labels: &[&str]) -> prometheus::Result<Self> {
                Self::with_opts(Opts::new(name, help).into())
            }
        }
    };
}

macro_rules! labelled {
    ($type:ty) => {
        impl Make for $type {
            fn make(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
                Self::new(Opts::new(name, help).into(), labels)
            }
        }
    };
}

plain!(IntCounter);
plain!(IntGauge);
labelled!(IntCounterVec);
labelled!(IntGaugeVec);

impl Make for Histogram {
    fn make(name: &str, help: &str, _labels: &[&str]) -> prometheus::Result<Self> {
        Self::with_opts(HistogramOpts::new(name, help).buckets(JOB_SECONDS.to_vec()))
    }
}

impl Make for HistogramVec {
    fn make(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<Self> {
        Self::new(
            HistogramOpts::new(name, help).buckets(REQUEST_SECONDS.to_vec()),
            labels,
        )
    }
}

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $field:ident: $type:ty = $name:path, [$($label:literal),*];)+) => {
        /// One field per metric.
        #[derive(Clone, Debug)]
        pub struct Metrics {
            registry: Registry,
            $($(#[doc = $help])+ pub $field: $type,)+
        }

        impl Metrics {
            fn build() -> prometheus::Result<Self> {
                let registry = Registry::new();
                $(
                    let help = concat!($($help),+).trim();
                    let $field = <$type as Make>::make($name, help, &[$($label),*])?;
                    registry.register(Box::new($field.clone()))?;
                )+
                Ok(Self { registry, $($field,)+ })
            }
        }
    };
}

metrics! {
    /// Jobs that ended, by state and reason (`none` without one).
    jobs_finished: IntCounterVec = metric::JOBS_FINISHED, ["state", "reason"];
    /// Attempts at jobs that failed for a reason of ours and are tried again.
    attempts_failed: IntCounterVec = metric::ATTEMPTS_FAILED, ["reason"];
    /// Jobs in hand.
    jobs_in_progress: IntGauge = metric::JOBS_IN_PROGRESS, [];
    /// Seconds from taking a job to its end.
    job_seconds: Histogram = metric::JOB_SECONDS, [];
    /// Pages read, by engine.
    pages_read: IntCounterVec = metric::PAGES_READ, ["engine"];
    /// Messages taken from the queue.
    messages_received: IntCounter = metric::MESSAGES_RECEIVED, [];
    /// Messages given to the queue.
    messages_sent: IntCounter = metric::MESSAGES_SENT, [];
    /// Messages that the queue is owed.
    outbox_owed: IntGauge = metric::OUTBOX_OWED, [];
    /// Seconds that the oldest message owed has waited.
    outbox_oldest_seconds: IntGauge = metric::OUTBOX_OLDEST_SECONDS, [];
    /// Jobs found without holder and queued again, by what was lost (`lease` or `message`).
    jobs_recovered: IntCounterVec = metric::JOBS_RECOVERED, ["lost"];
    /// Finished jobs deleted because their time was over.
    jobs_deleted: IntCounter = metric::JOBS_DELETED, [];
    /// Requests answered, by method, route and status.
    http_requests: IntCounterVec = metric::HTTP_REQUESTS, ["method", "route", "status"];
    /// Seconds to answer a request, by method and route.
    http_seconds: HistogramVec = metric::HTTP_SECONDS, ["method", "route"];
    /// 1 when the dependency answered last time, 0 when it did not; absent before the first call.
    dependency_reachable: IntGaugeVec = metric::DEPENDENCY_REACHABLE, ["dependency"];
    /// Connections to the database, by state (`used` or `open`).
    database_connections: IntGaugeVec = metric::DATABASE_CONNECTIONS, ["state"];
}

impl Default for Metrics {
    fn default() -> Self {
        Self::build().expect("names are valid and differ, which a test proves")
    }
}

impl Metrics {
    /// The text that Prometheus reads.
    #[must_use]
    pub fn to_text(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_carries_its_doc_comment_as_help() {
        let metrics = Metrics::default();
        metrics
            .jobs_finished
            .with_label_values(&["failed", "malformed"])
            .inc();
        metrics
            .http_seconds
            .with_label_values(&["GET", "/"])
            .observe(0.2);
        let text = metrics.to_text();
        assert!(
            text.contains("# HELP extraction_jobs_in_progress Jobs in hand."),
            "{text}"
        );
        assert!(
            text.contains(r#"extraction_jobs_finished_total{reason="malformed",state="failed"} 1"#)
        );
        assert!(text.contains("extraction_http_request_seconds_bucket"));
    }
}
