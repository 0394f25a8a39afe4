use serde_json::{Value, json};

use super::*;

fn pod(component: &str, status: Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": {
            "name": "p",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": { COMPONENT_LABEL: component },
        },
        "status": status,
    }))
    .unwrap()
}

fn container(state: Value, last: Value, ready: bool, restarts: i32) -> Value {
    json!({ "containerStatuses": [{
        "name": "api", "image": "extractor:1", "imageID": "", "ready": ready, "restartCount": restarts,
        "state": state, "lastState": last,
    }] })
}

fn reasons(pods: &[Pod]) -> Vec<&'static str> {
    summary(pods)
        .problems
        .iter()
        .map(|problem| problem.reason)
        .collect()
}

#[test]
fn both_phases_of_a_failing_pull_read_the_same() {
    let waiting = |reason| {
        pod(
            "api",
            container(
                json!({ "waiting": { "reason": reason } }),
                json!({}),
                false,
                0,
            ),
        )
    };
    assert_eq!(
        summary(&[waiting("ErrImagePull")]),
        summary(&[waiting("ImagePullBackOff")])
    );
    assert_eq!(reasons(&[waiting("ErrImagePull")]), ["ImagePullBackOff"]);
}

#[test]
fn every_phase_of_a_crash_loop_reads_the_same() {
    let ended = json!({ "terminated": { "exitCode": 2, "reason": "Error" } });
    let waiting = pod(
        "api",
        container(
            json!({ "waiting": { "reason": "CrashLoopBackOff" } }),
            ended.clone(),
            false,
            3,
        ),
    );
    let running = pod(
        "api",
        container(json!({ "running": {} }), ended.clone(), false, 3),
    );
    let between = pod("api", container(ended, json!({}), false, 3));
    assert_eq!(
        reasons(std::slice::from_ref(&waiting)),
        ["CrashLoopBackOff"]
    );
    assert_eq!(summary(std::slice::from_ref(&waiting)), summary(&[running]));
    assert_eq!(summary(&[waiting]), summary(&[between]));
}

#[test]
fn a_container_that_recovered_is_no_problem() {
    let ended = json!({ "terminated": { "exitCode": 2 } });
    assert!(
        reasons(&[pod(
            "api",
            container(json!({ "running": {} }), ended, true, 3)
        )])
        .is_empty()
    );
}

#[test]
fn a_pod_without_a_node_says_what_the_scheduler_says() {
    let status = json!({ "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu.",
    }] });
    let problems = summary(&[pod("worker", status)]).problems;
    assert_eq!(problems[0].reason, "Unschedulable");
    assert!(problems[0].message.contains("Insufficient cpu"));
}

#[test]
fn the_termination_message_of_a_failed_migration_is_read() {
    let line = r#"{"reason":"MigrationFailed","migration":"0002_add_outbox","message":"permission denied for schema public"}"#;
    let state = json!({ "terminated": { "exitCode": 1, "message": line } });
    let report = summary(&[pod("migrate", container(state, json!({}), false, 0))]).migration_report;
    assert_eq!(
        report,
        Some(MigrationReport {
            reason: "MigrationFailed".to_owned(),
            migration: Some("0002_add_outbox".to_owned()),
            message: "permission denied for schema public".to_owned(),
        })
    );
}

#[test]
fn a_pod_without_a_volume_is_told_to_look_at_the_storage_class() {
    let status = json!({ "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
    }] });
    let problems = summary(&[pod("serve", status)]).problems;
    assert!(problems[0].message.contains("storage.storageClassName"));
    assert!(!problems[0].message.contains("resources.requests"));
}

#[test]
fn an_image_without_the_program_is_told_by_the_container_runtime() {
    let ended = json!({ "terminated": {
        "exitCode": 128, "reason": "StartError", "message": "exec: \"migrate\": executable file not found in $PATH",
    } });
    let looping = container(
        json!({ "waiting": { "reason": "CrashLoopBackOff" } }),
        ended.clone(),
        false,
        1,
    );
    let problems = summary(&[pod("api", looping)]).problems;
    assert_eq!(problems[0].reason, "CreateContainerError");
    assert!(problems[0].message.contains("executable file not found"));
    let migration = pod("migrate", container(ended, json!({}), false, 0));
    let report = summary(&[migration]).migration_report.unwrap();
    assert_eq!(report.reason, "CreateContainerError");
    assert!(report.message.contains("executable file not found"));
}

#[test]
fn only_running_pods_are_asked_for_dependencies() {
    let running = |component| {
        pod(
            component,
            json!({ "phase": "Running", "podIP": "10.1.0.2" }),
        )
    };
    let address = vec![IpAddr::from([10, 1, 0, 2])];
    let pods = ["api", "worker", "migrate"].map(running);
    let expected = Addresses {
        api: address.clone(),
        workers: address,
    };
    assert_eq!(summary(&pods).addresses, expected);
    let pending = pod("api", json!({ "phase": "Pending" }));
    assert_eq!(summary(&[pending]).addresses, Addresses::default());
}
