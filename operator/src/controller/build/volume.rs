//! Volumes of pods. Secrets are files, so that a new value reaches running pods without a restart.

use k8s_openapi::api::core::v1::{
    EmptyDirVolumeSource, KeyToPath, PersistentVolumeClaimVolumeSource, ProjectedVolumeSource,
    SecretVolumeSource, ServiceAccountTokenProjection, Volume, VolumeMount, VolumeProjection,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// Readable by owner and group: the group is ours through `fsGroup`.
const SECRET_MODE: i32 = 0o440;
/// Life of a token for AWS in seconds; the kubelet renews it well before.
const TOKEN_SECONDS: i64 = 3600;

/// A volume together with where the container sees it.
pub(super) struct Mounted {
    pub(super) volume: Volume,
    pub(super) mount: VolumeMount,
}

impl Mounted {
    fn new(name: &str, path: &str, is_read_only: bool, volume: Volume) -> Self {
        Self {
            volume: Volume {
                name: name.to_owned(),
                ..volume
            },
            mount: VolumeMount {
                name: name.to_owned(),
                mount_path: path.to_owned(),
                read_only: is_read_only.then_some(true),
                ..VolumeMount::default()
            },
        }
    }
}

/// The folder `path` with the keys of a Secret as files; only `key` when given.
pub(super) fn secret(name: &str, path: &str, secret: &str, key: Option<&str>) -> Mounted {
    let items = key.map(|key| {
        vec![KeyToPath {
            key: key.to_owned(),
            path: key.to_owned(),
            mode: None,
        }]
    });
    let source = SecretVolumeSource {
        secret_name: Some(secret.to_owned()),
        default_mode: Some(SECRET_MODE),
        items,
        optional: None,
    };
    let volume = Volume {
        secret: Some(source),
        ..Volume::default()
    };
    Mounted::new(name, path, true, volume)
}

/// A folder that is deleted with the pod, of at most `size`.
pub(super) fn temporary(name: &str, path: &str, size: Quantity) -> Mounted {
    let source = EmptyDirVolumeSource {
        size_limit: Some(size),
        medium: None,
    };
    let volume = Volume {
        empty_dir: Some(source),
        ..Volume::default()
    };
    Mounted::new(name, path, false, volume)
}

/// A folder on a claim.
pub(super) fn claim(name: &str, path: &str, claim: String) -> Mounted {
    let source = PersistentVolumeClaimVolumeSource {
        claim_name: claim,
        read_only: None,
    };
    let volume = Volume {
        persistent_volume_claim: Some(source),
        ..Volume::default()
    };
    Mounted::new(name, path, false, volume)
}

/// The file `token` that AWS exchanges for a role.
pub(super) fn aws_token(name: &str, path: &str) -> Mounted {
    let token = ServiceAccountTokenProjection {
        audience: Some("sts.amazonaws.com".to_owned()),
        expiration_seconds: Some(TOKEN_SECONDS),
        path: "token".to_owned(),
    };
    let source = ProjectedVolumeSource {
        default_mode: Some(SECRET_MODE),
        sources: Some(vec![VolumeProjection {
            service_account_token: Some(token),
            ..VolumeProjection::default()
        }]),
    };
    let volume = Volume {
        projected: Some(source),
        ..Volume::default()
    };
    Mounted::new(name, path, true, volume)
}
