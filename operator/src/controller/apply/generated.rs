//! Secrets whose value nobody chooses. Made once, never overwritten: delete one to get a new value.
//!
//! Secrets are not watched, because watching them means reading all of them. Instead the ConfigMap, which is watched,
//! names each of them as one more owner. When one is gone, the garbage collector takes its name off the ConfigMap
//! (which lives on, having other owners), and that change brings us here to make another. The user's own Secrets are no
//! owners: the ConfigMap would live as long as they do.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};
use rand::Rng;

use super::ensure::write;
use super::{Error, FIELD_MANAGER};
use crate::controller::build::GeneratedSecret;
use crate::controller::observe::SecretState;

/// Bytes of chance in a value, written as twice as many hexadecimal digits.
const CHANCE_BYTES: usize = 32;

/// Creates each Secret that is missing, and gives a reference to every one.
pub(super) async fn ensure_all(
    client: &Client,
    observed: &BTreeMap<String, SecretState>,
    wanted: &[GeneratedSecret],
) -> Result<Vec<OwnerReference>, Error> {
    let mut references = Vec::new();
    for secret in wanted {
        let name = secret.metadata.name.clone().unwrap_or_default();
        let uid = match observed.get(&name) {
            Some(SecretState::Present { uid, .. }) => uid.clone(),
            // The status says so.
            Some(SecretState::Forbidden) => continue,
            Some(SecretState::Missing) | None => create(client, secret).await?,
        };
        references.push(reference(name, uid));
    }
    Ok(references)
}

/// One that does not control, so that it never decides whose the ConfigMap is, nor holds up a deletion.
fn reference(name: String, uid: String) -> OwnerReference {
    OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        name,
        uid,
        ..OwnerReference::default()
    }
}

/// Creates the Secret and gives its uid.
async fn create(client: &Client, wanted: &GeneratedSecret) -> Result<String, Error> {
    let namespace = wanted.metadata.namespace.clone().unwrap_or_default();
    let api: Api<Secret> = Api::namespaced(client.clone(), &namespace);
    let secret = Secret {
        metadata: wanted.metadata.clone(),
        data: Some([(wanted.key.to_owned(), ByteString(value().into_bytes()))].into()),
        ..Secret::default()
    };
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let action = format!("create Secret '{}'", secret.name_any());
    let created = write(&action, api.create(&params, &secret)).await?;
    Ok(created.uid().unwrap_or_default())
}

fn value() -> String {
    let mut bytes = [0u8; CHANCE_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_another() {
        assert_eq!(value().len(), 64);
        assert_ne!(value(), value());
    }
}
