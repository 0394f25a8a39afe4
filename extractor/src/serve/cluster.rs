//! The roles that share PostgreSQL, SQS and S3 with others.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::parts::{self, Parts};
use super::{ServeError, http, stop_signal};
use crate::api::{self, ApiConfig};
use crate::config::{ApiArgs, WorkerArgs};
use crate::relay::Relay;
use crate::sweeper::Sweeper;
use crate::telemetry;

/// Connections of one API process to PostgreSQL.
const API_CONNECTIONS: u32 = 10;
/// Others may send requests for a moment after we were asked to stop: they learn of it later than we do.
const LINGER: Duration = Duration::from_secs(3);

/// `extractor api`: the HTTP API, the relay and the sweeper.
pub async fn api(args: ApiArgs) -> Result<(), ServeError> {
    telemetry::start(&args.operations.log.log)?;
    let stop = stop_signal()?;
    let parts = Parts::in_cluster(&args.ports, API_CONNECTIONS).await?;
    let state = parts.api_state(api_config(&args)?);
    let public = http::listen(args.listen).await?;
    let operations = http::listen(args.operations.metrics_address).await?;
    tracing::info!(
        "serving the API on {} and metrics on {}",
        args.listen,
        args.operations.metrics_address
    );

    let linger = CancellationToken::new();
    let served = CancellationToken::new();
    let relay = relay(&parts);
    let sweeper = sweeper(&parts, args.retention.period());
    let main = async {
        tokio::join!(
            async {
                // The relay sends what came last; the rest has nothing to do without the server.
                let _guards = (served.clone().drop_guard(), stop.clone().drop_guard());
                http::serve(public, api::router(state), linger.clone()).await
            },
            relay.run(served.clone()),
            sweeper.run(stop.clone()),
            async {
                parts.wait_for_schema().or_until(&stop).await;
                parts.ready.store(true, Ordering::Relaxed);
            },
            async {
                stop.cancelled().await;
                tokio::time::sleep(LINGER).await;
                linger.cancel();
            },
        )
        .0
    };
    beside(&parts, operations, main).await
}

fn api_config(args: &ApiArgs) -> Result<ApiConfig, ServeError> {
    let config = ApiConfig::new(
        parts::document_types(&args.documents)?,
        args.admin_key_file.clone(),
        args.token_signing_key_file.clone(),
    )
    .within(args.size, args.limits);
    config.admin_key.read()?;
    Ok(config)
}

/// `extractor worker`: takes jobs and extracts.
pub async fn worker(args: WorkerArgs) -> Result<(), ServeError> {
    telemetry::start(&args.operations.log.log)?;
    let stop = stop_signal()?;
    let concurrency = usize::from(args.work.concurrency);
    let parts = Parts::in_cluster(
        &args.ports,
        u32::from(args.work.concurrency).saturating_add(2),
    )
    .await?;
    let operations = http::listen(args.operations.metrics_address).await?;
    let work = async {
        let extraction = parts::extraction(&args.reading, args.size, concurrency).await?;
        parts.wait_for_schema().or_until(&stop).await;
        parts.ready.store(true, Ordering::Relaxed);
        tracing::info!(concurrency, "taking jobs");
        parts.worker(extraction, args.work).run(stop.clone()).await;
        Ok(())
    };
    beside(&parts, operations, work).await
}

/// Runs `main` to its end with probes and the metrics port beside it, then closes the database.
pub(super) async fn beside(
    parts: &Parts,
    operations: tokio::net::TcpListener,
    main: impl Future<Output = Result<(), ServeError>>,
) -> Result<(), ServeError> {
    let router = parts.operations().router();
    let ended = tokio::select! {
        ended = main => ended,
        ended = http::serve(operations, router, CancellationToken::new()) => ended,
        () = parts.probe_for_ever() => Ok(()),
    };
    parts.store.close().await;
    tracing::info!("stopped");
    ended
}

pub(super) fn relay(parts: &Parts) -> Relay {
    Relay {
        store: parts.store.clone(),
        queue: parts.queue.clone(),
        health: parts.health.queue.clone(),
        wake: parts.wake.clone(),
        metrics: parts.metrics.clone(),
    }
}

pub(super) fn sweeper(parts: &Parts, retention: Option<Duration>) -> Sweeper {
    Sweeper {
        store: parts.store.clone(),
        blobs: parts.blobs.clone(),
        queue: parts.queue.clone(),
        wake: parts.wake.clone(),
        retention,
        metrics: parts.metrics.clone(),
    }
}

/// Ends a wait early when the process stops.
trait OrUntil: Future<Output = ()> + Sized {
    async fn or_until(self, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self => {}
        }
    }
}

impl<F: Future<Output = ()>> OrUntil for F {}
