//! Listens and serves until told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::ServeError;

/// Requests in hand get so long to end.
const GRACE: Duration = Duration::from_secs(20);
/// Rest after the system had no connection for us, say because all file descriptors are in use.
const NO_CONNECTION_REST: Duration = Duration::from_millis(200);

/// What one port takes from its clients.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// For the head of a request, and between two requests. Proxies keep idle connections for 60 s, and must be the
    /// ones that close them.
    head: Duration,
    /// At the same time; more wait to be accepted.
    connections: usize,
}

const BOUNDS: Bounds = Bounds {
    head: Duration::from_secs(75),
    connections: 4_096,
};

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
    serve_within(BOUNDS, listener, router, stop).await;
    Ok(())
}

async fn serve_within(
    bounds: Bounds,
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(bounds.connections));
    let connections = TaskTracker::new();
    loop {
        let accepted = async {
            let room = room.clone().acquire_owned().await;
            (room, listener.accept().await)
        };
        let Some((room, accepted)) = stop.run_until_cancelled(accepted).await else {
            break;
        };
        match accepted {
            Ok((stream, peer)) => {
                let talk = talk(bounds, stream, peer, router.clone(), stop.clone());
                connections.spawn(async move {
                    talk.await;
                    drop(room);
                });
            }
            Err(error) => {
                tracing::debug!("a connection could not be accepted: {error}");
                tokio::time::sleep(NO_CONNECTION_REST).await;
            }
        }
    }
    drop(listener);
    connections.close();
    let _out_of_time = tokio::time::timeout(GRACE, connections.wait()).await;
}

/// One connection to its end.
async fn talk(
    bounds: Bounds,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
) {
    let _slower_without = stream.set_nodelay(true);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, "a connection ended early: {error}");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A served port.
    async fn start(bounds: Bounds) -> (SocketAddr, CancellationToken) {
        let listener = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let peer = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
        let router = Router::new().route("/peer", get(peer));
        tokio::spawn(serve_within(bounds, listener, router, stop.clone()));
        (address, stop)
    }

    async fn say(stream: &mut TcpStream, text: &str) {
        stream.write_all(text.as_bytes()).await.unwrap();
    }

    async fn rest_of(mut stream: TcpStream) -> String {
        let mut text = String::new();
        let limit = Duration::from_secs(20);
        let read = tokio::time::timeout(limit, stream.read_to_string(&mut text));
        read.await.expect("the server closes").unwrap();
        text
    }

    const LAST: &str = "GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    #[tokio::test]
    async fn a_head_that_does_not_end_ends_the_connection() {
        let bounds = Bounds {
            head: Duration::from_millis(200),
            connections: 1,
        };
        let (address, _stop) = start(bounds).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        say(&mut slow, "GET /peer HTTP/1.1\r\nHost:").await;
        let mut next = TcpStream::connect(address).await.unwrap();
        let own = next.local_addr().unwrap();
        say(&mut next, LAST).await;
        assert!(!rest_of(slow).await.contains("200 OK"));
        let answer = rest_of(next).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.ends_with(&own.to_string()), "{answer}");
    }

    #[tokio::test]
    async fn no_more_connections_are_served_than_there_is_room_for() {
        let bounds = Bounds {
            head: Duration::from_secs(60),
            connections: 1,
        };
        let (address, stop) = start(bounds).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        say(&mut first, "GET /peer HTTP/1.1\r\n").await;
        let mut second = TcpStream::connect(address).await.unwrap();
        say(&mut second, LAST).await;
        let mut byte = [0];
        let early = tokio::time::timeout(Duration::from_millis(300), second.peek(&mut byte));
        assert!(early.await.is_err(), "there is no room");
        drop(first);
        assert!(rest_of(second).await.starts_with("HTTP/1.1 200 OK"));
        stop.cancel();
    }
}
