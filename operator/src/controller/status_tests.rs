use serde_json::{Value, json};

use super::*;
use crate::controller::observe::{
    Child, Children, Dependencies, Dependency, KeyState, MigrationReport, PodProblem, Sample,
    SecretState,
};

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn pipeline(spec: Value) -> ExtractionPipeline {
    serde_json::from_value(json!({
        "apiVersion": "extraction.dev/v1alpha1",
        "kind": "ExtractionPipeline",
        "metadata": { "name": "invoices", "namespace": "finance", "uid": "u", "generation": 2 },
        "spec": spec,
    }))
    .unwrap()
}

fn on_aws() -> ExtractionPipeline {
    pipeline(json!({
        "aws": { "region": "eu-west-1" },
        "queue": { "name": "invoices" },
        "storage": { "bucket": "acme-invoices" },
        "database": { "urlSecretRef": { "name": "invoices-db", "key": "url" } },
    }))
}

fn deployment(name: &str, status: Value) -> ((Kind, String), Child) {
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "generation": 1 },
        "spec": { "replicas": 2, "selector": {}, "template": {} },
        "status": status,
    });
    (
        (Kind::Deployment, name.to_owned()),
        Child {
            metadata: Default::default(),
            object,
            has_strangers: false,
        },
    )
}

fn ready_pods() -> Value {
    json!({
        "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
        "conditions": [{ "type": "Available", "status": "True" }],
    })
}

fn no_pods() -> Value {
    json!({ "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "conditions": [{ "type": "Available", "status": "False" }] })
}

fn reachable() -> Dependency {
    Dependency {
        reachable: Some(true),
        reason: None,
        message: None,
    }
}

/// Everything answers and every pod is ready.
fn working() -> Observed {
    Observed {
        children: Children(
            [
                deployment("invoices-api", ready_pods()),
                deployment("invoices-worker", ready_pods()),
            ]
            .into(),
        ),
        dependencies: Sample::Known(Dependencies {
            queue: reachable(),
            storage: reachable(),
            database: reachable(),
        }),
        ..Observed::default()
    }
}

/// Conditions as `Type=Status Reason`.
fn lines(status: &ExtractionPipelineStatus) -> Vec<String> {
    let line = |condition: &Condition| {
        format!(
            "{}={} {}",
            condition.type_, condition.status, condition.reason
        )
    };
    status.conditions.iter().map(line).collect()
}

fn message(status: &ExtractionPipelineStatus, type_: ConditionType) -> String {
    find(&status.conditions, type_).unwrap().message.clone()
}

fn computed(
    pipeline: &ExtractionPipeline,
    observed: &Observed,
    outcome: Outcome,
) -> ExtractionPipelineStatus {
    status(pipeline, observed, &outcome, Some("extractor:1"), now())
}

#[test]
fn a_new_pipeline_has_every_condition_and_waits_for_its_migration() {
    let outcome = Outcome::Applied(Migration::Running { attempt: 0 });
    assert_eq!(
        lines(&computed(&on_aws(), &Observed::default(), outcome)),
        [
            "Ready=False Migrating",
            "DatabaseReachable=Unknown NoAnswer",
            "QueueReachable=Unknown NoAnswer",
            "StorageReachable=Unknown NoAnswer",
            "DatabaseMigrated=False Migrating",
            "ApiAvailable=False NotCreated",
            "WorkersAvailable=False NotCreated",
            "DataDurable=True ExternalServices",
        ]
    );
}

#[test]
fn a_working_pipeline_is_ready() {
    let status = computed(&on_aws(), &working(), Outcome::Applied(Migration::Done));
    assert_eq!(
        lines(&status),
        [
            "Ready=True Ready",
            "DatabaseReachable=True Reachable",
            "QueueReachable=True Reachable",
            "StorageReachable=True Reachable",
            "DatabaseMigrated=True Migrated",
            "ApiAvailable=True Available",
            "WorkersAvailable=True Available",
            "DataDurable=True ExternalServices",
        ]
    );
    assert_eq!(
        (status.api.as_deref(), status.workers.as_deref()),
        (Some("2/2"), Some("2/2"))
    );
    assert_eq!(
        (status.observed_generation, status.image.as_deref()),
        (Some(2), Some("extractor:1"))
    );
}

#[test]
fn a_pipeline_of_one_pod_is_ready_and_says_that_its_data_is_not_durable() {
    let observed = Observed {
        children: Children([deployment("invoices-serve", ready_pods())].into()),
        ..working()
    };
    assert_eq!(
        lines(&computed(
            &pipeline(json!({})),
            &observed,
            Outcome::Applied(Migration::NotNeeded)
        )),
        [
            "Ready=True Ready",
            "DatabaseReachable=True Reachable",
            "QueueReachable=True Reachable",
            "StorageReachable=True Reachable",
            "DatabaseMigrated=True Migrated",
            "ApiAvailable=True Available",
            "WorkersAvailable=True Available",
            "DataDurable=False TemporaryVolume",
        ]
    );
}

#[test]
fn a_migration_that_is_through_is_told_although_something_after_it_failed() {
    let mut pipeline = on_aws();
    let running = Outcome::Applied(Migration::Running { attempt: 0 });
    pipeline.status = Some(computed(&pipeline, &working(), running));
    let mut world = working();
    let job = |status: &str| Child {
        object: json!({ "status": { "conditions": [{ "type": "Complete", "status": status }] } }),
        ..Child::default()
    };
    let failed = || Outcome::Failed {
        reason: "ChildInvalid",
        message: "cannot apply".to_owned(),
        is_permanent: true,
    };
    let told = |status: &str, world: &mut Observed| {
        let name = (Kind::Job, "invoices-migrate-1".to_owned());
        world.children.0.insert(name, job(status));
        let status = computed(&pipeline, world, failed());
        lines(&status)[4].clone()
    };
    assert_eq!(
        told("False", &mut world),
        "DatabaseMigrated=False Migrating"
    );
    assert_eq!(told("True", &mut world), "DatabaseMigrated=True Migrated");
}

#[test]
fn every_problem_shows_in_its_condition_and_in_ready() {
    let problem = |condition, reason, message: &str| Problem {
        condition,
        reason,
        message: message.to_owned(),
        is_of_secret: true,
    };
    let outcome = Outcome::Invalid(vec![
        problem(
            ConditionType::DatabaseReachable,
            "SecretMissing",
            "no 'invoices-db'",
        ),
        problem(ConditionType::QueueReachable, "SecretKeyMissing", "no key"),
    ]);
    let status = computed(&on_aws(), &working(), outcome);
    assert_eq!(
        lines(&status)[..3],
        [
            "Ready=False SecretMissing",
            "DatabaseReachable=False SecretMissing",
            "QueueReachable=False SecretKeyMissing"
        ]
    );
    assert_eq!(
        message(&status, ConditionType::Ready),
        "no 'invoices-db'; no key"
    );
}

#[test]
fn a_denied_queue_is_the_reason_of_ready_in_the_words_of_the_pod() {
    let denied = Dependency {
        reachable: Some(false),
        reason: Some("AccessDenied".to_owned()),
        message: Some("sqs:GetQueueAttributes denied: add it to the role's policy".to_owned()),
    };
    let dependencies = Dependencies {
        queue: denied,
        storage: reachable(),
        database: reachable(),
    };
    let observed = Observed {
        dependencies: Sample::Known(dependencies),
        ..working()
    };
    let status = computed(&on_aws(), &observed, Outcome::Applied(Migration::Done));
    assert_eq!(lines(&status)[0], "Ready=False AccessDenied");
    assert_eq!(
        message(&status, ConditionType::Ready),
        "sqs:GetQueueAttributes denied: add it to the role's policy"
    );
}

#[test]
fn a_failed_migration_names_itself_and_the_old_pods_stay_available() {
    let mut observed = working();
    observed.pods.migration_report = Some(MigrationReport {
        reason: "MigrationFailed".to_owned(),
        migration: Some("0002_add_outbox".to_owned()),
        message: "permission denied".to_owned(),
    });
    let outcome = Outcome::Applied(Migration::Failed {
        retry_in: std::time::Duration::from_secs(9),
    });
    let status = computed(&on_aws(), &observed, outcome);
    assert_eq!(lines(&status)[0], "Ready=False MigrationFailed");
    assert_eq!(
        lines(&status)[4..6],
        [
            "DatabaseMigrated=False MigrationFailed",
            "ApiAvailable=True Available"
        ]
    );
    assert!(
        message(&status, ConditionType::DatabaseMigrated)
            .starts_with("migration '0002_add_outbox' failed: permission denied")
    );
}

#[test]
fn a_database_that_lets_nobody_in_is_told_by_the_migration_before_an_api_pod_runs() {
    let mut observed = Observed {
        dependencies: Sample::Silent,
        ..Observed::default()
    };
    let reason = "DatabaseAuthenticationFailed";
    observed.pods.migration_report = Some(MigrationReport {
        reason: reason.to_owned(),
        migration: None,
        message: "the password is wrong".to_owned(),
    });
    let running = |attempt| Outcome::Applied(Migration::Running { attempt });
    let mut pipeline = on_aws();
    let status = computed(&pipeline, &observed, running(0));
    let expected = [
        format!("Ready=False {reason}"),
        format!("DatabaseReachable=False {reason}"),
    ];
    assert_eq!(lines(&status)[..2], expected);
    assert_eq!(
        message(&status, ConditionType::Ready),
        "the password is wrong"
    );

    // The next attempt has begun and its pod has said nothing yet.
    observed.pods.migration_report = None;
    pipeline.status = Some(status);
    assert_eq!(
        lines(&computed(&pipeline, &observed, running(1)))[..2],
        expected
    );
    let done = computed(&pipeline, &observed, Outcome::Applied(Migration::Done));
    assert_eq!(lines(&done)[1], "DatabaseReachable=Unknown NoAnswer");
}

#[test]
fn a_generated_secret_without_its_value_is_named_and_a_missing_one_is_no_problem() {
    let ready_with = |state: SecretState| {
        let observed = Observed {
            generated: [("invoices-admin-key".to_owned(), state)].into(),
            ..working()
        };
        let status = computed(&on_aws(), &observed, Outcome::Applied(Migration::Done));
        let words = message(&status, ConditionType::Ready);
        (lines(&status)[0].clone(), words)
    };
    let present = |is_empty: Option<bool>| {
        let key = |is_empty| {
            let database = Err("it is no URL");
            ("api-key".to_owned(), KeyState { is_empty, database })
        };
        SecretState::Present {
            uid: "s".to_owned(),
            resource_version: "1".to_owned(),
            keys: is_empty.into_iter().map(key).collect(),
        }
    };
    let (ready, words) = ready_with(present(Some(true)));
    assert_eq!(ready, "Ready=False SecretKeyEmpty");
    assert_eq!(
        words,
        "key 'api-key' of Secret 'invoices-admin-key' is empty: give it a value, or delete the Secret to have another one made: kubectl delete secret invoices-admin-key"
    );
    assert_eq!(ready_with(present(None)).0, "Ready=False SecretKeyMissing");
    assert_eq!(ready_with(present(Some(false))).0, "Ready=True Ready");
    assert_eq!(ready_with(SecretState::Missing).0, "Ready=True Ready");
}

#[test]
fn nothing_is_ready_before_somebody_has_reached_what_it_stands_on() {
    let untried = Dependency::default();
    let observed = Observed {
        dependencies: Sample::Known(Dependencies {
            queue: untried,
            storage: reachable(),
            database: reachable(),
        }),
        ..working()
    };
    let mut pipeline = on_aws();
    let done = || Outcome::Applied(Migration::Done);
    let first = lines(&computed(&pipeline, &observed, done()));
    assert_eq!(first[0], "Ready=Unknown NotUsedYet");
    assert_eq!(first[2], "QueueReachable=Unknown NotUsedYet");

    // A pod that starts anew takes nothing back, unless the spec is another.
    pipeline.status = Some(computed(&pipeline, &working(), done()));
    assert_eq!(
        lines(&computed(&pipeline, &observed, done()))[0],
        "Ready=True Ready"
    );
    pipeline.metadata.generation = Some(3);
    let changed = lines(&computed(&pipeline, &observed, done()));
    assert_eq!(changed[0], "Ready=Unknown NotUsedYet");
}

#[test]
fn data_is_durable_once_the_volume_is_there() {
    let pipeline = pipeline(json!({ "storage": { "storageClassName": "fast" } }));
    let durable_with = |phase: &str| {
        let object = json!({ "status": { "phase": phase } });
        let claim = Child {
            metadata: Default::default(),
            object,
            has_strangers: false,
        };
        let name = "invoices-data".to_owned();
        let observed = Observed {
            children: Children([((Kind::PersistentVolumeClaim, name), claim)].into()),
            ..Observed::default()
        };
        let outcome = Outcome::Applied(Migration::NotNeeded);
        lines(&computed(&pipeline, &observed, outcome))[7].clone()
    };
    assert_eq!(durable_with("Pending"), "DataDurable=Unknown NoVolumeYet");
    assert_eq!(durable_with("Bound"), "DataDurable=True PersistentVolume");
}

fn with_problem(status: Value, component: &str, reason: &'static str) -> Observed {
    let mut observed = working();
    observed
        .children
        .0
        .extend([deployment("invoices-api", status)]);
    let problem = PodProblem {
        rank: 0,
        component: component.to_owned(),
        reason,
        message: "because".to_owned(),
    };
    observed.pods.problems = vec![problem];
    observed
}

#[test]
fn an_image_that_cannot_be_pulled_is_the_reason_of_ready() {
    let observed = with_problem(no_pods(), "api", "ImagePullBackOff");
    let status = computed(&on_aws(), &observed, Outcome::Applied(Migration::Done));
    assert_eq!(lines(&status)[0], "Ready=False ImagePullBackOff");
    assert_eq!(lines(&status)[5], "ApiAvailable=False ImagePullBackOff");
}

#[test]
fn a_new_version_that_does_not_start_shows_in_ready_while_the_old_one_serves() {
    let half = json!({
        "observedGeneration": 1, "replicas": 3, "updatedReplicas": 1, "readyReplicas": 2,
        "conditions": [{ "type": "Available", "status": "True" }],
    });
    let observed = with_problem(half, "api", "CrashLoopBackOff");
    let status = computed(&on_aws(), &observed, Outcome::Applied(Migration::Done));
    assert_eq!(lines(&status)[0], "Ready=False CrashLoopBackOff");
    assert_eq!(lines(&status)[5], "ApiAvailable=True Available");
}

#[test]
fn a_pipeline_stays_ready_while_an_autoscaler_waits_for_more_pods() {
    let growing = json!({
        "observedGeneration": 1, "replicas": 6, "updatedReplicas": 6, "readyReplicas": 3,
        "conditions": [{ "type": "Available", "status": "False" }],
    });
    let mut observed = working();
    observed
        .children
        .0
        .extend([deployment("invoices-api", growing)]);
    let status = computed(&on_aws(), &observed, Outcome::Applied(Migration::Done));
    assert_eq!(lines(&status)[0], "Ready=True Ready");
    assert_eq!(lines(&status)[5], "ApiAvailable=True PartlyAvailable");
}

#[test]
fn pods_that_a_quota_refuses_say_so() {
    let refused = json!({ "observedGeneration": 1, "conditions": [
        { "type": "Available", "status": "False" },
        { "type": "ReplicaFailure", "status": "True", "message": "exceeded quota" },
    ] });
    let mut observed = working();
    observed
        .children
        .0
        .extend([deployment("invoices-api", refused)]);
    let status = computed(&on_aws(), &observed, Outcome::Applied(Migration::Done));
    assert_eq!(lines(&status)[0], "Ready=False PodsRefused");
    assert!(message(&status, ConditionType::Ready).contains("exceeded quota"));
}

#[test]
fn a_child_that_cannot_be_made_is_the_reason_of_ready_only_if_somebody_must_act() {
    let failed = |is_permanent| Outcome::Failed {
        reason: "NameTaken",
        message: "m".to_owned(),
        is_permanent,
    };
    let mut before = on_aws();
    before.status = Some(computed(
        &before,
        &working(),
        Outcome::Applied(Migration::Done),
    ));
    assert_eq!(
        lines(&computed(&before, &working(), failed(true)))[0],
        "Ready=False NameTaken"
    );
    assert_eq!(
        lines(&computed(&before, &working(), failed(false)))[0],
        "Ready=True Ready"
    );
}

#[test]
fn the_same_world_gives_the_same_bytes_and_times_change_with_the_status_of_a_condition_only() {
    let mut pipeline = on_aws();
    let first = computed(&pipeline, &working(), Outcome::Applied(Migration::Done));
    pipeline.status = Some(first.clone());
    let later = now() + std::time::Duration::from_secs(60);
    let again = status(
        &pipeline,
        &working(),
        &Outcome::Applied(Migration::Done),
        Some("extractor:1"),
        later,
    );
    assert_eq!(first, again);

    let broken = with_problem(no_pods(), "api", "CrashLoopBackOff");
    let changed = status(
        &pipeline,
        &broken,
        &Outcome::Applied(Migration::Done),
        Some("extractor:1"),
        later,
    );
    let time = |type_| {
        find(&changed.conditions, type_)
            .unwrap()
            .last_transition_time
            .0
    };
    assert_eq!(time(ConditionType::Ready), later);
    assert_eq!(time(ConditionType::WorkersAvailable), now());
}

#[test]
fn a_restarted_operator_repeats_what_was_known_of_dependencies() {
    let mut pipeline = on_aws();
    pipeline.status = Some(computed(
        &pipeline,
        &working(),
        Outcome::Applied(Migration::Done),
    ));
    let observed = Observed {
        dependencies: Sample::NotAsked,
        ..working()
    };
    let again = computed(&pipeline, &observed, Outcome::Applied(Migration::Done));
    assert_eq!(pipeline.status, Some(again));
}

#[test]
fn a_suspended_pipeline_keeps_its_image_and_says_that_it_is_suspended() {
    let mut pipeline = on_aws();
    pipeline.status = Some(computed(
        &pipeline,
        &working(),
        Outcome::Applied(Migration::Done),
    ));
    pipeline.spec.suspend = Suspend::All;
    let suspended = status(&pipeline, &working(), &Outcome::Suspended, None, now());
    assert_eq!(lines(&suspended)[0], "Ready=True Suspended");
    assert_eq!(suspended.image.as_deref(), Some("extractor:1"));
}

#[test]
fn long_messages_are_cut_and_foreign_reasons_become_words() {
    assert_eq!(shortened("ä".repeat(2000)).chars().count(), 1025);
    assert_eq!(word("Access Denied!", "x"), "AccessDenied");
    assert_eq!(word("500", "Unreachable"), "Unreachable");
}
