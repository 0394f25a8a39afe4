//! A pipeline of one pod.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::{Embedded, Volume};
use crate::crd::Storage;

/// Size of the volume when the spec names none; the CEL rule on `storage.size` names the same.
const DEFAULT_SIZE: &str = "10Gi";

/// Nothing can be wrong with it that the API server lets through.
pub(super) fn validate(storage: Option<&Storage>) -> Embedded {
    let size = storage
        .and_then(|storage| storage.size.clone())
        .unwrap_or_else(|| Quantity(DEFAULT_SIZE.to_owned()));
    let class = storage.and_then(|storage| storage.storage_class_name.clone());
    let volume = match class {
        Some(class) => Volume::Claim { class, size },
        None => Volume::Temporary { size },
    };
    Embedded { volume }
}
