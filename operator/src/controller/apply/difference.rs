//! Whether applying an object would change anything. The API server adds defaults and writes quantities its
//! own way, so what we want must be contained in what is there, not be equal to it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Members in which more than we want is a difference: the API server replaces them as a whole, or (the data of a
/// ConfigMap) pods read all of it.
const ATOMIC: [&str; 6] = [
    "data",
    "selector",
    "podSelector",
    "namespaceSelector",
    "labelSelector",
    "nodeSelector",
];
/// Members whose values are quantities.
const QUANTITIES: [&str; 5] = ["requests", "limits", "sizeLimit", "averageValue", "divisor"];
/// Members that tell the elements of a list apart, the first that all elements have.
const LIST_KEYS: [&str; 6] = [
    // Of two owners, one may have the name of the other.
    "uid",
    "mountPath",
    "name",
    "containerPort",
    "ip",
    "topologyKey",
];

/// A short digest of what an object is to be, the same for the same content. Its owners are left out: which Secrets are
/// among them changes with the Secrets.
pub(super) fn digest(object: &Value) -> String {
    let mut object = object.clone();
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("ownerReferences");
    }
    let mut hex = hex::encode(Sha256::digest(object.to_string()));
    hex.truncate(16);
    hex
}

/// Whether `live` has everything of `wanted`.
pub(super) fn covers(live: &Value, wanted: &Value) -> bool {
    covers_member("", live, wanted)
}

fn covers_member(name: &str, live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => covers_object(name, live, wanted),
        (Value::Array(live), Value::Array(wanted)) => covers_list(live, wanted),
        _ if QUANTITIES.contains(&name) => same_quantity(live, wanted),
        _ => live == wanted,
    }
}

fn covers_object(name: &str, live: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    let is_atomic = ATOMIC.contains(&name) || name == "matchLabels";
    if is_atomic && live.keys().any(|key| !wanted.contains_key(key)) {
        return false;
    }
    let holds_quantities = QUANTITIES.contains(&name);
    wanted.iter().all(|(key, wanted)| match live.get(key) {
        Some(live) if holds_quantities => same_quantity(live, wanted),
        Some(live) => covers_member(key, live, wanted),
        None => is_zero(wanted),
    })
}

/// Lists of things with names may hold more than we want (a sidecar put in by an admission webhook); others may not.
fn covers_list(live: &[Value], wanted: &[Value]) -> bool {
    let Some(key) = LIST_KEYS
        .into_iter()
        .find(|key| wanted.iter().all(|item| item.get(key).is_some()))
    else {
        return live.len() == wanted.len()
            && live
                .iter()
                .zip(wanted)
                .all(|(live, wanted)| covers(live, wanted));
    };
    if wanted.is_empty() {
        return live.is_empty();
    }
    let named: BTreeMap<String, &Value> = live
        .iter()
        .filter_map(|item| Some((item.get(key)?.to_string(), item)))
        .collect();
    wanted.iter().all(|item| {
        let name = item.get(key).map(Value::to_string).unwrap_or_default();
        named.get(&name).is_some_and(|live| covers(live, item))
    })
}

/// The API server drops members that say nothing.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_zero),
    }
}

fn same_quantity(live: &Value, wanted: &Value) -> bool {
    live == wanted || quantity(live).is_some_and(|live| quantity(wanted) == Some(live))
}

/// A quantity in thousandths.
fn quantity(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let unit_at = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 3 {
        return None;
    }
    let thousandths: i128 = format!("{whole}{fraction:0<3}").parse().ok()?;
    let factor: i128 = match unit {
        "" => 1,
        "m" => return (thousandths % 1000 == 0).then_some(thousandths / 1000),
        "k" => 1000,
        "M" => 1000i128.pow(2),
        "G" => 1000i128.pow(3),
        "T" => 1000i128.pow(4),
        "Ki" => 1024,
        "Mi" => 1024i128.pow(2),
        "Gi" => 1024i128.pow(3),
        "Ti" => 1024i128.pow(4),
        _ => return None,
    };
    thousandths.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_added_by_the_api_server_are_no_difference() {
        let wanted = json!({ "spec": { "containers": [{ "name": "api", "image": "x:1" }] } });
        let live = json!({ "spec": {
            "dnsPolicy": "ClusterFirst",
            "containers": [{ "name": "api", "image": "x:1", "terminationMessagePolicy": "File" }],
        } });
        assert!(covers(&live, &wanted));
    }

    #[test]
    fn a_changed_a_missing_and_a_shorter_value_are_differences() {
        let wanted = json!({ "data": { "a": "1", "b": "2" }, "args": ["x", "y"] });
        assert!(!covers(
            &json!({ "data": { "a": "1", "b": "3" }, "args": ["x", "y"] }),
            &wanted
        ));
        assert!(!covers(
            &json!({ "data": { "a": "1" }, "args": ["x", "y"] }),
            &wanted
        ));
        assert!(!covers(
            &json!({ "data": { "a": "1", "b": "2" }, "args": ["x"] }),
            &wanted
        ));
    }

    #[test]
    fn quantities_are_compared_by_value_and_only_where_they_are_quantities() {
        let limits =
            |cpu: &str, memory: &str| json!({ "limits": { "cpu": cpu, "memory": memory } });
        assert!(covers(&limits("1", "1Gi"), &limits("1000m", "1024Mi")));
        assert!(!covers(&limits("1", "1Gi"), &limits("1", "1G")));
        assert!(!covers(
            &json!({ "data": { "a": "1" } }),
            &json!({ "data": { "a": "1000m" } })
        ));
        assert!(covers(
            &json!({ "sizeLimit": "1Gi" }),
            &json!({ "sizeLimit": "1024Mi" })
        ));
        assert!(covers(
            &json!({ "limits": { "cpu": "1500m" } }),
            &json!({ "limits": { "cpu": "1.5" } })
        ));
    }

    #[test]
    fn a_sidecar_that_the_api_server_added_is_no_difference() {
        let wanted = json!([{ "name": "api" }]);
        assert!(covers(
            &json!([{ "name": "mesh" }, { "name": "api" }]),
            &wanted
        ));
        assert!(!covers(&json!([{ "name": "mesh" }]), &wanted));
    }

    #[test]
    fn owners_of_one_name_are_told_apart() {
        let owners = json!([
            { "uid": "1", "name": "invoices", "kind": "ExtractionPipeline" },
            { "uid": "2", "name": "invoices", "kind": "Secret" },
        ]);
        assert!(covers(&owners, &owners));
    }

    #[test]
    fn a_widened_selector_or_rule_is_a_difference() {
        let wanted =
            json!({ "podSelector": { "matchLabels": { "a": "1" } }, "ingress": [{ "from": [] }] });
        let narrowed = json!({ "podSelector": { "matchLabels": { "a": "1", "b": "2" } }, "ingress": [{ "from": [] }] });
        let widened = json!({ "podSelector": { "matchLabels": { "a": "1" } }, "ingress": [{ "from": [] }, {}] });
        assert!(!covers(&narrowed, &wanted));
        assert!(!covers(&widened, &wanted));
    }

    #[test]
    fn members_that_say_nothing_may_be_dropped_by_the_api_server() {
        let wanted = json!({ "env": [{ "name": "A", "value": "" }], "hostNetwork": false, "x": {}, "y": [] });
        assert!(covers(&json!({ "env": [{ "name": "A" }] }), &wanted));
    }

    #[test]
    fn the_digest_is_that_of_the_content() {
        assert_eq!(
            digest(&json!({ "a": 1, "b": 2 })),
            digest(&json!({ "b": 2, "a": 1 }))
        );
        assert_ne!(digest(&json!({ "a": 1 })), digest(&json!({ "a": 2 })));
        let owned = |owner: &str| json!({ "metadata": { "ownerReferences": [{ "uid": owner }] } });
        assert_eq!(digest(&owned("a")), digest(&owned("b")));
    }
}
