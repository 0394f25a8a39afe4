//! A pipeline on queue, bucket and database.

use extraction_contract::secret_key;

use super::secrets::{self, Unusable};
use super::{Aws, Cluster, Credentials, Endpoint, Problem, Replicas, collect, pod_template};
use crate::controller::kinds::Kind;
use crate::controller::observe::{DatabaseAddress, Observed};
use crate::crd::{self, Api, ConditionType, Database, Queue};

/// The services of the spec, all of them present.
pub(super) struct Services<'a> {
    pub(super) aws: &'a crd::Aws,
    pub(super) queue: &'a Queue,
    pub(super) bucket: &'a str,
    pub(super) prefix: Option<&'a str>,
    pub(super) database: &'a Database,
}

/// Checks what the services refer to. Problems of Secrets only hold a pipeline that ran before, and come beside it; its
/// database is where it was `known` to be.
pub(super) fn validate(
    services: &Services<'_>,
    api: &Api,
    known: Option<DatabaseAddress>,
    observed: &Observed,
) -> Result<(Cluster, Vec<Problem>), Vec<Problem>> {
    let mut of_secrets = credential_problems(services.aws, observed);
    let found = collect(&mut of_secrets, database(services.database, observed));
    let pods = pod_template::validate("api", &api.resources, api.pod_template.as_ref());
    // With a Deployment or a record of its database it ran before.
    let may_be_held = known.is_some()
        || observed
            .children
            .has_any(Kind::Deployment, &["-api", "-worker"]);
    let (database_address, api_pods) = match (found.or(known), pods) {
        (Some(address), Ok(pods)) if may_be_held || of_secrets.is_empty() => (address, pods),
        (_, pods) => {
            of_secrets.extend(pods.err());
            return Err(of_secrets);
        }
    };
    let cluster = Cluster {
        aws: Aws {
            region: services.aws.region.clone(),
            endpoint: services.aws.endpoint_url.as_deref().map(endpoint),
            credentials: credentials(services.aws),
        },
        queue: services.queue.name.clone(),
        bucket: services.bucket.to_owned(),
        prefix: services.prefix.unwrap_or_default().to_owned(),
        database: services.database.url_secret_ref.clone(),
        database_address,
        api_replicas: Replicas {
            min: api.min_replicas,
            max: api.max_replicas,
        },
        api_pods,
    };
    Ok((cluster, of_secrets))
}

fn credentials(aws: &crd::Aws) -> Credentials {
    match (&aws.role_arn, &aws.credentials_secret_ref) {
        (Some(role), _) => Credentials::Role(role.clone()),
        (None, Some(secret)) => Credentials::Secret(secret.name.clone()),
        (None, None) => Credentials::Ambient,
    }
}

/// Queue and bucket are both out of reach without credentials, so both conditions say why.
fn credential_problems(aws: &crd::Aws, observed: &Observed) -> Vec<Problem> {
    let Credentials::Secret(name) = credentials(aws) else {
        return Vec::new();
    };
    let Err((reason, message)) = credential_keys(&name, observed) else {
        return Vec::new();
    };
    let conditions = [
        ConditionType::QueueReachable,
        ConditionType::StorageReachable,
    ];
    conditions
        .map(|condition| Problem {
            condition,
            reason,
            message: message.clone(),
            is_of_secret: true,
        })
        .into()
}

fn credential_keys(name: &str, observed: &Observed) -> Result<(), Unusable> {
    const FIELD: &str = "aws.credentialsSecretRef";
    const KEYS: [&str; 2] = [
        secret_key::AWS_ACCESS_KEY_ID,
        secret_key::AWS_SECRET_ACCESS_KEY,
    ];
    let wanted = format!(
        "--from-literal={}=... --from-literal={}=...",
        KEYS[0], KEYS[1]
    );
    let keys = secrets::keys(observed, FIELD, name, &wanted)?;
    for key in KEYS {
        secrets::key(keys, FIELD, name, key)?;
    }
    Ok(())
}

fn database(database: &Database, observed: &Observed) -> Result<DatabaseAddress, Vec<Problem>> {
    database_url(database, observed).map_err(|(reason, message)| {
        vec![Problem {
            condition: ConditionType::DatabaseReachable,
            reason,
            message,
            is_of_secret: true,
        }]
    })
}

fn database_url(database: &Database, observed: &Observed) -> Result<DatabaseAddress, Unusable> {
    const FIELD: &str = "database.urlSecretRef";
    let reference = &database.url_secret_ref;
    let wanted = format!(
        "--from-literal={}='postgres://user:password@host:5432/name'",
        reference.key
    );
    let keys = secrets::keys(observed, FIELD, &reference.name, &wanted)?;
    let state = secrets::key(keys, FIELD, &reference.name, &reference.key)?;
    state.database.clone().map_err(|fault| {
        (
            "MalformedDatabaseUrl",
            format!(
                "key '{}' of Secret '{}' of `{FIELD}` must be 'postgres://user:password@host:5432/name': {fault}",
                reference.key, reference.name
            ),
        )
    })
}

/// Takes a URL apart that the API server has matched against the schema's pattern.
fn endpoint(url: &str) -> Endpoint {
    let url = url.trim_end_matches('/');
    let (scheme, authority) = url.split_once("://").unwrap_or(("https", url));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (authority, None),
    };
    Endpoint {
        url: url.to_owned(),
        host: host.to_owned(),
        port: port.unwrap_or(if scheme == "http" { 80 } else { 443 }),
    }
}
