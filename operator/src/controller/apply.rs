//! Fourth step: makes the children as built, by server-side apply, in the order of [`apply`]. Nothing is
//! written that would change nothing.

mod difference;
mod ensure;
mod generated;
mod migration;

pub use migration::Migration;

use k8s_openapi::jiff::Timestamp;
use kube::{Client, ResourceExt};

use self::ensure::{Ensurer, Template};
use super::build::Resources;
use super::kinds::Kind;
use super::observe::Observed;
use crate::crd::{ExtractionPipeline, Suspend};

/// Name under which the API server records which fields are ours.
pub const FIELD_MANAGER: &str = "extraction-operator";

/// Why a child could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server did not answer in time.
    #[error("cannot {action}: the API server did not answer in time")]
    Timeout {
        /// What was tried.
        action: String,
    },
    /// The API server refused.
    #[error("cannot {action}: {source}")]
    Write {
        /// What was tried.
        action: String,
        /// Its answer.
        source: kube::Error,
    },
    /// An object of this name is there and belongs to somebody else.
    #[error(
        "{kind} '{name}' exists and does not belong to this pipeline: delete it, or name the pipeline differently"
    )]
    NameTaken {
        /// Kind of the object.
        kind: String,
        /// Its name.
        name: String,
    },
    /// A child could not be written as JSON.
    #[error("cannot encode a child: {0}")]
    Encode(#[from] serde_json::Error),
}

impl Error {
    /// The action that failed, as a reason for machines.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Timeout { .. } => "ApiServerTimeout",
            Self::Write {
                source: kube::Error::Api(status),
                ..
            } if status.is_forbidden() => "Forbidden",
            Self::Write {
                source: kube::Error::Api(status),
                ..
            } if status.is_invalid() => "ChildInvalid",
            Self::Write { .. } => "ApplyFailed",
            Self::NameTaken { .. } => "NameTaken",
            Self::Encode(_) => "EncodeFailed",
        }
    }

    /// Whether somebody has to act before another attempt can succeed.
    pub fn is_permanent(&self) -> bool {
        matches!(self.reason(), "Forbidden" | "ChildInvalid" | "NameTaken")
    }
}

/// Makes the children: what pods need before they start, then the migration, then the pods, then what leads to
/// them and scales them. Policies come first, so that no pod runs without them. Deployments keep their pod
/// templates until the migration has succeeded; its state is returned.
pub async fn apply(
    client: &Client,
    pipeline: &ExtractionPipeline,
    observed: &Observed,
    resources: Resources,
) -> Result<Migration, Error> {
    let Resources {
        service_accounts,
        generated_secrets,
        config_map,
        volume_claim,
        network_policies,
        migration,
        deployments,
        service,
        ingress,
        autoscalers,
        disruption_budgets,
    } = resources;
    let no_rollouts = pipeline.spec.suspend == Suspend::Rollouts;
    let exists = |name: &str| observed.children.get(Kind::Deployment, name).is_some();
    let is_frozen = no_rollouts && deployments.iter().any(|wanted| exists(&wanted.name_any()));
    let mut ensurer = Ensurer::new(client, pipeline, &observed.children);

    ensurer.all(Kind::ServiceAccount, service_accounts).await?;
    for secret in generated_secrets {
        generated::ensure(client, &secret).await?;
    }
    ensurer
        .one(Kind::ConfigMap, config_map, Template::frozen_if(is_frozen))
        .await?;
    ensurer
        .all(Kind::PersistentVolumeClaim, volume_claim)
        .await?;
    ensurer.all(Kind::NetworkPolicy, network_policies).await?;

    let migration = match migration {
        Some(job) => {
            migration::advance(&mut ensurer, observed, job, is_frozen, Timestamp::now()).await?
        }
        None => Migration::NotNeeded,
    };
    let may_roll = migration.is_done() && !is_frozen;
    for deployment in deployments {
        if exists(&deployment.name_any()) || migration.is_done() {
            ensurer
                .one(Kind::Deployment, deployment, Template::frozen_if(!may_roll))
                .await?;
        } else {
            ensurer.keep(Kind::Deployment, &deployment.name_any());
        }
    }

    ensurer
        .one(Kind::Service, service, Template::Follows)
        .await?;
    ensurer.all(Kind::Ingress, ingress).await?;
    ensurer
        .all(Kind::HorizontalPodAutoscaler, autoscalers)
        .await?;
    ensurer
        .all(Kind::PodDisruptionBudget, disruption_budgets)
        .await?;
    ensurer.prune(may_roll).await?;
    Ok(migration)
}
