//! Secrets whose value nobody chooses. Made once, never read, never overwritten: delete one to get a new value.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};
use rand::Rng;

use super::ensure::write;
use super::{Error, FIELD_MANAGER};
use crate::controller::build::GeneratedSecret;

/// Bytes of chance in a value, written as twice as many hexadecimal digits.
const CHANCE_BYTES: usize = 32;

/// Creates each Secret that is missing.
pub(super) async fn ensure_all(client: &Client, wanted: &[GeneratedSecret]) -> Result<(), Error> {
    for secret in wanted {
        ensure(client, secret).await?;
    }
    Ok(())
}

/// Creates the Secret unless there is one of its name.
async fn ensure(client: &Client, wanted: &GeneratedSecret) -> Result<(), Error> {
    let name = wanted.metadata.name.clone().unwrap_or_default();
    let namespace = wanted.metadata.namespace.clone().unwrap_or_default();
    let api: Api<Secret> = Api::namespaced(client.clone(), &namespace);
    let found = write(
        &format!("look for Secret '{name}'"),
        api.get_metadata_opt(&name),
    )
    .await?;
    if found.is_some() {
        return Ok(());
    }
    let secret = Secret {
        metadata: wanted.metadata.clone(),
        data: Some([(wanted.key.to_owned(), ByteString(value().into_bytes()))].into()),
        ..Secret::default()
    };
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    match write(
        &format!("create Secret '{}'", secret.name_any()),
        api.create(&params, &secret),
    )
    .await
    {
        Err(Error::Write {
            source: kube::Error::Api(status),
            ..
        }) if status.is_already_exists() => Ok(()),
        outcome => outcome.map(drop),
    }
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
