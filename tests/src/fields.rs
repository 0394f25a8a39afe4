//! The table `tests/fields.yaml`: every member of the spec that can be edited, where it shows, and the specs that edit it.

use serde::Deserialize;
use serde_json::{Map, Value};

/// One member of the spec.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its path, with dots.
    pub field: String,
    /// `cluster` or `embedded`: the sample to begin with.
    pub base: String,
    /// What it is set to, one after the other.
    pub values: Vec<Value>,
    /// Kind of the child in which it shows.
    pub child: String,
    /// Members that it needs beside it.
    #[serde(default)]
    pub with: Map<String, Value>,
    without: Option<String>,
    unset: Option<String>,
    #[serde(default)]
    required: bool,
    /// Whether it stays as a pipeline was made with.
    #[serde(default)]
    pub immutable: bool,
}

/// The whole table.
///
/// # Panics
/// When the table has a member that [`Field`] has not.
#[must_use]
pub fn all() -> Vec<Field> {
    serde_yaml::from_str(include_str!("../fields.yaml")).expect("the table has known members only")
}

impl Field {
    /// Specs that differ from each other in this field only: without it (or as the sample has it, where it can't
    /// be missing), then with each of its values.
    #[must_use]
    pub fn specs(&self, sample: &Value) -> Vec<Value> {
        let mut spec = sample.clone();
        for (path, value) in &self.with {
            set(&mut spec, path, value.clone());
        }
        if let Some(path) = &self.without {
            remove(&mut spec, path);
        }
        if !self.required {
            remove(&mut spec, self.unset.as_ref().unwrap_or(&self.field));
        }
        let mut specs = vec![spec.clone()];
        for value in &self.values {
            set(&mut spec, &self.field, value.clone());
            specs.push(spec.clone());
        }
        specs
    }

    /// Whether the first spec may follow the last: the field is neither required nor kept for ever.
    #[must_use]
    pub fn may_be_unset(&self) -> bool {
        !self.required && !self.immutable
    }
}

fn set(spec: &mut Value, path: &str, value: Value) {
    let mut place = spec;
    for name in path.split('.') {
        place = &mut place[name];
    }
    *place = value;
}

/// Takes the member out, and what is empty without it.
fn remove(spec: &mut Value, path: &str) {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = Some(&mut *spec);
    for part in parent.split('.').filter(|part| !part.is_empty()) {
        place = place.and_then(|place| place.get_mut(part));
    }
    let Some(members) = place.and_then(Value::as_object_mut) else {
        return;
    };
    members.remove(name);
    if members.is_empty() && !parent.is_empty() {
        remove(spec, parent);
    }
}
