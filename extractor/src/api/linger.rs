//! Reads on after an early refusal: a connection that is closed in the middle of a body is reset, and a client that
//! still sends then never sees the answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures::{StreamExt, stream};
use tokio::sync::Mutex;

/// For the rest of a body that nobody wants.
const PATIENCE: Duration = Duration::from_secs(5);

type Shared = Arc<Mutex<BodyDataStream>>;

/// Passes the body on, and throws away what is left of it after an error.
pub(super) async fn read_on(request: Request, next: Next) -> Response {
    if request.headers().contains_key(EXPECT) {
        // Such a client sends nothing before it is asked to, and reading would ask.
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let shared = Arc::new(Mutex::new(body.into_data_stream()));
    let passed_on = stream::unfold(shared.clone(), |shared| async {
        let chunk = shared.lock().await.next().await?;
        Some((chunk, shared))
    });
    let request = Request::from_parts(head, Body::from_stream(passed_on));
    let response = next.run(request).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        tokio::spawn(tokio::time::timeout(PATIENCE, throw_away(shared)));
    }
    response
}

async fn throw_away(body: Shared) {
    let mut body = body.lock().await;
    while let Some(Ok(_)) = body.next().await {}
}
