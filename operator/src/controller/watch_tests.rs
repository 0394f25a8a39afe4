use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::core::PartialObjectMetaExt;

use super::*;

fn child(
    name: &str,
    version: &str,
    writers: &[(&str, Option<&str>)],
) -> PartialObjectMeta<DynamicObject> {
    let entry = |(manager, subresource): &(&str, Option<&str>)| ManagedFieldsEntry {
        manager: Some((*manager).to_owned()),
        subresource: subresource.map(str::to_owned),
        ..ManagedFieldsEntry::default()
    };
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some("finance".to_owned()),
        resource_version: Some(version.to_owned()),
        labels: Some([(INSTANCE_LABEL.to_owned(), "invoices".to_owned())].into()),
        managed_fields: Some(writers.iter().map(entry).collect()),
        ..ObjectMeta::default()
    }
    .into_response_partial()
}

fn names(requests: Vec<ReconcileRequest<Target>>) -> Vec<String> {
    requests
        .into_iter()
        .map(|request| request.obj_ref.name)
        .collect()
}

fn spec_changes(seen: &mut Seen, event: Event<PartialObjectMeta<DynamicObject>>) -> Vec<String> {
    names(seen.changes(event, spec_fingerprint, owner))
}

#[test]
fn a_new_child_wakes_its_pipeline() {
    let mut seen = Seen::default();
    assert_eq!(
        spec_changes(&mut seen, Event::Apply(child("a", "1", &[("us", None)]))),
        ["invoices"]
    );
}

#[test]
fn a_write_of_status_alone_wakes_nobody() {
    let mut seen = Seen::default();
    spec_changes(&mut seen, Event::Apply(child("a", "1", &[("us", None)])));
    let written = child(
        "a",
        "2",
        &[("us", None), ("kube-controller-manager", Some("status"))],
    );
    assert!(spec_changes(&mut seen, Event::Apply(written)).is_empty());
}

#[test]
fn an_edit_by_hand_wakes_the_pipeline() {
    let mut seen = Seen::default();
    spec_changes(&mut seen, Event::Apply(child("a", "1", &[("us", None)])));
    let edited = child("a", "2", &[("us", None), ("kubectl-edit", None)]);
    assert_eq!(spec_changes(&mut seen, Event::Apply(edited)), ["invoices"]);
}

#[test]
fn a_deletion_always_wakes_the_pipeline() {
    let mut seen = Seen::default();
    assert_eq!(
        spec_changes(&mut seen, Event::Delete(child("a", "1", &[]))),
        ["invoices"]
    );
}

#[test]
fn a_deletion_that_nobody_watched_is_noticed_by_the_next_list() {
    let mut seen = Seen::default();
    spec_changes(&mut seen, Event::Apply(child("a", "1", &[("us", None)])));
    assert!(spec_changes(&mut seen, Event::Init).is_empty());
    assert_eq!(spec_changes(&mut seen, Event::InitDone), ["invoices"]);
}

#[test]
fn a_new_list_without_changes_wakes_nobody() {
    let mut seen = Seen::default();
    let same = || child("a", "1", &[("us", None)]);
    spec_changes(&mut seen, Event::Apply(same()));
    spec_changes(&mut seen, Event::Init);
    assert!(spec_changes(&mut seen, Event::InitApply(same())).is_empty());
    assert!(spec_changes(&mut seen, Event::InitDone).is_empty());
}

#[test]
fn a_change_of_status_wakes_the_pipeline_where_status_matters() {
    let mut seen = Seen::default();
    seen.changes(
        Event::Apply(child("a", "1", &[])),
        version_fingerprint,
        owner,
    );
    let woken = seen.changes(
        Event::Apply(child("a", "2", &[])),
        version_fingerprint,
        owner,
    );
    assert_eq!(names(woken), ["invoices"]);
}
