//! The Secrets that a spec refers to and those that the operator makes, read one by one by name. Their values do not
//! leave this file.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, ResourceExt};

use super::{DatabaseAddress, Error, KeyState, SecretState, read};
use crate::controller::build::GENERATED;
use crate::crd::ExtractionPipeline;

const DEFAULT_PORT: u16 = 5432;

/// Reads each of the Secrets `names`.
pub(super) async fn observe(
    client: &Client,
    pipeline: &ExtractionPipeline,
    names: BTreeSet<String>,
) -> Result<BTreeMap<String, SecretState>, Error> {
    let api: Api<Secret> =
        Api::namespaced(client.clone(), &pipeline.namespace().unwrap_or_default());
    let reads = names.into_iter().map(|name| {
        let api = api.clone();
        async move {
            let state = state(read(&format!("Secret '{name}'"), api.get_opt(&name)).await)?;
            Ok((name, state))
        }
    });
    Ok(try_join_all(reads).await?.into_iter().collect())
}

/// The Secrets that the operator makes.
pub(super) fn generated(pipeline: &ExtractionPipeline) -> BTreeSet<String> {
    let name = pipeline.name_any();
    GENERATED
        .map(|(suffix, _)| format!("{name}-{suffix}"))
        .into()
}

/// The Secrets that the spec names.
pub(super) fn referenced(pipeline: &ExtractionPipeline) -> BTreeSet<String> {
    let spec = &pipeline.spec;
    let database = spec
        .database
        .as_ref()
        .map(|database| &database.url_secret_ref.name);
    let aws = spec
        .aws
        .as_ref()
        .and_then(|aws| aws.credentials_secret_ref.as_ref())
        .map(|secret| &secret.name);
    database.into_iter().chain(aws).cloned().collect()
}

fn state(found: Result<Option<Secret>, Error>) -> Result<SecretState, Error> {
    match found {
        Ok(None) => Ok(SecretState::Missing),
        Ok(Some(secret)) => Ok(SecretState::Present {
            uid: secret.uid().unwrap_or_default(),
            resource_version: secret.resource_version().unwrap_or_default(),
            keys: secret
                .data
                .unwrap_or_default()
                .into_iter()
                .map(|(key, value)| (key, key_state(&value.0)))
                .collect(),
        }),
        Err(Error::Read {
            source: kube::Error::Api(status),
            ..
        }) if status.is_forbidden() => Ok(SecretState::Forbidden),
        Err(error) => Err(error),
    }
}

fn key_state(value: &[u8]) -> KeyState {
    KeyState {
        is_empty: value.trim_ascii().is_empty(),
        database: database_address(value),
    }
}

/// Host, port and database of `postgres://user:password@host:port/name?...`.
fn database_address(value: &[u8]) -> Result<DatabaseAddress, &'static str> {
    let text = std::str::from_utf8(value.trim_ascii()).map_err(|_| "it is not text")?;
    let rest = text
        .strip_prefix("postgres://")
        .or_else(|| text.strip_prefix("postgresql://"))
        .ok_or("it does not start with 'postgres://'")?;
    let (authority, path) = rest
        .split_once('/')
        .ok_or("it has no database name after the host")?;
    let name = path.split('?').next().unwrap_or_default();
    if name.is_empty() {
        return Err("it has no database name after the host");
    }
    let (_, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = split_port(host)?;
    if host.is_empty() {
        return Err("it has no host");
    }
    let port = port.map_or(Ok(DEFAULT_PORT), |port| {
        port.parse()
            .map_err(|_| "its port is no number below 65536")
    })?;
    Ok(DatabaseAddress {
        host: host.to_owned(),
        port,
        name: name.to_owned(),
    })
}

fn split_port(host: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(bracketed) = host.strip_prefix('[') {
        let (address, rest) = bracketed
            .split_once(']')
            .ok_or("its IPv6 address has no closing bracket")?;
        return Ok((address, rest.strip_prefix(':')));
    }
    Ok(host
        .split_once(':')
        .map_or((host, None), |(host, port)| (host, Some(port))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<(String, u16), &'static str> {
        database_address(url.as_bytes()).map(|address| (address.host, address.port))
    }

    #[test]
    fn host_and_port_are_read_from_the_url() {
        assert_eq!(
            address("postgres://u:p@db.example:6432/jobs"),
            Ok(("db.example".to_owned(), 6432))
        );
        assert_eq!(
            address("postgresql://db/jobs?sslmode=require\n"),
            Ok(("db".to_owned(), 5432))
        );
        assert_eq!(
            address("postgres://u:p%40x@[fd00::1]:5433/jobs"),
            Ok(("fd00::1".to_owned(), 5433))
        );
    }

    #[test]
    fn a_malformed_url_is_explained_without_its_value() {
        for (url, why) in [
            (
                "mysql://u:secret@h/d",
                "it does not start with 'postgres://'",
            ),
            (
                "postgres://u:secret@h",
                "it has no database name after the host",
            ),
            ("postgres://u:secret@/d", "it has no host"),
            (
                "postgres://u:secret@h:99999/d",
                "its port is no number below 65536",
            ),
            (
                "postgres://u:secret@[fd00::1/d",
                "its IPv6 address has no closing bracket",
            ),
        ] {
            assert_eq!(address(url), Err(why));
        }
    }

    #[test]
    fn white_space_is_no_value() {
        assert!(key_state(b" \n").is_empty);
        assert!(!key_state(b"x").is_empty);
    }
}
