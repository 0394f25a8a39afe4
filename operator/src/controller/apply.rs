//! Fourth step: makes the children as built, by server-side apply, in the order of [`apply`]. Nothing is
//! written that would change nothing.

mod current;
mod difference;
mod ensure;
mod generated;
mod migration;
mod patience;
mod repair;
mod writer;

pub use migration::Migration;
pub use writer::Writer;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use serde_json::json;

use self::ensure::{Ensurer, Template};
use super::build::{INGRESS_CLASS_ANNOTATION, Resources};
use super::kinds::Kind;
use super::observe::Observed;
use crate::crd::{ConditionType, ExtractionPipeline, Suspend};

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
    #[error("cannot {action}: {}", words(source))]
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

    fn is_invalid(&self) -> bool {
        matches!(self, Self::Write { source: kube::Error::Api(status), .. } if status.is_invalid())
    }

    fn is_conflict(&self) -> bool {
        matches!(self, Self::Write { source: kube::Error::Api(status), .. } if status.is_conflict())
    }

    /// Whether somebody has to act before another attempt can succeed.
    pub fn is_permanent(&self) -> bool {
        matches!(self.reason(), "Forbidden" | "ChildInvalid" | "NameTaken")
    }
}

/// What the API server said, without the structure around it.
fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// Makes the children: what pods need before they start, then the migration, then the pods, then what leads to
/// them and scales them. Policies come first, so that no pod runs without them. Deployments keep their pod
/// templates until the migration has succeeded; its state is returned. `is_held`: pods could not start for want of a
/// Secret, so none is changed.
pub async fn apply(
    writer: &Writer,
    pipeline: &ExtractionPipeline,
    observed: &Observed,
    resources: Resources,
    is_held: bool,
) -> Result<Migration, Error> {
    let Resources {
        service_accounts,
        generated_secrets,
        mut config_map,
        volume_claim,
        network_policies,
        migration,
        deployments,
        service,
        ingress,
        autoscalers,
        disruption_budgets,
    } = resources;
    let rollout = Rollout::of(pipeline, observed, &deployments, is_held);
    let mut all = Ensurer::new(writer, pipeline, &observed.children);

    all.all(Kind::ServiceAccount, service_accounts).await?;
    let secrets =
        generated::ensure_all(&writer.client, &observed.generated, &generated_secrets).await?;
    let owners = config_map.metadata.owner_references.get_or_insert_default();
    owners.extend(secrets);
    all.all(Kind::PersistentVolumeClaim, volume_claim).await?;
    // Pods that stay as they are must reach what they know.
    let policies = if is_held {
        Template::Held
    } else {
        Template::Follows
    };
    for policy in network_policies {
        all.one(Kind::NetworkPolicy, policy, policies).await?;
    }
    let migration = migration::advance(&mut all, observed, migration, &rollout).await?;

    // Old pods that start anew while the migration is under way must find the settings that they know.
    let template = rollout.template(migration);
    configure(&mut all, config_map, template).await?;

    // From here on nothing depends on what comes before it, so one that fails does not hold up the others.
    let results = [
        roll(
            &mut all,
            deployments,
            rollout.may_create(migration),
            template,
        )
        .await,
        wake(&all, &autoscalers).await,
        all.one(Kind::Service, service, Template::Follows).await,
        expose(&mut all, ingress).await,
        all.all(Kind::HorizontalPodAutoscaler, autoscalers).await,
        all.all(Kind::PodDisruptionBudget, disruption_budgets).await,
    ];
    results.into_iter().collect::<Result<(), Error>>()?;
    all.prune(template == Template::Follows).await?;
    Ok(migration)
}

/// Makes the Ingress; anew when its class is no longer the user's choice, since only a new one gets the cluster's.
async fn expose(ensurer: &mut Ensurer<'_>, ingress: Option<Ingress>) -> Result<(), Error> {
    let Some(ingress) = ingress else {
        return Ok(());
    };
    let live = ensurer.live(Kind::Ingress, &ingress.name_any());
    let had_class = live.filter(|live| {
        let annotations = live.metadata.annotations.as_ref();
        live.metadata.deletion_timestamp.is_none()
            && annotations.is_some_and(|all| all.contains_key(INGRESS_CLASS_ANNOTATION))
    });
    match had_class {
        Some(live) if !ingress.annotations().contains_key(INGRESS_CLASS_ANNOTATION) => {
            ensurer.replace(Kind::Ingress, live, ingress).await
        }
        _ => ensurer.one(Kind::Ingress, ingress, Template::Follows).await,
    }
}

/// Makes the ConfigMap; anew when somebody made it immutable and it has to change.
async fn configure(
    ensurer: &mut Ensurer<'_>,
    config_map: ConfigMap,
    template: Template,
) -> Result<(), Error> {
    let live = ensurer.live(Kind::ConfigMap, &config_map.name_any());
    let stuck = live.filter(|live| {
        live.object["immutable"] == true
            && live.object["data"] != json!(config_map.data)
            && live.metadata.deletion_timestamp.is_none()
    });
    match stuck {
        Some(live) if template == Template::Follows => {
            ensurer.replace(Kind::ConfigMap, live, config_map).await
        }
        _ => ensurer.one(Kind::ConfigMap, config_map, template).await,
    }
}

/// An autoscaler does nothing for a Deployment of zero replicas, so nobody else undoes that.
async fn wake(ensurer: &Ensurer<'_>, autoscalers: &[HorizontalPodAutoscaler]) -> Result<(), Error> {
    for spec in autoscalers.iter().filter_map(|scaler| scaler.spec.as_ref()) {
        let least = spec.min_replicas.unwrap_or(1);
        ensurer.wake(&spec.scale_target_ref.name, least).await?;
    }
    Ok(())
}

/// What holds pods back.
struct Rollout {
    /// The user wants pods to stay as they are.
    is_frozen: bool,
    /// A Secret is wanting.
    is_held: bool,
    /// The status says that the database has the schema of this very spec: a Job that somebody deleted is only
    /// repeated, and nothing waits for it.
    was_migrated: bool,
}

impl Rollout {
    fn of(
        pipeline: &ExtractionPipeline,
        observed: &Observed,
        deployments: &[Deployment],
        is_held: bool,
    ) -> Self {
        let runs = |wanted: &Deployment| {
            observed
                .children
                .get(Kind::Deployment, &wanted.name_any())
                .is_some()
        };
        let no_rollouts = pipeline.spec.suspend == Suspend::Rollouts;
        let status = pipeline.status.as_ref();
        let current =
            status.filter(|status| status.observed_generation == pipeline.metadata.generation);
        let migrated = ConditionType::DatabaseMigrated.as_str();
        let is_true =
            |condition: &Condition| condition.type_ == migrated && condition.status == "True";
        Self {
            is_frozen: no_rollouts && deployments.iter().any(runs),
            is_held,
            was_migrated: current.is_some_and(|status| {
                // Without image this spec never ran, and the condition is what was said of the one before.
                status.image.is_some() && status.conditions.iter().any(is_true)
            }),
        }
    }

    fn template(&self, migration: Migration) -> Template {
        if self.is_frozen {
            Template::Frozen
        } else if self.is_held || !migration.is_done() {
            Template::Held
        } else {
            Template::Follows
        }
    }

    /// Whether a Deployment that is not there may be made.
    fn may_create(&self, migration: Migration) -> bool {
        migration.is_done() && (self.was_migrated || !self.is_held)
    }
}

/// Makes the Deployments: new ones only on a migrated database, existing ones with their old pods until then.
async fn roll(
    ensurer: &mut Ensurer<'_>,
    deployments: Vec<Deployment>,
    may_create: bool,
    template: Template,
) -> Result<(), Error> {
    let mut results = Vec::new();
    for deployment in deployments {
        let name = deployment.name_any();
        if may_create || ensurer.live(Kind::Deployment, &name).is_some() {
            results.push(ensurer.one(Kind::Deployment, deployment, template).await);
        } else {
            ensurer.keep(Kind::Deployment, &name);
        }
    }
    results.into_iter().collect()
}
