//! The PersistentVolumeClaim of an embedded pipeline.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};

use super::metadata::{self, Component};
use crate::controller::validate::{Embedded, Mode, Pipeline, Volume};

/// Builds the claim; `None` when the data is elsewhere or not to be kept.
pub(super) fn build_volume_claim(pipeline: &Pipeline) -> Option<PersistentVolumeClaim> {
    let Mode::Embedded(Embedded {
        volume: Volume::Claim { class, size },
    }) = &pipeline.mode
    else {
        return None;
    };
    Some(PersistentVolumeClaim {
        metadata: metadata::of(pipeline, Component::Serve, name(pipeline)),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), size.clone())])),
                limits: None,
            }),
            storage_class_name: Some(class.clone()),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    })
}

/// Name of the claim.
pub(super) fn name(pipeline: &Pipeline) -> String {
    metadata::child_name(pipeline, "data")
}
