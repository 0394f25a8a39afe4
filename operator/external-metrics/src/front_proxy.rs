//! The front proxy is the API server as our client. Its certificates, and the headers in which it says on whose behalf it
//! asks, are told in a ConfigMap, which changes when the authority is rotated.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use k8s_openapi::api::core::v1::ConfigMap;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use tracing::{info, warn};

use crate::certificates::read::Certificate;
use crate::tls;

mod headers;
pub(crate) mod watch;

/// Where the API server says how it proves who it is.
pub(crate) const NAMESPACE: &str = "kube-system";
pub(crate) const NAME: &str = "extension-apiserver-authentication";

/// Why the ConfigMap is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{NAME} has no requestheader-client-ca-file: the API server has no front proxy")]
    Absent,
    #[error("requestheader-client-ca-file has no usable certificate")]
    NoAuthority,
    #[error("cannot use the authorities: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    #[error("{0} is not a JSON list of texts")]
    List(&'static str),
}

/// What the ConfigMap says.
#[derive(Debug)]
pub(crate) struct FrontProxy {
    verifier: Arc<dyn ClientCertVerifier>,
    /// Common names that are allowed; empty means any.
    allowed_names: Vec<String>,
    headers: headers::Names,
}

impl FrontProxy {
    pub(crate) fn parse(map: &ConfigMap) -> Result<Self, Error> {
        let data = map.data.clone().unwrap_or_default();
        let bundle = data
            .get("requestheader-client-ca-file")
            .ok_or(Error::Absent)?;
        let roots = authorities(bundle)?;
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), tls::provider())
                .build()?;
        Ok(Self {
            verifier,
            allowed_names: list(&data, "requestheader-allowed-names")?,
            headers: headers::Names {
                user: list(&data, "requestheader-username-headers")?,
                uid: list(&data, "requestheader-uid-headers")?,
                group: list(&data, "requestheader-group-headers")?,
                extra_prefixes: list(&data, "requestheader-extra-headers-prefix")?,
            },
        })
    }

    /// Whether the client's certificate is one of the front proxy at `now`.
    pub(crate) fn signed(&self, peer: &[CertificateDer<'static>], now: UnixTime) -> bool {
        let Some((own, intermediates)) = peer.split_first() else {
            return false;
        };
        let verified = self.verifier.verify_client_cert(own, intermediates, now);
        verified.is_ok() && (self.allowed_names.is_empty() || self.allows(own))
    }

    fn allows(&self, certificate: &CertificateDer<'static>) -> bool {
        let name = Certificate::read(certificate).and_then(|read| read.common_name);
        name.is_some_and(|name| self.allowed_names.contains(&name))
    }

    /// The user whom the headers name; `None` when they name none. To be believed only if [`signed`](Self::signed).
    pub(crate) fn user(
        &self,
        headers: &axum::http::HeaderMap,
    ) -> Result<Option<k8s_openapi::api::authentication::v1::UserInfo>, headers::Error> {
        self.headers.user(headers)
    }
}

/// All certificates of the bundle; one that cannot be used does not stop the others.
fn authorities(bundle: &str) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
        match certificate.map(|certificate| roots.add(certificate)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "an authority of the front proxy cannot be used"),
            Err(error) => warn!(?error, "the bundle of the front proxy is not all PEM"),
        }
    }
    match roots.is_empty() {
        true => Err(Error::NoAuthority),
        false => Ok(roots),
    }
}

/// A list in JSON; an absent or empty text is an empty list.
fn list(data: &BTreeMap<String, String>, key: &'static str) -> Result<Vec<String>, Error> {
    match data.get(key).map_or("", String::as_str) {
        "" => Ok(Vec::new()),
        text => serde_json::from_str(text).map_err(|_| Error::List(key)),
    }
}

/// The front proxy as of now; changes while requests are served.
#[derive(Debug, Default)]
pub(crate) struct Trust(RwLock<Arc<Option<FrontProxy>>>);

impl Trust {
    /// `None` until the ConfigMap has been read, and when it is of no use.
    pub(crate) fn current(&self) -> Arc<Option<FrontProxy>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes over what the ConfigMap says. One that is absent or wrong ends all trust, since the proof it held is gone.
    pub(crate) fn replace(&self, map: Option<&ConfigMap>) {
        let front_proxy = match map.map_or(Err(Error::Absent), FrontProxy::parse) {
            Ok(front_proxy) => {
                info!("read who the front proxy is");
                Some(front_proxy)
            }
            Err(error) => {
                warn!(%error, "nobody is trusted as the front proxy");
                None
            }
        };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(front_proxy);
    }
}

#[cfg(test)]
#[path = "front_proxy_tests.rs"]
mod tests;
