//! One `GET /dependencies` to one pod, bounded in time and size.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use extraction_contract::path;
use http::Uri;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use super::Dependencies;

/// Time for one pod to answer.
const LIMIT: Duration = Duration::from_secs(2);
/// Largest answer read, in bytes.
const LARGEST: usize = 64 * 1024;

pub(super) type HttpClient = Client<HttpConnector, Empty<&'static [u8]>>;

/// A client that keeps no idle connection: pods come and go.
pub(super) fn client() -> HttpClient {
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build_http()
}

/// `None` when the pod gives no proper answer in time.
pub(super) async fn get(client: &HttpClient, address: IpAddr, port: u16) -> Option<Dependencies> {
    let uri = format!(
        "http://{}{}",
        SocketAddr::new(address, port),
        path::DEPENDENCIES
    );
    let uri: Uri = uri.parse().ok()?;
    let answer = async {
        let response = client.get(uri).await.ok()?;
        if !response.status().is_success() {
            return None;
        }
        let body = Limited::new(response.into_body(), LARGEST)
            .collect()
            .await
            .ok()?
            .to_bytes();
        serde_json::from_slice(&body).ok()
    };
    timeout(LIMIT, answer).await.ok().flatten()
}
