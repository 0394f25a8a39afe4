//! The Kubernetes client: the standard stack plus a layer that counts what we write.

use std::task::{Context, Poll};
use std::time::Duration;

use http::{Method, Request};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tower::{Layer, Service};

use crate::metrics::Metrics;

/// Time in which the API server must accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither a kubeconfig nor a service account was found.
    #[error("cannot find out how to reach the API server: {0}")]
    Infer(#[from] kube::config::InferConfigError),
    /// The configuration cannot be used, e.g. because of its certificates.
    #[error("cannot set up the connection to the API server: {0}")]
    Build(#[from] kube::Error),
}

/// A client from the kubeconfig or the pod's service account whose writes are counted in `metrics`.
pub async fn connect(metrics: &Metrics) -> Result<Client, Error> {
    let mut config = Config::infer().await?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    let layer = CountWrites {
        metrics: metrics.clone(),
    };
    Ok(ClientBuilder::try_from(config)?.with_layer(&layer).build())
}

/// Counts each request that can change something by resource and verb.
#[derive(Clone)]
pub struct CountWrites {
    /// Where the writes are counted.
    pub metrics: Metrics,
}

impl<S> Layer<S> for CountWrites {
    type Service = Counting<S>;

    fn layer(&self, inner: S) -> Counting<S> {
        Counting {
            metrics: self.metrics.clone(),
            inner,
        }
    }
}

/// The service that [`CountWrites`] makes.
#[derive(Clone)]
pub struct Counting<S> {
    metrics: Metrics,
    inner: S,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for Counting<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        if let Some((resource, verb)) = write(request.method(), request.uri().path()) {
            self.metrics
                .writes
                .with_label_values(&[resource.as_str(), verb])
                .inc();
        }
        self.inner.call(request)
    }
}

/// Resource (with subresource) and verb of a request that writes; `None` for one that reads.
pub fn write(method: &Method, path: &str) -> Option<(String, &'static str)> {
    let verb = match *method {
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => return None,
    };
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let skipped = if parts.next()? == "api" { 1 } else { 2 };
    let mut parts = parts.skip(skipped).peekable();
    if parts.next_if_eq(&"namespaces").is_some() {
        let namespace = parts.next();
        if parts.peek().is_none() {
            return namespace.map(|_| ("namespaces".to_owned(), verb));
        }
    }
    let resource = parts.next()?;
    let _name = parts.next();
    Some((
        parts
            .next()
            .map_or_else(|| resource.to_owned(), |sub| format!("{resource}/{sub}")),
        verb,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_not_counted() {
        assert_eq!(write(&Method::GET, "/api/v1/namespaces/a/pods"), None);
    }

    #[test]
    fn writes_are_counted_by_resource_and_verb() {
        let seen = |method, path| {
            write(&method, path).map(|(resource, verb)| format!("{verb} {resource}"))
        };
        assert_eq!(
            seen(Method::PATCH, "/apis/apps/v1/namespaces/a/deployments/b").as_deref(),
            Some("patch deployments")
        );
        assert_eq!(
            seen(Method::POST, "/api/v1/namespaces/a/configmaps").as_deref(),
            Some("create configmaps")
        );
        assert_eq!(
            seen(
                Method::PATCH,
                "/apis/extraction.dev/v1alpha1/namespaces/a/extractionpipelines/b/status"
            )
            .as_deref(),
            Some("patch extractionpipelines/status")
        );
    }
}
