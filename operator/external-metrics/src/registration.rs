//! The APIService object, by which the cluster's API server sends `external.metrics.k8s.io` to one Service. There is one in
//! a cluster. Another server's is left alone.

use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::{
    APIService, APIServiceSpec, ServiceReference,
};
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::discovery::{GROUP, VERSION};
use crate::{API_LIMIT, Service};

/// Name of the object: version, dot, group.
pub const API_SERVICE: &str = "v1beta1.external.metrics.k8s.io";
/// What KEDA, the Prometheus adapter and others say; nothing depends on it while the group has one version.
const PRIORITY: i32 = 100;

/// Who serves external metrics in this cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// Nobody has looked yet.
    Unknown,
    /// The Service that this server is told to stand behind.
    Ours {
        /// Whether the API server reaches it, in its own opinion.
        available: bool,
    },
    /// Another Service, whose server is left alone.
    Other {
        /// `namespace/name` of that Service; `None` when the API server itself serves the group.
        service: Option<String>,
    },
    /// It could not be read or written.
    Failed(
        /// Why.
        String,
    ),
}

pub(crate) struct Registrar {
    api: Api<APIService>,
    service: Service,
    owner: Option<OwnerReference>,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the API server did not answer in time")]
    Timeout,
    #[error(transparent)]
    Api(#[from] kube::Error),
}

impl Registrar {
    pub(crate) fn new(client: Client, service: Service, owner: Option<OwnerReference>) -> Self {
        Self {
            api: Api::all(client),
            service,
            owner,
        }
    }

    /// Makes the API server trust `bundle`, if it sends requests to us or to nobody.
    pub(crate) async fn register(&self, bundle: &str) -> Registration {
        match self.attempt(bundle).await {
            Ok(registration) => registration,
            Err(error) => {
                warn!(%error, "cannot register as {API_SERVICE}");
                Registration::Failed(error.to_string())
            }
        }
    }

    async fn attempt(&self, bundle: &str) -> Result<Registration, Error> {
        let Some(found) = call(self.api.get_opt(API_SERVICE)).await? else {
            let ours = self.ours(bundle);
            let made = call(self.api.create(&PostParams::default(), &ours)).await?;
            info!("created {API_SERVICE}");
            return Ok(self.look(&made));
        };
        let registration = self.look(&found);
        if let (Registration::Ours { .. }, Some(patch)) =
            (&registration, correction(&found, bundle))
        {
            let params = PatchParams::default();
            call(self.api.patch(API_SERVICE, &params, &Patch::Merge(patch))).await?;
            info!("told {API_SERVICE} whom to trust");
        }
        Ok(registration)
    }

    fn look(&self, found: &APIService) -> Registration {
        let service = found.spec.as_ref().and_then(|spec| spec.service.as_ref());
        let name = service.map(|service| {
            let part = |part: &Option<String>| part.clone().unwrap_or_default();
            (part(&service.namespace), part(&service.name))
        });
        match name {
            Some((namespace, name))
                if namespace == self.service.namespace && name == self.service.name =>
            {
                Registration::Ours {
                    available: is_available(found),
                }
            }
            other => Registration::Other {
                service: other.map(|(namespace, name)| format!("{namespace}/{name}")),
            },
        }
    }

    fn ours(&self, bundle: &str) -> APIService {
        APIService {
            metadata: ObjectMeta {
                name: Some(API_SERVICE.to_owned()),
                owner_references: self.owner.clone().map(|owner| vec![owner]),
                ..ObjectMeta::default()
            },
            spec: Some(APIServiceSpec {
                ca_bundle: Some(ByteString(bundle.as_bytes().to_vec())),
                group: Some(GROUP.to_owned()),
                version: Some(VERSION.to_owned()),
                group_priority_minimum: PRIORITY,
                version_priority: PRIORITY,
                insecure_skip_tls_verify: None,
                service: Some(ServiceReference {
                    namespace: Some(self.service.namespace.clone()),
                    name: Some(self.service.name.clone()),
                    port: Some(i32::from(self.service.port)),
                }),
            }),
            status: None,
        }
    }
}

async fn call<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, Error> {
    Ok(timeout(API_LIMIT, call)
        .await
        .map_err(|_| Error::Timeout)??)
}

fn is_available(found: &APIService) -> bool {
    let conditions = found
        .status
        .iter()
        .flat_map(|status| &status.conditions)
        .flatten();
    conditions
        .filter(|condition| condition.type_ == "Available")
        .any(|condition| condition.status == "True")
}

/// The patch that makes the API server trust the bundle and nothing else; `None` when it does. It names the version that
/// was read, so that it fails when somebody has taken the object over since.
fn correction(found: &APIService, bundle: &str) -> Option<serde_json::Value> {
    let spec = found.spec.as_ref()?;
    let trusts = spec.ca_bundle.as_ref().map(|found| found.0.as_slice());
    let skips = spec.insecure_skip_tls_verify == Some(true);
    if trusts == Some(bundle.as_bytes()) && !skips {
        return None;
    }
    let bytes = ByteString(bundle.as_bytes().to_vec());
    Some(json!({
        "metadata": { "resourceVersion": found.metadata.resource_version },
        "spec": { "caBundle": bytes, "insecureSkipTLSVerify": null },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registrar() -> Registrar {
        let service = |_| async {
            Ok::<_, std::io::Error>(axum::http::Response::new(kube::client::Body::empty()))
        };
        let client = Client::new(tower::service_fn(service), "default");
        let service = Service {
            namespace: "metrics".to_owned(),
            name: "server".to_owned(),
            port: 443,
        };
        Registrar::new(client, service, None)
    }

    #[tokio::test]
    async fn another_servers_registration_is_told_from_ours() {
        let registrar = registrar();
        let mut found = registrar.ours("bundle");
        assert_eq!(
            registrar.look(&found),
            Registration::Ours { available: false }
        );
        let spec = found.spec.as_mut().unwrap();
        spec.service.as_mut().unwrap().namespace = Some("keda".to_owned());
        let keda = Some("keda/server".to_owned());
        assert_eq!(
            registrar.look(&found),
            Registration::Other { service: keda }
        );
        found.spec.as_mut().unwrap().service = None;
        assert_eq!(
            registrar.look(&found),
            Registration::Other { service: None }
        );
    }

    #[tokio::test]
    async fn only_what_differs_is_patched_and_verification_is_never_off() {
        let mut found = registrar().ours("bundle");
        found.metadata.resource_version = Some("7".to_owned());
        assert_eq!(correction(&found, "bundle"), None);
        let patch = correction(&found, "other").unwrap();
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
        assert_eq!(patch["spec"]["caBundle"], "b3RoZXI=");
        found.spec.as_mut().unwrap().insecure_skip_tls_verify = Some(true);
        let patch = correction(&found, "bundle").unwrap();
        assert!(patch["spec"]["insecureSkipTLSVerify"].is_null());
    }
}
