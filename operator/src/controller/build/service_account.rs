//! ServiceAccounts: one per component, so that each can have its own rights in AWS. None of them may use the
//! Kubernetes API, so no token of theirs is mounted.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ServiceAccount;

use super::metadata::{self, Component};
use crate::controller::validate::{Credentials, Mode, Pipeline};

/// Builds the ServiceAccounts of the pipeline's Deployments.
pub(super) fn build_service_accounts(pipeline: &Pipeline) -> Vec<ServiceAccount> {
    match &pipeline.mode {
        Mode::Cluster(cluster) => [Component::Api, Component::Worker]
            .map(|component| service_account(pipeline, component, &cluster.aws.credentials))
            .into(),
        Mode::Embedded(_) => {
            vec![service_account(
                pipeline,
                Component::Serve,
                &Credentials::Ambient,
            )]
        }
    }
}

fn service_account(
    pipeline: &Pipeline,
    component: Component,
    credentials: &Credentials,
) -> ServiceAccount {
    let name = metadata::child_name(pipeline, component.as_str());
    let mut metadata = metadata::of(pipeline, component, name);
    if let Credentials::Role(arn) = credentials {
        let annotation = ("eks.amazonaws.com/role-arn".to_owned(), arn.clone());
        metadata.annotations = Some(BTreeMap::from([annotation]));
    }
    ServiceAccount {
        metadata,
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
