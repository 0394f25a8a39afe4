//! Names, labels and owners of children.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use sha2::{Digest, Sha256};

use crate::controller::validate::{DATABASE_ANNOTATION, Mode, Pipeline, record};

/// Value of `app.kubernetes.io/managed-by` on every child.
pub(super) const MANAGED_BY: &str = "extraction-operator";

/// What a pod of the pipeline does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Component {
    Api,
    Worker,
    Migrate,
    /// API and worker in the one pod of an embedded pipeline.
    Serve,
}

impl Component {
    /// The value of `app.kubernetes.io/component`, the name of the container and the end of the child's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Migrate => "migrate",
            Self::Serve => "serve",
        }
    }

    /// The component that serves the HTTP API.
    pub(super) fn serving_api(mode: &Mode) -> Self {
        match mode {
            Mode::Cluster(_) => Self::Api,
            Mode::Embedded(_) => Self::Serve,
        }
    }
}

/// `<pipeline>-<suffix>`.
pub(super) fn child_name(pipeline: &Pipeline, suffix: &str) -> String {
    format!("{}-{suffix}", pipeline.name)
}

/// The same as [`shared`], with a record of where the database is. Two children have it, so that one may be deleted.
pub(super) fn recording(pipeline: &Pipeline, name: String) -> ObjectMeta {
    let mut metadata = shared(pipeline, name);
    if let Mode::Cluster(cluster) = &pipeline.mode {
        let database = record(&cluster.database_address);
        metadata.annotations = Some([(DATABASE_ANNOTATION.to_owned(), database)].into());
    }
    metadata
}

/// Metadata of a child that belongs to no component.
pub(super) fn shared(pipeline: &Pipeline, name: String) -> ObjectMeta {
    let mut labels = instance_labels(pipeline);
    labels.extend(descriptive_labels(pipeline));
    ObjectMeta {
        name: Some(name),
        namespace: Some(pipeline.namespace.clone()),
        labels: Some(labels),
        owner_references: Some(vec![pipeline.owner.clone()]),
        ..ObjectMeta::default()
    }
}

/// Metadata of a child of `component`.
pub(super) fn of(pipeline: &Pipeline, component: Component, name: String) -> ObjectMeta {
    let mut metadata = shared(pipeline, name);
    let labels = metadata.labels.get_or_insert_default();
    labels.insert(COMPONENT.to_owned(), component.as_str().to_owned());
    metadata
}

/// Labels of pods: nothing that changes with a release, so that pods are not replaced for a label.
pub(super) fn pod_labels(pipeline: &Pipeline, component: Component) -> BTreeMap<String, String> {
    let mut labels = selector_labels(pipeline, component);
    labels.extend(fixed_labels());
    labels
}

/// Labels that select the pods of one component.
pub(super) fn selector_labels(
    pipeline: &Pipeline,
    component: Component,
) -> BTreeMap<String, String> {
    let mut labels = instance_labels(pipeline);
    labels.insert(COMPONENT.to_owned(), component.as_str().to_owned());
    labels
}

/// Selects the pods of one component.
pub(super) fn selector(pipeline: &Pipeline, component: Component) -> LabelSelector {
    LabelSelector {
        match_labels: Some(selector_labels(pipeline, component)),
        ..LabelSelector::default()
    }
}

/// Labels that select every pod of the pipeline.
pub(super) fn instance_labels(pipeline: &Pipeline) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("app.kubernetes.io/name".to_owned(), "extractor".to_owned()),
        (
            "app.kubernetes.io/instance".to_owned(),
            pipeline.name.clone(),
        ),
    ])
}

/// First ten hexadecimal digits of the SHA-256 of `text`: enough to tell apart the few versions of one child.
pub(super) fn short_hash(text: &str) -> String {
    let mut digits = hex::encode(Sha256::digest(text));
    digits.truncate(10);
    digits
}

const COMPONENT: &str = "app.kubernetes.io/component";

fn fixed_labels() -> [(String, String); 2] {
    [
        ("app.kubernetes.io/managed-by", MANAGED_BY),
        ("app.kubernetes.io/part-of", "extraction"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
}

fn descriptive_labels(pipeline: &Pipeline) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from(fixed_labels());
    if let Some(version) = image_tag(&pipeline.image) {
        labels.insert("app.kubernetes.io/version".to_owned(), version.to_owned());
    }
    labels
}

/// The tag of an image, where it fits in a label.
fn image_tag(image: &str) -> Option<&str> {
    let without_digest = image.split('@').next()?;
    let (_, tag) = without_digest.rsplit_once(':')?;
    let is_tag = !tag.contains('/') && tag.len() <= 63;
    let ends_well = tag.ends_with(|last: char| last.is_ascii_alphanumeric())
        && tag.starts_with(|first: char| first.is_ascii_alphanumeric());
    (is_tag && ends_well).then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::image_tag;

    #[test]
    fn the_tag_of_an_image_is_found_beside_ports_and_digests() {
        assert_eq!(image_tag("localhost/extractor:0.1.0"), Some("0.1.0"));
        assert_eq!(image_tag("registry:5000/extractor"), None);
        assert_eq!(image_tag("registry:5000/extractor:1@sha256:ab"), Some("1"));
        assert_eq!(image_tag("registry/extractor@sha256:ab"), None);
        assert_eq!(image_tag("registry/extractor:1.0-"), None);
    }
}
