//! Keeps the Secret, the registration and the shown certificate as they should be.

use std::sync::Arc;
use std::time::SystemTime;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::issue::{self, Names};
use super::renewal::{self, Lifetimes, Step};
use super::{State, secret};
use crate::API_LIMIT;
use crate::registration::{Registrar, Registration};
use crate::tls::Leaf;

/// Attempts within one look when replicas write at the same time.
const ATTEMPTS: usize = 5;

pub(crate) struct Keeper {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    /// Name of the Secret.
    pub(crate) secret: String,
    pub(crate) owner: Option<OwnerReference>,
    pub(crate) names: Names,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) leaf: Arc<Leaf>,
    pub(crate) registrar: Registrar,
    pub(crate) registration: watch::Sender<Registration>,
}

/// What this replica remembers between two looks.
#[derive(Default)]
struct Memory {
    /// What is shown now. Survives a Secret that is deleted or broken by hand.
    shown: Option<State>,
    /// The bundle that the API server was told last.
    published: Option<String>,
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the API server did not answer in time")]
    Timeout,
    #[error(transparent)]
    Api(#[from] kube::Error),
    #[error(transparent)]
    Certificate(#[from] super::Error),
    #[error("other replicas keep writing the Secret")]
    Busy,
}

impl Keeper {
    /// Never ends; what fails is tried again at the next look.
    pub(crate) async fn run(self) {
        let mut memory = Memory::default();
        loop {
            if let Err(error) = self.look(&mut memory).await {
                warn!(%error, secret = self.secret, "cannot keep the certificates");
            }
            sleep(self.lifetimes.pause()).await;
        }
    }

    async fn look(&self, memory: &mut Memory) -> Result<(), Error> {
        let state = self.stored(memory).await?;
        let bundle = state.bundle();
        let registration = self.registrar.register(&bundle).await;
        if matches!(registration, Registration::Ours { .. }) {
            memory.published = Some(bundle);
        }
        self.registration.send_if_modified(|known| {
            let changed = *known != registration;
            *known = registration;
            changed
        });
        // Last, so that nothing is shown that the API server has not been told to trust.
        if memory.shown.as_ref().map(|shown| &shown.leaf) != Some(&state.leaf) {
            self.leaf.replace(state.certified_key()?);
            info!(not_after = ?state.leaf.public.facts.not_after, "shows another certificate");
        }
        memory.shown = Some(state);
        Ok(())
    }

    /// The state in the Secret, after at most one step.
    async fn stored(&self, memory: &Memory) -> Result<State, Error> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        for _ in 0..ATTEMPTS {
            let found = call(secrets.get_opt(&self.secret)).await?;
            let (state, is_stored) = self.read(found.as_ref(), memory)?;
            let published = memory.published.as_ref() == Some(&state.bundle());
            let now = SystemTime::now();
            let step = renewal::step(&state, &self.lifetimes, published, now);
            if step == Step::Keep && is_stored {
                return Ok(state);
            }
            let state = issue::apply(step, state, &self.names, &self.lifetimes, now)?;
            let wanted = self.secret(found.as_ref(), &state);
            let params = PostParams::default();
            let written = match &found {
                None => call(secrets.create(&params, &wanted)).await,
                Some(_) => call(secrets.replace(&self.secret, &params, &wanted)).await,
            };
            match written {
                Ok(_) => {
                    info!(?step, secret = self.secret, "wrote the certificates");
                    return Ok(state);
                }
                Err(Error::Api(kube::Error::Api(status)))
                    if status.is_conflict() || status.is_already_exists() => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Busy)
    }

    /// What the Secret holds, and true; or what it should hold, and false.
    fn read(&self, found: Option<&Secret>, memory: &Memory) -> Result<(State, bool), Error> {
        match found.map(secret::parse) {
            Some(Ok(state)) => return Ok((state, true)),
            Some(Err(error)) => warn!(%error, secret = self.secret, "the Secret is replaced"),
            None => {}
        }
        let state = match &memory.shown {
            Some(shown) => shown.clone(),
            None => issue::start(&self.names, &self.lifetimes, SystemTime::now())?,
        };
        Ok((state, false))
    }

    fn secret(&self, found: Option<&Secret>, state: &State) -> Secret {
        let metadata = found.map_or_else(
            || ObjectMeta {
                name: Some(self.secret.clone()),
                owner_references: self.owner.clone().map(|owner| vec![owner]),
                ..ObjectMeta::default()
            },
            |found| found.metadata.clone(),
        );
        Secret {
            metadata,
            data: Some(secret::data(state)),
            ..Secret::default()
        }
    }
}

async fn call<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, Error> {
    Ok(timeout(API_LIMIT, call)
        .await
        .map_err(|_| Error::Timeout)??)
}
