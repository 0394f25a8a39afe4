//! How a pod gets at AWS and the database: files, and the environment variables that name them.

use extraction_contract::env;
use k8s_openapi::api::core::v1::EnvVar;

use super::pod::{Parts, variable};
use super::volume;
use crate::controller::validate::{Cluster, Credentials};

const DATABASE_DIR: &str = "/etc/extraction/database";
const AWS_CREDENTIALS_DIR: &str = "/etc/extraction/aws";
/// Folder and volume are called as EKS' own webhook calls them, which then finds its work done.
const AWS_TOKEN_DIR: &str = "/var/run/secrets/eks.amazonaws.com/serviceaccount";
const AWS_TOKEN_VOLUME: &str = "aws-iam-token";

/// Lets the pod read the database URL.
pub(super) fn add_database(parts: &mut Parts, cluster: &Cluster) {
    let reference = &cluster.database;
    let file = format!("{DATABASE_DIR}/{}", reference.key);
    parts
        .environment
        .push(variable(env::DATABASE_URL_FILE, file));
    parts.volumes.push(volume::secret(
        "database",
        DATABASE_DIR,
        &reference.name,
        Some(&reference.key),
    ));
}

/// Lets the pod act as the pipeline in AWS.
pub(super) fn add_aws(parts: &mut Parts, cluster: &Cluster) {
    match &cluster.aws.credentials {
        Credentials::Role(arn) => {
            parts
                .environment
                .extend(role_variables(arn, &cluster.aws.region));
            parts
                .volumes
                .push(volume::aws_token(AWS_TOKEN_VOLUME, AWS_TOKEN_DIR));
        }
        Credentials::Secret(name) => {
            let directory = variable(env::AWS_CREDENTIALS_DIR, AWS_CREDENTIALS_DIR);
            parts.environment.push(directory);
            parts.volumes.push(volume::secret(
                "aws-credentials",
                AWS_CREDENTIALS_DIR,
                name,
                None,
            ));
        }
        Credentials::Ambient => {}
    }
}

/// The names are those of every AWS SDK.
fn role_variables(arn: &str, region: &str) -> [EnvVar; 3] {
    [
        variable("AWS_ROLE_ARN", arn),
        variable(
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            format!("{AWS_TOKEN_DIR}/token"),
        ),
        variable("AWS_REGION", region),
    ]
}
