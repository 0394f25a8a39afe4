use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::controller::kinds::Kind;
use crate::controller::observe::{Child, DatabaseAddress, KeyState, SecretState};

fn pipeline(spec: Value) -> ExtractionPipeline {
    let spec: ExtractionPipelineSpec = serde_json::from_value(spec).unwrap();
    let mut pipeline = ExtractionPipeline::new("invoices", spec);
    pipeline.metadata.namespace = Some("finance".to_owned());
    pipeline.metadata.uid = Some("uid".to_owned());
    pipeline
}

fn on_services(aws: Value) -> ExtractionPipeline {
    pipeline(json!({
        "aws": aws,
        "queue": { "name": "work" },
        "storage": { "bucket": "documents" },
        "database": { "urlSecretRef": { "name": "db", "key": "url" } },
    }))
}

fn value() -> KeyState {
    KeyState {
        is_empty: false,
        database: Err("it has no scheme"),
    }
}

fn database_url() -> KeyState {
    KeyState {
        is_empty: false,
        database: Ok(DatabaseAddress {
            host: "10.0.0.5".to_owned(),
            port: 5433,
            name: "jobs".to_owned(),
        }),
    }
}

fn secret<const N: usize>(keys: [(&str, KeyState); N]) -> SecretState {
    let keys = keys.map(|(name, state)| (name.to_owned(), state));
    SecretState::Present {
        uid: "uid".to_owned(),
        resource_version: "1".to_owned(),
        keys: BTreeMap::from(keys),
    }
}

fn observed<const N: usize>(secrets: [(&str, SecretState); N]) -> Observed {
    let secrets = secrets.map(|(name, state)| (name.to_owned(), state));
    Observed {
        secrets: BTreeMap::from(secrets),
        ..Observed::default()
    }
}

fn problems(
    pipeline: &ExtractionPipeline,
    observed: &Observed,
) -> Vec<(ConditionType, &'static str, String)> {
    let problems = validate(pipeline, observed).unwrap_err();
    (problems.into_iter())
        .map(|problem| (problem.condition, problem.reason, problem.message))
        .collect()
}

#[test]
fn an_empty_spec_is_one_pod_with_temporary_data() {
    let valid = validate(&pipeline(json!({})), &Observed::default()).unwrap();
    let size = k8s_openapi::apimachinery::pkg::api::resource::Quantity("10Gi".to_owned());
    let volume = Volume::Temporary { size };
    assert_eq!(valid.pipeline.mode, Mode::Embedded(Embedded { volume }));
}

#[test]
fn a_missing_secret_is_named_with_the_key_it_must_have() {
    let observed = observed([("db", SecretState::Missing)]);
    let found = problems(&on_services(json!({ "region": "eu-west-1" })), &observed);
    assert_eq!(
        found,
        [(
            ConditionType::DatabaseReachable,
            "SecretMissing",
            "Secret 'db' of `database.urlSecretRef` does not exist; create it in this namespace: kubectl create secret generic db --from-literal=url='postgres://user:password@host:5432/name'".to_owned(),
        )]
    );
}

#[test]
fn a_pipeline_that_ran_before_is_held_and_not_refused_when_a_secret_goes_missing() {
    let aws = json!({ "region": "eu-west-1", "credentialsSecretRef": { "name": "keys" } });
    let pipeline = on_services(aws);
    let mut observed = observed([("db", SecretState::Missing), ("keys", SecretState::Missing)]);
    assert_eq!(problems(&pipeline, &observed).len(), 3);

    let address = DatabaseAddress {
        host: "[fd00::1]".to_owned(),
        port: 5433,
        name: "jobs".to_owned(),
    };
    let mut made = Child::default();
    let annotation = (DATABASE_ANNOTATION.to_owned(), record(&address));
    made.metadata.annotations = Some([annotation].into());
    let name = (Kind::ConfigMap, "invoices".to_owned());
    observed.children.0.insert(name, made);
    let held = validate(&pipeline, &observed).unwrap();
    let conditions: Vec<_> = held.held_by.iter().map(|by| by.condition).collect();
    assert_eq!(
        conditions,
        [
            ConditionType::QueueReachable,
            ConditionType::StorageReachable,
            ConditionType::DatabaseReachable
        ]
    );
    let Mode::Cluster(cluster) = held.pipeline.mode else {
        panic!("a pipeline on services is no embedded one");
    };
    let DatabaseAddress { host, port, name } = cluster.database_address;
    assert_eq!((host.as_str(), port, name.as_str()), ("fd00::1", 5433, ""));
}

#[test]
fn credentials_that_go_missing_hold_a_pipeline_also_without_any_record() {
    let aws = json!({ "region": "eu-west-1", "credentialsSecretRef": { "name": "keys" } });
    let mut observed = observed([
        ("db", secret([("url", database_url())])),
        ("keys", SecretState::Missing),
    ]);
    assert_eq!(problems(&on_services(aws.clone()), &observed).len(), 2);
    let name = (Kind::Deployment, "invoices-api".to_owned());
    observed.children.0.insert(name, Child::default());
    let held = validate(&on_services(aws), &observed).unwrap();
    assert_eq!(held.held_by.len(), 2);
}

#[test]
fn the_name_of_a_database_host_is_not_recorded() {
    let address = DatabaseAddress {
        host: "db.internal".to_owned(),
        port: 5432,
        name: "jobs".to_owned(),
    };
    assert_eq!(record(&address), ":5432");
}

#[test]
fn a_missing_key_is_named() {
    let observed = observed([("db", secret([("URL", database_url())]))]);
    let found = problems(&on_services(json!({ "region": "eu-west-1" })), &observed);
    assert_eq!(found[0].1, "SecretKeyMissing");
    assert_eq!(
        found[0].2,
        "Secret 'db' of `database.urlSecretRef` has no key 'url': add it"
    );
}

#[test]
fn an_empty_value_and_a_malformed_url_are_told_apart() {
    let empty = KeyState {
        is_empty: true,
        ..value()
    };
    let aws = json!({ "region": "eu-west-1" });
    let found = problems(
        &on_services(aws.clone()),
        &observed([("db", secret([("url", empty)]))]),
    );
    assert_eq!(found[0].1, "SecretKeyEmpty");

    let found = problems(
        &on_services(aws),
        &observed([("db", secret([("url", value())]))]),
    );
    assert_eq!(found[0].1, "MalformedDatabaseUrl");
    assert!(found[0].2.ends_with(": it has no scheme"), "{}", found[0].2);
}

#[test]
fn missing_credentials_close_queue_and_bucket() {
    let aws = json!({ "region": "eu-west-1", "credentialsSecretRef": { "name": "keys" } });
    let observed = observed([
        ("db", secret([("url", database_url())])),
        ("keys", secret([("AWS_ACCESS_KEY_ID", value())])),
    ]);
    let found = problems(&on_services(aws), &observed);
    let message =
        "Secret 'keys' of `aws.credentialsSecretRef` has no key 'AWS_SECRET_ACCESS_KEY': add it";
    let expected = [
        ConditionType::QueueReachable,
        ConditionType::StorageReachable,
    ]
    .map(|condition| (condition, "SecretKeyMissing", message.to_owned()));
    assert_eq!(found, expected);
}

#[test]
fn a_secret_that_may_not_be_read_is_told_from_a_missing_one() {
    let observed = observed([("db", SecretState::Forbidden)]);
    let found = problems(&on_services(json!({ "region": "eu-west-1" })), &observed);
    assert_eq!(found[0].1, "SecretForbidden");
}

#[test]
fn all_problems_are_found_at_once() {
    let mut both =
        on_services(json!({ "region": "eu-west-1", "credentialsSecretRef": { "name": "keys" } }));
    both.spec.worker.pod_template =
        serde_json::from_value(json!({ "spec": { "tolerations": "all" } })).unwrap();
    let reasons: Vec<_> = (problems(&both, &Observed::default()).into_iter())
        .map(|(_, reason, _)| reason)
        .collect();
    assert_eq!(
        reasons,
        [
            "SecretMissing",
            "SecretMissing",
            "SecretMissing",
            "InvalidPodTemplate"
        ]
    );
}

#[test]
fn a_list_member_without_a_name_is_refused() {
    let overlay = json!({ "worker": { "podTemplate": { "spec": { "containers": [{ "image": "proxy:1" }] } } } });
    let found = problems(&pipeline(overlay), &Observed::default());
    assert_eq!(
        found[0].2,
        "`worker.podTemplate` must be a part of a pod template: each of `spec.containers` must have a `name`, by which it is merged"
    );
}

#[test]
fn a_pipeline_with_some_of_its_services_is_refused() {
    let found = problems(
        &pipeline(json!({ "queue": { "name": "work" } })),
        &Observed::default(),
    );
    assert_eq!(found[0].1, "InvalidSpec");
}

#[test]
fn an_endpoint_is_taken_apart() {
    let ports = [
        ("http://aws:4566/", "http://aws:4566", "aws", 4566),
        ("http://10.0.0.1", "http://10.0.0.1", "10.0.0.1", 80),
        (
            "https://s3.example.com",
            "https://s3.example.com",
            "s3.example.com",
            443,
        ),
    ];
    for (written, url, host, port) in ports {
        let aws = json!({ "region": "eu-west-1", "endpointUrl": written });
        let observed = observed([("db", secret([("url", database_url())]))]);
        let valid = validate(&on_services(aws), &observed).unwrap();
        let Mode::Cluster(cluster) = valid.pipeline.mode else {
            panic!("a pipeline on services is no embedded one");
        };
        let expected = Endpoint {
            url: url.to_owned(),
            host: host.to_owned(),
            port,
        };
        assert_eq!(cluster.aws.endpoint, Some(expected));
    }
}
