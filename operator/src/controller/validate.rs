//! Second step, pure: spec and observed world become a [`Pipeline`] that the rest trusts, or a list of
//! [`Problem`]s for the status. Nothing later looks at the spec again.

mod cluster;
mod embedded;
mod image;
mod pipeline;
mod pod_template;
mod recorded;
mod secrets;

pub use image::resolve as resolve_image;
pub use pipeline::{
    Aws, Cluster, Credentials, Embedded, Endpoint, Mode, Pipeline, Pods, Replicas, Volume,
};
pub(super) use recorded::{DATABASE_ANNOTATION, record};

use kube::Resource;

use super::observe::Observed;
use crate::crd::{ConditionType, ExtractionPipeline, ExtractionPipelineSpec};

/// Something that must change before the pipeline can be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Condition that becomes `False`.
    pub condition: ConditionType,
    /// One CamelCase word for machines.
    pub reason: &'static str,
    /// The cause and the next step in words, never a value of a Secret.
    pub message: String,
    /// A Secret must change, of which no watch tells, and not the spec.
    pub is_of_secret: bool,
}

/// What can be built of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Validated {
    /// What the children are built from.
    pub pipeline: Pipeline,
    /// What is wrong with Secrets of a pipeline that ran before: its children are kept as they are to be, and nothing
    /// that would start other pods is changed.
    pub held_by: Vec<Problem>,
}

/// Checks what the API server cannot: what the spec refers to, and its free-form members.
///
/// # Errors
/// Every problem found, so that one edit can mend them all.
pub fn validate(
    pipeline: &ExtractionPipeline,
    observed: &Observed,
) -> Result<Validated, Vec<Problem>> {
    let ExtractionPipelineSpec {
        document_types,
        image: _, // resolved together with the status
        aws: _,   // these four and `api` belong to the mode
        queue: _,
        storage: _,
        database: _,
        api,
        worker,
        retention,
        suspend,
    } = &pipeline.spec;
    let owner = pipeline
        .controller_owner_ref(&())
        .expect("an object of the API server has a name and a uid");

    let mut problems = Vec::new();
    let mode = collect(&mut problems, mode(&pipeline.spec, observed));
    let pods = pod_template::validate("worker", &worker.resources, worker.pod_template.as_ref());
    let worker_pods = collect(&mut problems, pods.map_err(|problem| vec![problem]));
    let (Some((mode, held_by)), Some(worker_pods)) = (mode, worker_pods) else {
        return Err(problems);
    };
    let pipeline = Pipeline {
        name: owner.name.clone(),
        namespace: pipeline.metadata.namespace.clone().unwrap_or_default(),
        owner,
        operator_namespace: observed.settings.operator_namespace.clone(),
        image: image::resolve(pipeline, &observed.settings),
        pull_policy: observed.settings.pull_policy.clone(),
        document_types: document_types.clone(),
        ingress: api.ingress.clone(),
        worker_replicas: Replicas {
            min: worker.min_replicas,
            max: worker.max_replicas,
        },
        worker_concurrency: worker.concurrency,
        worker_pods,
        retention_days: retention.jobs_days,
        suspend: *suspend,
        mode,
    };
    Ok(Validated { pipeline, held_by })
}

/// Cluster mode needs all four of its services; the API server refuses less, except for objects that were
/// stored under an older definition. The mode comes with what holds it.
fn mode(
    spec: &ExtractionPipelineSpec,
    observed: &Observed,
) -> Result<(Mode, Vec<Problem>), Vec<Problem>> {
    let storage = spec.storage.as_ref();
    let bucket = storage.and_then(|storage| storage.bucket.as_deref());
    match (&spec.aws, &spec.queue, bucket, &spec.database) {
        (None, None, None, None) => {
            Ok((Mode::Embedded(embedded::validate(storage)), Vec::new()))
        }
        (Some(aws), Some(queue), Some(bucket), Some(database)) => {
            let services = cluster::Services {
                aws,
                queue,
                bucket,
                prefix: storage.and_then(|storage| storage.prefix.as_deref()),
                database,
            };
            let known = recorded::database(observed);
            let (cluster, held_by) = cluster::validate(&services, &spec.api, known, observed)?;
            Ok((Mode::Cluster(Box::new(cluster)), held_by))
        }
        _ => Err(vec![Problem {
            condition: ConditionType::Ready,
            reason: "InvalidSpec",
            message: "`aws`, `queue`, `storage.bucket` and `database` must be set together, or not at all"
                .to_owned(),
            is_of_secret: false,
        }]),
    }
}

/// The value, or `None` with its problems added to the others.
fn collect<T>(problems: &mut Vec<Problem>, result: Result<T, Vec<Problem>>) -> Option<T> {
    result.map_err(|found| problems.extend(found)).ok()
}

#[cfg(test)]
mod tests;
