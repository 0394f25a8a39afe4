//! The answer to a read: an `ExternalMetricValueList`.

use std::time::SystemTime;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::discovery::{LIST_KIND, group_version};
use crate::provider::Sample;

/// The samples of `metric` as clients want them.
pub(crate) fn list(metric: &str, samples: Vec<Sample>) -> Value {
    let items: Vec<Value> = samples
        .into_iter()
        .map(|sample| item(metric, sample))
        .collect();
    json!({ "kind": LIST_KIND, "apiVersion": group_version(), "metadata": {}, "items": items })
}

fn item(metric: &str, sample: Sample) -> Value {
    let mut item = Map::from_iter([
        ("metricName".to_owned(), json!(metric)),
        ("metricLabels".to_owned(), json!(sample.labels)),
        ("timestamp".to_owned(), json!(time(sample.at))),
        ("value".to_owned(), json!(sample.value.to_string())),
    ]);
    if let Some(window) = sample.window {
        item.insert("window".to_owned(), json!(window.as_secs()));
    }
    Value::Object(item)
}

/// Whole seconds, as everywhere in Kubernetes; the epoch for a time that no calendar has.
fn time(at: SystemTime) -> String {
    let second = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .and_then(|since| Timestamp::from_second(since).ok());
    second.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::Quantity;

    #[test]
    fn a_sample_keeps_its_labels_value_and_time() {
        let sample = Sample {
            labels: BTreeMap::from([("queue".to_owned(), "invoices".to_owned())]),
            value: Quantity::milli(1500),
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_000_000_900),
            window: Some(Duration::from_secs(60)),
        };
        let expected = json!({
            "kind": "ExternalMetricValueList",
            "apiVersion": "external.metrics.k8s.io/v1beta1",
            "metadata": {},
            "items": [{
                "metricName": "depth",
                "metricLabels": { "queue": "invoices" },
                "timestamp": "2001-09-09T01:46:40Z",
                "value": "1500m",
                "window": 60,
            }],
        });
        assert_eq!(list("depth", vec![sample]), expected);
    }

    #[test]
    fn no_sample_is_an_empty_list_and_a_value_of_one_moment_has_no_window() {
        assert_eq!(list("depth", Vec::new())["items"], json!([]));
        let sample = Sample {
            labels: BTreeMap::new(),
            value: Quantity::whole(0),
            at: SystemTime::UNIX_EPOCH,
            window: None,
        };
        let item = &list("depth", vec![sample])["items"][0];
        assert!(item.get("window").is_none());
        assert_eq!(item["value"], "0");
    }
}
