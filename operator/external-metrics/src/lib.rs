//! An aggregated Kubernetes API server for `external.metrics.k8s.io`: what a HorizontalPodAutoscaler reads when its metric
//! is of type `External`. You bring the numbers ([`Provider`], two methods); this crate brings the rest.
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::time::SystemTime;
//!
//! use external_metrics::{Config, Lifetimes, Provider, Quantity, Query, Sample, Server, Service, Unavailable};
//!
//! struct Answer;
//!
//! impl Provider for Answer {
//!     async fn samples(&self, query: &Query) -> Result<Vec<Sample>, Unavailable> {
//!         let labels = Default::default();
//!         let (value, at) = (Quantity::whole(42), SystemTime::now());
//!         match query.metric.as_str() {
//!             "answer" => Ok(vec![Sample { labels, value, at, window: None }]),
//!             _ => Ok(Vec::new()),
//!         }
//!     }
//!
//!     fn is_ready(&self) -> bool {
//!         true
//!     }
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config {
//!     listen: "0.0.0.0:6443".parse()?,
//!     service: Service { namespace: "metrics".into(), name: "answer".into(), port: 443 },
//!     secret: "answer-certificates".into(),
//!     owner: None,
//!     lifetimes: Lifetimes::default(),
//! };
//! let client = kube::Client::try_default().await?;
//! Server::bind(client, config, Arc::new(Answer)).await?.run(std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//! - **Discovery**, legacy and aggregated, with one fixed resource, so that it is never empty; OpenAPI; `/healthz`, `/livez`
//!   and `/readyz` without authentication.
//! - **Authentication**: the API server by its front-proxy certificate, against all authorities and names in the ConfigMap
//!   `kube-system/extension-apiserver-authentication`, which is watched; the user by all `X-Remote-*` headers, which count
//!   only then. Others by bearer token (TokenReview), or not at all (401).
//! - **Authorization**: a SubjectAccessReview for each user, namespace and metric, remembered for ten seconds.
//! - **Certificates**: an authority of its own and a certificate for the Service, in a Secret that all replicas share;
//!   renewed at two thirds of their lives and changed while serving. Authorities overlap, so that no read fails.
//! - **Registration**: the APIService is created if there is none, and told whom to trust; verification is never off. If
//!   another server has it, it is left alone ([`Registration::Other`]).
//!
//! # What it needs
//! A Service whose pods are the replicas; the API server speaks TLS to them. Their readiness probe must be `GET /readyz`
//! over HTTPS: the API server does not ask another replica when one has no certificate yet. The ServiceAccount needs:
//!
//! | right | for |
//! |---|---|
//! | RoleBinding in `kube-system` to Role `extension-apiserver-authentication-reader` | who the API server is |
//! | ClusterRoleBinding to ClusterRole `system:auth-delegator` | TokenReview, SubjectAccessReview |
//! | `create` apiservices (apiregistration.k8s.io); `get`, `patch` of `v1beta1.external.metrics.k8s.io` | registration |
//! | `create` secrets; `get`, `update` of the one that [`Config::secret`] names | certificates |
//!
//! The autoscaler itself (`system:serviceaccount:kube-system:horizontal-pod-autoscaler`) needs `get` and `list` of the
//! metrics in `external.metrics.k8s.io`.

#![warn(missing_docs)]

use std::time::Duration;

mod authenticate;
mod authorize;
mod cache;
mod certificates;
pub mod discovery;
mod front_proxy;
mod listen;
mod open_api;
mod provider;
mod quantity;
mod registration;
mod routes;
pub mod selector;
mod server;
mod status;
mod tls;
mod values;

pub use certificates::renewal::Lifetimes;
pub use provider::{Provider, Query, Sample, Unavailable};
pub use quantity::Quantity;
pub use registration::{API_SERVICE, Registration};
pub use server::{Config, Error, Server, Service};

/// Time for one call of the API server.
const API_LIMIT: Duration = Duration::from_secs(10);
/// How long the API server's answer about a user or a token is good.
const REVIEW_LIFE: Duration = Duration::from_secs(10);
