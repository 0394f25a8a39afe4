//! What others put into a child. Server-side apply leaves it there; but a child is what the pipeline says, so it is taken
//! out again. The API server's record of who wrote which field tells hands from admission webhooks: what these add to
//! what we write is on nobody's record, and stays, as do labels and annotations (by which tools restart pods).

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde_json::{Map, Value, json};

use super::apply::FIELD_MANAGER;
use super::kinds::Kind;

/// Members of a specification that other parts of Kubernetes choose, also when the record names a restored backup.
const CHOSEN_ELSEWHERE: [&str; 6] = [
    "f:replicas",
    "f:clusterIP",
    "f:clusterIPs",
    "f:ipFamilies",
    "f:ipFamilyPolicy",
    "f:ingressClassName",
];

/// A set of members in the form of the record: `f:name` is a member, `k:{..}` an element of a list by its keys, `v:..` one
/// by its value, and `.` the thing itself.
type Fields = Map<String, Value>;

/// What only others wrote into a child's specification.
#[derive(Debug, PartialEq)]
pub(super) struct Strangers {
    /// The members; an empty node stands for everything below it.
    fields: Fields,
    /// Who wrote them.
    pub(super) managers: Vec<String>,
}

impl Strangers {
    /// Which members they are.
    pub(super) fn members(&self) -> Value {
        Value::Object(self.fields.clone())
    }
}

/// What only others wrote below `spec`.
pub(super) fn of(kind: Kind, record: &[ManagedFieldsEntry]) -> Option<Strangers> {
    let is_strict = match kind {
        Kind::Deployment
        | Kind::Service
        | Kind::Ingress
        | Kind::HorizontalPodAutoscaler
        | Kind::NetworkPolicy
        | Kind::PodDisruptionBudget => true,
        // Other parts of Kubernetes write into the specification of these; a ConfigMap has none.
        Kind::ServiceAccount | Kind::PersistentVolumeClaim | Kind::Job | Kind::ConfigMap => false,
    };
    let api_version = kind.resource().api_version;
    let (mut ours, mut theirs) = (Fields::new(), Vec::new());
    for entry in record.iter().filter(|_| is_strict) {
        match (specification(entry, &api_version), &entry.manager) {
            (Some(spec), Some(manager)) if manager == FIELD_MANAGER => unite(&mut ours, spec),
            (Some(spec), manager) => theirs.push((manager, spec)),
            (None, _) => {}
        }
    }
    let mut all = Strangers {
        fields: Fields::new(),
        managers: Vec::new(),
    };
    for (manager, spec) in theirs {
        let fields = minus(&without_choices(spec), &ours);
        if !fields.is_empty() {
            unite(&mut all.fields, &fields);
            all.managers.extend(manager.clone());
        }
    }
    (!all.fields.is_empty()).then_some(all)
}

/// The record without what others wrote into the specification, but for their choices: what was taken out, or is a
/// default now, is nobody's.
pub(super) fn forgotten(kind: Kind, record: &[ManagedFieldsEntry]) -> Vec<ManagedFieldsEntry> {
    let api_version = kind.resource().api_version;
    let mut kept = record.to_vec();
    for entry in &mut kept {
        let is_ours = entry.manager.as_deref() == Some(FIELD_MANAGER);
        let Some(choices) = specification(entry, &api_version)
            .filter(|_| !is_ours)
            .map(choices)
        else {
            continue;
        };
        if let Some(Value::Object(fields)) = entry.fields_v1.as_mut().map(|fields| &mut fields.0) {
            fields.remove("f:spec");
            if !choices.is_empty() {
                fields.insert("f:spec".to_owned(), Value::Object(choices));
            }
        }
    }
    kept.retain(|entry| {
        entry
            .fields_v1
            .as_ref()
            .is_none_or(|fields| fields.0 != json!({}))
    });
    kept
}

/// What an entry says of the specification. Scale and status are subresources; another version has other members.
fn specification<'a>(entry: &'a ManagedFieldsEntry, api_version: &str) -> Option<&'a Fields> {
    let is_main = entry.subresource.is_none() && entry.api_version.as_deref() == Some(api_version);
    let fields = entry.fields_v1.as_ref().filter(|_| is_main)?;
    fields.0.get("f:spec")?.as_object()
}

/// What of a specification is for others to choose.
fn choices(spec: &Fields) -> Fields {
    let mut fields = spec.clone();
    fields.retain(|member, _| CHOSEN_ELSEWHERE.contains(&member.as_str()));
    let metadata = spec
        .get("f:template")
        .and_then(|template| template.get("f:metadata"));
    let metadata = metadata.map(|metadata| json!({ "f:metadata": metadata }));
    fields.extend(metadata.map(|template| ("f:template".to_owned(), template)));
    fields
}

fn without_choices(spec: &Fields) -> Fields {
    let mut fields = spec.clone();
    fields.retain(|member, _| !CHOSEN_ELSEWHERE.contains(&member.as_str()));
    if let Some(Value::Object(template)) = fields.get_mut("f:template") {
        template.remove("f:metadata");
    }
    fields
}

fn unite(all: &mut Fields, more: &Fields) {
    for (member, below) in more {
        match (all.get_mut(member), below) {
            (Some(Value::Object(all)), Value::Object(more)) => unite(all, more),
            _ => drop(all.insert(member.clone(), below.clone())),
        }
    }
}

fn minus(theirs: &Fields, ours: &Fields) -> Fields {
    let mut left = Fields::new();
    for (member, below) in theirs.iter().filter(|(member, _)| *member != ".") {
        let rest = match (below, ours.get(member)) {
            (Value::Object(theirs), Some(Value::Object(ours))) => {
                Some(minus(theirs, ours)).filter(|rest| !rest.is_empty())
            }
            _ => Some(Fields::new()),
        };
        left.extend(rest.map(|rest| (member.clone(), Value::Object(rest))));
    }
    left
}

/// The merge patch that takes `strangers` out of an object; nothing when it has none of them.
pub(super) fn removal(live: &Value, strangers: &Strangers) -> Option<Value> {
    let live = &live["spec"];
    let patch = merge_patch(live, &without(live, &strangers.fields))?;
    Some(json!({ "spec": patch }))
}

/// The merge patch that makes the specification of `live` that of `wanted`, but for what others choose.
pub(super) fn replacement(live: &Value, wanted: &Value) -> Option<Value> {
    let mut live = live["spec"].clone();
    if let Value::Object(members) = &mut live {
        members.retain(|member, _| !CHOSEN_ELSEWHERE.contains(&format!("f:{member}").as_str()));
    }
    merge_patch(&live, &wanted["spec"])
}

fn without(live: &Value, strangers: &Fields) -> Value {
    let kept = |below: Option<&Value>, value: &Value| match below.and_then(Value::as_object) {
        None => Some(value.clone()),
        Some(below) if below.is_empty() => None,
        Some(below) => Some(without(value, below)),
    };
    match live {
        Value::Object(members) => {
            let kept = members.iter().filter_map(|(name, value)| {
                let kept = kept(strangers.get(&format!("f:{name}")), value)?;
                Some((name.clone(), kept))
            });
            Value::Object(kept.collect())
        }
        Value::Array(items) => {
            let below = |item: &Value| {
                let mut all = strangers.iter();
                all.find(|(path, _)| is_at(path, item)).map(|found| found.1)
            };
            let kept = items.iter().filter_map(|item| kept(below(item), item));
            Value::Array(kept.collect())
        }
        leaf => leaf.clone(),
    }
}

/// Whether an element of a list is the one of this path.
fn is_at(path: &str, item: &Value) -> bool {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    match path.split_once(':') {
        Some(("v", value)) => parsed(value) == *item,
        Some(("k", keys)) => (parsed(keys).as_object())
            .is_some_and(|keys| keys.iter().all(|(key, value)| item[key] == *value)),
        _ => false,
    }
}

/// The JSON merge patch (RFC 7386) from one value to another; nothing when they are equal.
fn merge_patch(from: &Value, to: &Value) -> Option<Value> {
    let (Value::Object(from), Value::Object(to)) = (from, to) else {
        return (from != to).then(|| to.clone());
    };
    let changed = from.iter().filter_map(|(name, from)| {
        let change = match to.get(name) {
            None => Some(Value::Null),
            Some(to) => merge_patch(from, to),
        };
        Some((name.clone(), change?))
    });
    let added = to.iter().filter(|(name, _)| !from.contains_key(*name));
    let added = added.map(|(name, to)| (name.clone(), to.clone()));
    let patch: Fields = changed.chain(added).collect();
    (!patch.is_empty()).then_some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(entries: &[(&str, Option<&str>, Value)]) -> Vec<ManagedFieldsEntry> {
        let entries = entries.iter().map(|(manager, subresource, spec)| {
            json!({
                "manager": manager, "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
                "subresource": subresource, "fieldsV1": { "f:spec": spec },
            })
        });
        let entries: Result<_, _> = entries.map(serde_json::from_value).collect();
        entries.unwrap()
    }

    fn ours() -> (&'static str, Option<&'static str>, Value) {
        let container = json!({ ".": {}, "f:image": {}, "f:env": { ".": {}, "k:{\"name\":\"A\"}": { ".": {} } } });
        let pod = json!({ "f:containers": { "k:{\"name\":\"worker\"}": container } });
        (
            FIELD_MANAGER,
            None,
            json!({ "f:template": { "f:spec": pod } }),
        )
    }

    fn deployment(pod: Value) -> Value {
        json!({ "spec": { "replicas": 2, "template": { "spec": pod } } })
    }

    #[test]
    fn a_container_a_node_selector_and_a_variable_put_in_by_hand_are_taken_out() {
        let added = json!({
            "f:nodeSelector": { ".": {}, "f:disk": {} },
            "f:containers": {
                "k:{\"name\":\"mesh\"}": { ".": {}, "f:name": {}, "f:image": {} },
                "k:{\"name\":\"worker\"}": { "f:env": { "k:{\"name\":\"B\"}": { ".": {}, "f:name": {} } } },
            },
        });
        let by_hand = (
            "kubectl-edit",
            None,
            json!({ "f:template": { "f:spec": added } }),
        );
        let strangers = of(Kind::Deployment, &record(&[ours(), by_hand])).unwrap();
        let live = deployment(json!({
            "nodeSelector": { "disk": "fast" },
            "containers": [
                { "name": "worker", "image": "x:1", "env": [{ "name": "A" }, { "name": "B" }] },
                { "name": "mesh", "image": "y:1" },
            ],
        }));
        let left = json!([{ "name": "worker", "image": "x:1", "env": [{ "name": "A" }] }]);
        let pod = json!({ "nodeSelector": null, "containers": left });
        let expected = json!({ "spec": { "template": { "spec": pod } } });
        assert_eq!(removal(&live, &strangers), Some(expected));
    }

    #[test]
    fn replicas_annotations_of_pods_and_what_webhooks_added_stay() {
        let restarted = json!({ "f:metadata": { "f:annotations": { "f:restartedAt": {} } } });
        let by_hand = json!({ "f:replicas": {}, "f:template": restarted });
        let scaled = ("autoscaler", Some("scale"), json!({ "f:paused": {} }));
        let record = record(&[ours(), ("kubectl", None, by_hand), scaled]);
        assert_eq!(of(Kind::Deployment, &record), None);
    }

    #[test]
    fn what_we_wrote_too_is_ours() {
        let (_, _, spec) = ours();
        assert_eq!(
            of(Kind::Deployment, &record(&[ours(), ("velero", None, spec)])),
            None
        );
    }

    #[test]
    fn a_kind_whose_specification_others_fill_in_is_left_alone() {
        let mut written = record(&[("binder", None, json!({ "f:volumeName": {} }))]);
        written[0].api_version = Some("v1".to_owned());
        assert_eq!(of(Kind::PersistentVolumeClaim, &written), None);
        assert!(of(Kind::Service, &written).is_some());
    }

    #[test]
    fn a_replacement_takes_out_what_cannot_be_beside_ours_and_leaves_what_others_choose() {
        let live =
            json!({ "spec": { "minAvailable": 5, "selector": { "a": "b" }, "replicas": 3 } });
        let wanted = json!({ "spec": { "maxUnavailable": "20%", "selector": { "a": "b" } } });
        assert_eq!(
            replacement(&live, &wanted),
            Some(json!({ "minAvailable": null, "maxUnavailable": "20%" }))
        );
    }

    #[test]
    fn a_default_that_somebody_once_wrote_is_forgotten_by_the_record() {
        let by_hand = ("kubectl", None, json!({ "f:paused": {} }));
        let scaled = ("autoscaler", Some("scale"), json!({ "f:replicas": {} }));
        let template = json!({ "f:metadata": { "f:annotations": { "f:restartedAt": {} } } });
        let chosen = json!({ "f:replicas": {}, "f:template": template });
        let restarted = |more: Value| {
            let mut spec = chosen.clone();
            unite(spec.as_object_mut().unwrap(), more.as_object().unwrap());
            ("kubectl-rollout", None, spec)
        };
        let edited = restarted(json!({ "f:template": { "f:spec": { "f:nodeSelector": {} } } }));
        let before = record(&[ours(), by_hand, scaled.clone(), edited]);
        let strangers = of(Kind::Deployment, &before).unwrap();
        assert_eq!(strangers.managers, ["kubectl", "kubectl-rollout"]);
        assert_eq!(removal(&deployment(json!({})), &strangers), None);
        let after = forgotten(Kind::Deployment, &before);
        assert_eq!(after, record(&[ours(), scaled, restarted(json!({}))]));
    }
}
