//! Whether documents and jobs outlive the pods.

use super::Verdict;
use crate::controller::kinds::Kind;
use crate::controller::observe::Observed;
use crate::crd::{ExtractionPipeline, Storage};

pub(super) fn verdict(pipeline: &ExtractionPipeline, observed: &Observed) -> Verdict {
    let storage = pipeline.spec.storage.as_ref();
    match storage {
        _ if pipeline.spec.queue.is_some() => Verdict::yes(
            "ExternalServices",
            "documents are kept in the bucket, jobs in the database",
        ),
        Some(Storage {
            storage_class_name: Some(class),
            ..
        }) => on_a_volume(class, observed),
        _ => Verdict::no(
            "TemporaryVolume",
            "documents and results are lost with the pod: set `storage.storageClassName` to keep them",
        ),
    }
}

fn on_a_volume(class: &str, observed: &Observed) -> Verdict {
    let mut children = observed.children.0.iter();
    let is_bound = children.any(|((kind, _), child)| {
        *kind == Kind::PersistentVolumeClaim && child.object["status"]["phase"] == "Bound"
    });
    if is_bound {
        Verdict::yes(
            "PersistentVolume",
            "documents and jobs are kept on a persistent volume",
        )
    } else {
        Verdict::unknown(
            "NoVolumeYet",
            format!("StorageClass '{class}' has not given the volume yet"),
        )
    }
}
