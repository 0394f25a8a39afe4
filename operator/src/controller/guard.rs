//! What surrounds a reconcile: a bound on how many run, a time limit, and a net for panics, any of which would
//! otherwise stop or stall every pipeline.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use kube::core::error_boundary::InvalidObject;
use kube::runtime::controller::Action;
use prometheus::Histogram;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::error;

use super::observe::dependencies::Key;
use super::{Context, apply, observe, reconcile, status};

/// Time for a whole reconcile.
const LIMIT: Duration = Duration::from_secs(60);

/// Why a reconcile failed. The variant is the label of the metric.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pipeline could not be read.
    #[error("cannot read the pipeline: {0}")]
    Fetch(#[source] kube::Error),
    /// The pipeline could not be read in time.
    #[error("cannot read the pipeline: the API server did not answer in time")]
    FetchTimeout,
    /// The stored pipeline does not fit the definition of this release.
    #[error("the stored pipeline cannot be understood: {0}")]
    InvalidObject(#[source] Box<InvalidObject>),
    /// Step 1 failed.
    #[error(transparent)]
    Observe(#[from] observe::Error),
    /// Step 4 failed.
    #[error(transparent)]
    Apply(#[from] apply::Error),
    /// Step 5 failed.
    #[error(transparent)]
    Report(#[from] status::ReportError),
    /// The reconcile took longer than a minute.
    #[error("the reconcile took too long")]
    Timeout,
    /// A bug.
    #[error("the reconcile panicked")]
    Panic,
}

impl Error {
    fn label(&self) -> &'static str {
        match self {
            Self::Fetch(_) => "fetch",
            Self::FetchTimeout => "fetch_timeout",
            Self::InvalidObject(_) => "invalid_object",
            Self::Observe(_) => "observe",
            Self::Apply(_) => "apply",
            Self::Report(_) => "report",
            Self::Timeout => "timeout",
            Self::Panic => "panic",
        }
    }
}

/// Reconciles `key` as a task of its own, aborted when this future is dropped.
pub(super) async fn guarded(
    key: Key,
    context: Arc<Context>,
    slots: Arc<Semaphore>,
) -> Result<Action, Error> {
    let _slot = slots.acquire().await;
    let started = Instant::now();
    let metrics = context.metrics.clone();
    let own_seconds = metrics.reconcile_own_seconds.clone();
    let work = async move { reconcile(&key, &context).await };
    let result = contained(OwnTime::of(work, own_seconds)).await;
    metrics
        .reconcile_seconds
        .observe(started.elapsed().as_secs_f64());
    let outcome = match &result {
        Ok(_) => "ok",
        Err(Error::Timeout) => "timeout",
        Err(Error::Panic) => "panic",
        Err(_) => "error",
    };
    metrics.reconciles.with_label_values(&[outcome]).inc();
    if let Err(error) = &result {
        metrics
            .reconcile_errors
            .with_label_values(&[error.label()])
            .inc();
        if matches!(error, Error::Panic) {
            metrics.reconcile_panics.inc();
        }
    }
    result
}

/// Work whose processor time is told to a histogram, also when it is ended from outside.
struct OwnTime<F> {
    work: Pin<Box<F>>,
    spent: Duration,
    histogram: Histogram,
}

impl<F> OwnTime<F> {
    fn of(work: F, histogram: Histogram) -> Self {
        Self {
            work: Box::pin(work),
            spent: Duration::ZERO,
            histogram,
        }
    }
}

impl<F: Future> Future for OwnTime<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<F::Output> {
        let begun = ThreadTime::now();
        let outcome = self.work.as_mut().poll(context);
        self.spent += begun.elapsed();
        outcome
    }
}

impl<F> Drop for OwnTime<F> {
    fn drop(&mut self) {
        self.histogram.observe(self.spent.as_secs_f64());
    }
}

async fn contained<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let mut task = JoinSet::new();
    task.spawn(work);
    match timeout(LIMIT, task.join_next()).await {
        Err(_) => Err(Error::Timeout),
        Ok(Some(Ok(result))) => result,
        Ok(Some(Err(_)) | None) => {
            error!("a reconcile panicked; this is a bug");
            Err(Error::Panic)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_error() {
        let work = async { panic!("a test panics") };
        assert!(matches!(contained::<()>(work).await, Err(Error::Panic)));
    }

    #[tokio::test]
    async fn own_time_is_that_of_the_processor_and_told_once() {
        let histogram = crate::metrics::Metrics::new()
            .unwrap()
            .reconcile_own_seconds;
        let begun = Instant::now();
        let work = async move {
            while begun.elapsed() < Duration::from_millis(100) {
                std::thread::yield_now();
                tokio::task::yield_now().await;
            }
            std::thread::sleep(Duration::from_secs(1));
            Ok(())
        };
        let result = contained(OwnTime::of(work, histogram.clone())).await;
        assert!(result.is_ok());
        assert_eq!(histogram.get_sample_count(), 1);
        assert!(histogram.get_sample_sum() > 0.0);
        assert!(histogram.get_sample_sum() < 1.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reconcile_that_hangs_ends_after_its_limit() {
        assert!(matches!(
            contained(std::future::pending::<Result<(), Error>>()).await,
            Err(Error::Timeout)
        ));
    }
}
