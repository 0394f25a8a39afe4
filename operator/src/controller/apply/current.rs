//! Whether a child is what it is to be, and what of it is held back.

use serde_json::Value;

use super::difference::covers;
use crate::controller::kinds::Kind;
use crate::controller::observe::Child;

/// Digest of the object as we last wanted it; tells that a member was taken back.
pub(super) const WANTED_ANNOTATION: &str = "extraction.dev/wanted";
/// Digest of an object whose template was held back, so that the next free apply writes it.
pub(super) const HELD_BACK: &str = "held-back";

/// Whether the child was last applied with this stamp.
pub(super) fn is_stamped(live: &Child, stamp: &str) -> bool {
    let annotations = live.metadata.annotations.as_ref();
    annotations.is_some_and(|all| all.get(WANTED_ANNOTATION).is_some_and(|last| last == stamp))
}

/// Whether writing `wanted`, whose digest is `stamp`, would change nothing.
pub(super) fn is_current(live: &Child, wanted: &Value, stamp: &str) -> bool {
    let is_held_back = stamp == HELD_BACK;
    let same_intent = is_held_back || is_stamped(live, stamp);
    let is_clean = is_held_back || !live.has_strangers;
    same_intent && is_clean && covers(&live.object, wanted)
}

/// Puts what is there in place of what would restart pods, or take from them what they reach.
pub(super) fn hold_back(kind: Kind, wanted: &mut Value, live: &Value) {
    let pointer = match kind {
        Kind::Deployment => "/spec/template",
        Kind::ConfigMap => "/data",
        Kind::NetworkPolicy => "/spec",
        _ => return,
    };
    if let (Some(wanted), Some(live)) = (wanted.pointer_mut(pointer), live.pointer(pointer)) {
        *wanted = live.clone();
    }
}

#[cfg(test)]
mod tests {
    use kube::api::ObjectMeta;
    use serde_json::json;

    use super::super::difference::digest;
    use super::*;

    fn live(stamp: &str, image: &str) -> Child {
        let annotations = [(WANTED_ANNOTATION.to_owned(), stamp.to_owned())].into();
        let metadata = ObjectMeta {
            annotations: Some(annotations),
            ..ObjectMeta::default()
        };
        Child {
            metadata,
            object: deployment(image, "a"),
            has_strangers: false,
        }
    }

    fn deployment(image: &str, label: &str) -> Value {
        json!({ "metadata": { "labels": { "l": label } }, "spec": { "template": { "image": image } } })
    }

    #[test]
    fn a_child_that_is_as_wanted_is_not_written() {
        let wanted = deployment("x:1", "a");
        assert!(is_current(
            &live(&digest(&wanted), "x:1"),
            &wanted,
            &digest(&wanted)
        ));
    }

    #[test]
    fn an_edit_by_hand_is_written_over() {
        let wanted = deployment("x:1", "a");
        assert!(!is_current(
            &live(&digest(&wanted), "x:2"),
            &wanted,
            &digest(&wanted)
        ));
    }

    #[test]
    fn a_member_taken_back_is_written_although_the_rest_is_the_same() {
        let wanted = deployment("x:1", "a");
        assert!(!is_current(
            &live("digest-of-more", "x:1"),
            &wanted,
            &digest(&wanted)
        ));
    }

    #[test]
    fn what_somebody_else_put_in_is_taken_out() {
        let wanted = deployment("x:1", "a");
        let mut disturbed = live(&digest(&wanted), "x:1");
        disturbed.has_strangers = true;
        assert!(!is_current(&disturbed, &wanted, &digest(&wanted)));
    }

    #[test]
    fn a_frozen_deployment_keeps_its_template_and_still_heals_the_rest() {
        let child = live("old", "x:1");
        let mut wanted = deployment("x:2", "a");
        hold_back(Kind::Deployment, &mut wanted, &child.object);
        assert_eq!(wanted, deployment("x:1", "a"));
        assert!(is_current(&child, &wanted, HELD_BACK));
        let mut relabelled = deployment("x:2", "b");
        hold_back(Kind::Deployment, &mut relabelled, &child.object);
        assert!(!is_current(&child, &relabelled, HELD_BACK));
    }

    #[test]
    fn a_held_policy_goes_on_letting_pods_reach_what_they_know() {
        let policy = |port: u16| json!({ "spec": { "egress": [{ "ports": [{ "port": port }] }] } });
        let mut wanted = policy(443);
        hold_back(Kind::NetworkPolicy, &mut wanted, &policy(4566));
        assert_eq!(wanted, policy(4566));
    }

    #[test]
    fn after_being_frozen_the_next_free_apply_writes() {
        let wanted = deployment("x:1", "a");
        assert!(!is_current(
            &live(HELD_BACK, "x:1"),
            &wanted,
            &digest(&wanted)
        ));
    }
}
