//! Each sample becomes the children of `expected/<sample>.yaml`: after a change run `make generated` and read the
//! difference.

mod fields;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::controller::observe::{DatabaseAddress, KeyState, Observed, SecretState, Settings};
use crate::controller::validate::validate;
use crate::crd::ExtractionPipeline;

fn sample(name: &str) -> ExtractionPipeline {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests/samples");
    let text = std::fs::read_to_string(folder.join(name).with_extension("yaml")).unwrap();
    let mut pipeline: ExtractionPipeline = serde_yaml::from_str(&text).unwrap();
    (pipeline.metadata.namespace).get_or_insert_with(|| "default".to_owned());
    pipeline.metadata.uid = Some("00000000-0000-7000-8000-000000000000".to_owned());
    pipeline
}

/// Every Secret that a sample refers to exists.
fn observed() -> Observed {
    let state = KeyState {
        is_empty: false,
        database: Ok(DatabaseAddress {
            host: "10.1.2.3".to_owned(),
            port: 5432,
            name: "jobs".to_owned(),
        }),
    };
    let keys = ["url", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let secret = SecretState::Present {
        uid: "uid".to_owned(),
        resource_version: "1".to_owned(),
        keys: keys.map(|key| (key.to_owned(), state.clone())).into(),
    };
    let names = ["invoices-db", "local-db", "local-aws"];
    Observed {
        settings: Settings {
            default_image: "localhost/extractor:0.1.0".to_owned(),
            pull_policy: "IfNotPresent".to_owned(),
            operator_namespace: "extraction-system".to_owned(),
        },
        secrets: names.map(|name| (name.to_owned(), secret.clone())).into(),
        ..Observed::default()
    }
}

fn children(pipeline: &ExtractionPipeline) -> Resources {
    build(&validate(pipeline, &observed()).unwrap().pipeline)
}

/// Every object, in the order in which they are applied.
fn objects(resources: Resources) -> Vec<Value> {
    let Resources {
        service_accounts,
        generated_secrets,
        config_map,
        volume_claim,
        network_policies,
        migration,
        deployments,
        service,
        ingress,
        autoscalers,
        disruption_budgets,
    } = resources;
    let secrets = generated_secrets.into_iter().map(|secret| {
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": secret.metadata, "stringData": { secret.key: "generated" } })
    });
    let mut all = list(service_accounts);
    all.extend(secrets);
    all.extend(list([config_map]));
    all.extend(list(volume_claim));
    all.extend(list(network_policies));
    all.extend(list(migration));
    all.extend(list(deployments));
    all.extend(list([service]));
    all.extend(list(ingress));
    all.extend(list(autoscalers));
    all.extend(list(disruption_budgets));
    all
}

fn list<K: serde::Serialize>(objects: impl IntoIterator<Item = K>) -> Vec<Value> {
    (objects.into_iter())
        .map(|object| serde_json::to_value(object).unwrap())
        .collect()
}

fn assert_as_expected(name: &str) {
    let documents: Vec<String> = (objects(children(&sample(name))).iter())
        .map(|object| serde_yaml::to_string(object).unwrap())
        .collect();
    let built = documents.join("---\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/controller/build/expected")
        .join(name)
        .with_extension("yaml");
    if std::env::var_os("WRITE_GENERATED").is_some() {
        std::fs::write(&path, &built).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    for (built, expected) in built.lines().zip(expected.lines()) {
        assert_eq!(built, expected, "{}", path.display());
    }
    assert_eq!(built.len(), expected.len(), "{}", path.display());
}

#[test]
fn the_generated_file_of_the_minimal_sample_is_its_children() {
    assert_as_expected("minimal");
}

#[test]
fn the_generated_file_of_the_embedded_sample_is_its_children() {
    assert_as_expected("embedded");
}

#[test]
fn the_generated_file_of_the_sample_on_aws_is_its_children() {
    assert_as_expected("invoices-aws");
}

#[test]
fn the_generated_file_of_the_local_sample_is_its_children() {
    assert_as_expected("local");
}

#[test]
fn every_child_is_owned_labelled_and_fits_its_name() {
    let mut pipeline = sample("local");
    pipeline.metadata.name = Some("a".repeat(40));
    for object in objects(children(&pipeline)) {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().unwrap();
        assert!(name.len() <= 63, "{name}");
        assert!(name.starts_with(&"a".repeat(40)), "{name}");
        assert_eq!(metadata["ownerReferences"][0]["controller"], true, "{name}");
        let managed_by = &metadata["labels"]["app.kubernetes.io/managed-by"];
        assert_eq!(managed_by, "extraction-operator", "{name}");
    }
}

#[test]
fn another_image_changes_no_selector_and_no_pod_label() {
    let first = sample("local");
    let mut second = first.clone();
    second.spec.image = Some("localhost/extractor:0.2.0".to_owned());
    let pairs = children(&first)
        .deployments
        .into_iter()
        .zip(children(&second).deployments);
    for (first, second) in pairs {
        let (first, second) = (first.spec.unwrap(), second.spec.unwrap());
        assert_eq!(first.selector, second.selector);
        assert_eq!(first.template.metadata, second.template.metadata);
        assert_ne!(first.template.spec, second.template.spec);
    }
}

#[test]
fn another_image_is_another_migration() {
    let first = sample("local");
    let mut second = first.clone();
    second.spec.image = Some("localhost/extractor:0.2.0".to_owned());
    let name = |pipeline| children(pipeline).migration.unwrap().metadata.name;
    assert_eq!(name(&first), name(&first));
    assert_ne!(name(&first), name(&second));
}

#[test]
fn a_changed_setting_replaces_the_pods() {
    let first = sample("local");
    let mut second = first.clone();
    second.spec.retention.jobs_days = 7;
    let annotations = |pipeline| {
        let [api, _] = children(pipeline).deployments.try_into().unwrap();
        api.spec.unwrap().template.metadata.unwrap().annotations
    };
    assert_ne!(annotations(&first), annotations(&second));
}

#[test]
fn concurrency_leaves_the_api_alone() {
    let first = sample("local");
    let mut second = first.clone();
    second.spec.worker.concurrency = 4;
    let first = children(&first).deployments;
    let second = children(&second).deployments;
    assert_eq!(first[0], second[0]);
    assert_ne!(first[1], second[1]);
}

#[test]
fn a_pod_template_is_merged_by_name() {
    let mut pipeline = sample("local");
    pipeline.spec.worker.pod_template = serde_json::from_value(json!({
        "metadata": {
            "labels": { "team": "finance" },
            "annotations": { "sidecar": "yes" },
        },
        "spec": {
            "tolerations": [{ "key": "spot", "operator": "Exists" }],
            "terminationGracePeriodSeconds": 600,
            "volumes": [{ "name": "cache", "emptyDir": {} }],
            "containers": [
                {
                    "name": "worker",
                    "env": [{ "name": "EXTRACTION_LOG", "value": "debug" }],
                    "volumeMounts": [{ "name": "cache", "mountPath": "/cache" }],
                },
                { "name": "proxy", "image": "proxy:1" },
            ],
        },
    }))
    .unwrap();
    let plain = objects(children(&sample("local")));
    let merged = objects(children(&pipeline));
    let template = |objects: &[Value]| {
        let is_worker = |object: &&Value| {
            object["kind"] == "Deployment" && object["metadata"]["name"] == "local-worker"
        };
        objects.iter().find(is_worker).unwrap()["spec"]["template"].clone()
    };
    let (plain, merged) = (template(&plain), template(&merged));

    let mut expected = plain.clone();
    expected["metadata"]["labels"]["team"] = json!("finance");
    expected["metadata"]["annotations"]["sidecar"] = json!("yes");
    let spec = &mut expected["spec"];
    spec["tolerations"] = json!([{ "key": "spot", "operator": "Exists" }]);
    spec["terminationGracePeriodSeconds"] = json!(600);
    push(
        &mut spec["volumes"],
        json!({ "name": "cache", "emptyDir": {} }),
    );
    let worker = &mut spec["containers"][0];
    // Jobs in hand get the time that the pod has.
    let variables = worker["env"].as_array_mut().unwrap();
    let is_grace = |variable: &&mut Value| variable["name"] == "EXTRACTION_SHUTDOWN_GRACE_SECONDS";
    variables.iter_mut().find(is_grace).unwrap()["value"] = json!("590");
    push(
        &mut worker["env"],
        json!({ "name": "EXTRACTION_LOG", "value": "debug" }),
    );
    push(
        &mut worker["volumeMounts"],
        json!({ "name": "cache", "mountPath": "/cache" }),
    );
    push(
        &mut spec["containers"],
        json!({ "name": "proxy", "image": "proxy:1" }),
    );
    assert_eq!(merged, expected);
}

fn push(list: &mut Value, item: Value) {
    list.as_array_mut().unwrap().push(item);
}

#[test]
fn no_environment_variable_holds_a_secret() {
    for name in ["minimal", "embedded", "invoices-aws", "local"] {
        for object in objects(children(&sample(name))) {
            let text = object.to_string();
            assert!(!text.contains("secretKeyRef"), "{text}");
            assert!(
                object["kind"] != "ConfigMap" || !text.contains("postgres://"),
                "{text}"
            );
        }
    }
}

#[test]
fn settings_carry_names_of_the_contract() {
    let config_map = children(&sample("invoices-aws")).config_map;
    let expected = [
        ("EXTRACTION_AWS_REGION", "eu-west-1"),
        ("EXTRACTION_BUCKET", "acme-invoices"),
        ("EXTRACTION_DOCUMENT_TYPES", "Invoice,Receipt"),
        ("EXTRACTION_JOB_TIMEOUT_SECONDS", "300"),
        ("EXTRACTION_LOG", "info"),
        ("EXTRACTION_PUBLIC_URL", "https://invoices.example.com"),
        ("EXTRACTION_QUEUE_NAME", "invoices"),
        ("EXTRACTION_RETENTION_DAYS", "90"),
    ];
    let expected: BTreeMap<_, _> = expected
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    assert_eq!(config_map.data, Some(expected));
}
