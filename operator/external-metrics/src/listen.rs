//! Connections: TLS, then HTTP/1.1, each with limits of its own.

use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::Layer;
use tracing::{debug, warn};

use crate::authenticate::PeerCertificates;

/// Connections at the same time; API servers keep a few.
const MAX_CONNECTIONS: usize = 1024;
/// Time for a TLS handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Time until the next request of a connection is complete; longer than the API server keeps idle connections (90 s), so
/// that it and not we closes them.
const IDLE_LIMIT: Duration = Duration::from_secs(120);
/// Time for requests in flight when asked to stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(15);
/// Pause when the machine has no connection left to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`, then finishes what is in flight.
pub(crate) async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    router: Router,
    stop: impl Future<Output = ()>,
) {
    let (stopping, _) = watch::channel(false);
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    let accept = async {
        loop {
            let slot = slots.clone().acquire_owned().await.ok();
            while connections.try_join_next().is_some() {}
            let stream = next(&listener).await;
            let served = connection(
                stream,
                acceptor.clone(),
                router.clone(),
                stopping.subscribe(),
            );
            connections.spawn(async move {
                served.await;
                drop(slot);
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = stop => {}
    }
    drop(listener);
    stopping.send_replace(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(DRAIN_LIMIT, drained).await.is_err() {
        warn!("requests are still in flight; they are dropped");
    }
}

async fn next(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) {
    let stream = match timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return debug!(%error, "the handshake failed"),
        Err(_) => return debug!("the handshake took too long"),
    };
    let peer = shown(&stream);
    let service = TowerToHyperService::new(Extension(peer).layer(router));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_LIMIT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = asked(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection ended early");
    }
}

/// What the client has proved to own.
fn shown(stream: &TlsStream<TcpStream>) -> PeerCertificates {
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    PeerCertificates(certificates.into())
}

async fn asked(stopping: &mut watch::Receiver<bool>) {
    // A sender that is gone asks, too.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
