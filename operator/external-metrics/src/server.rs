//! Puts the parts together.

use std::net::SocketAddr;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Client;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::authenticate::Authenticator;
use crate::authorize::Authorizer;
use crate::certificates::issue::Names;
use crate::certificates::keep::Keeper;
use crate::front_proxy::{self, Trust};
use crate::registration::Registrar;
use crate::routes::{App, router};
use crate::tls::{self, Leaf};
use crate::{Lifetimes, Provider, Registration, listen};

/// The Service through which the API server reaches this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its namespace; the Secret lies there, too.
    pub namespace: String,
    /// Its name; part of the name in our certificate.
    pub name: String,
    /// Its port, which need not be the one that [`Config::listen`] names.
    pub port: u16,
}

/// How to serve.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen, e.g. `0.0.0.0:6443`; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The Service in front of all replicas.
    pub service: Service,
    /// Name of the Secret for authority and certificate, in the Service's namespace. All replicas must name the same one,
    /// and no other Service.
    pub secret: String,
    /// Whose deletion deletes the Secret and the APIService that this server creates. The owner must be cluster-scoped, e.g.
    /// the ClusterRole that was installed for this server. An APIService that nobody serves hinders the whole cluster.
    pub owner: Option<OwnerReference>,
    /// How long certificates live.
    pub lifetimes: Lifetimes,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened at.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The TLS library refuses its configuration.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// An aggregated API server for external metrics.
pub struct Server<P> {
    client: Client,
    config: Config,
    provider: Arc<P>,
    listener: TcpListener,
    address: SocketAddr,
    registration: watch::Sender<Registration>,
}

impl<P: Provider> Server<P> {
    /// Takes the address; nothing is answered before [`run`](Self::run).
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub async fn bind(client: Client, config: Config, provider: Arc<P>) -> Result<Self, Error> {
        let refused = |source| Error::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self {
            client,
            config,
            provider,
            listener,
            address,
            registration: watch::Sender::new(Registration::Unknown),
        })
    }

    /// The address that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who serves external metrics in this cluster, as it changes; looked at as often as the certificates.
    pub fn registration(&self) -> watch::Receiver<Registration> {
        self.registration.subscribe()
    }

    /// Serves until `stop` ends, then finishes the requests in flight. Looks after certificates, registration and trust
    /// meanwhile; what fails is logged and tried again.
    ///
    /// In a pod let `stop` end some seconds after SIGTERM: until then API servers still send requests here.
    ///
    /// # Errors
    /// The TLS library refuses its configuration.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let (leaf, trust) = (Arc::new(Leaf::default()), Arc::new(Trust::default()));
        let Config { service, owner, .. } = self.config;
        let keeper = Keeper {
            client: self.client.clone(),
            namespace: service.namespace.clone(),
            secret: self.config.secret,
            owner: owner.clone(),
            names: Names::of_service(&service.namespace, &service.name),
            lifetimes: self.config.lifetimes,
            leaf: leaf.clone(),
            registrar: Registrar::new(self.client.clone(), service, owner),
            registration: self.registration,
        };
        let app = App {
            provider: self.provider,
            trust: trust.clone(),
            authenticator: Authenticator::new(self.client.clone(), trust.clone()),
            authorizer: Authorizer::new(self.client.clone()),
        };
        let acceptor = TlsAcceptor::from(Arc::new(tls::config(leaf)?));
        tokio::select! {
            () = listen::serve(self.listener, acceptor, router(app), stop) => {}
            () = front_proxy::watch::run(self.client, trust) => {}
            () = keeper.run() => {}
        }
        Ok(())
    }
}
