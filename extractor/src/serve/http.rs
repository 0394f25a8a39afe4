//! Listens and serves until told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::ServeError;

/// Requests in hand get so long to end.
const GRACE: Duration = Duration::from_secs(20);

/// Takes the address; fails now rather than later.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Listen { address, source })
}

/// Serves until `stop`, then finishes the requests in hand.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> Result<(), ServeError> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let stopped = stop.clone();
    let server = axum::serve(listener, service)
        .with_graceful_shutdown(async move { stopped.cancelled().await });
    let out_of_time = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = server.into_future() => ended.map_err(ServeError::Http),
        () = out_of_time => Ok(()),
    }
}
