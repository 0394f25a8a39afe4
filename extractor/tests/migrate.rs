//! `extractor migrate` without a database: needs nothing.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod migration;

use std::net::TcpListener;
use std::time::Duration;

use extraction_contract::database_reason::{UNREACHABLE, URL_MALFORMED};

const TOLD_WITHIN: Duration = Duration::from_secs(15);

#[test]
fn a_silent_database_is_told_within_seconds() {
    // The system takes the connection; nobody ever reads from it.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let told = migration::fails(&format!("postgres://u:hunter2@{address}/jobs"));
    assert_eq!(told.reason, UNREACHABLE);
    assert_eq!(told.migration, None);
    assert!(
        told.message.contains("no answer within 5 s"),
        "{}",
        told.message
    );
    assert!(told.message.contains("host and port"), "{}", told.message);
    assert!(!told.message.contains("hunter2"), "{}", told.message);
    assert!(told.took < TOLD_WITHIN, "{:?}", told.took);
}

#[test]
fn a_database_that_is_down_is_told_within_seconds_with_what_the_system_said() {
    // Port 9 of the loopback: nobody listens there.
    let told = migration::fails("postgres://u:hunter2@127.0.0.1:9/jobs");
    assert_eq!(told.reason, UNREACHABLE);
    assert!(told.message.contains("refused"), "{}", told.message);
    assert!(told.took < TOLD_WITHIN, "{:?}", told.took);
}

#[test]
fn a_url_that_cannot_work_is_told_at_once() {
    let told = migration::fails("postgres//u:hunter2@db/jobs");
    assert_eq!(told.reason, URL_MALFORMED);
    assert!(!told.message.contains("hunter2"), "{}", told.message);
    assert!(told.took < Duration::from_secs(5), "{:?}", told.took);
}
