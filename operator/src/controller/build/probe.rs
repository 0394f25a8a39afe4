//! Probes of containers, against the health paths of the contract.

use extraction_contract::path;
use k8s_openapi::api::core::v1::{Container, HTTPGetAction, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::pod::METRICS_PORT;

/// Adds start-up and liveness probes on the port of metrics, which strangers can't fill with connections, and a
/// readiness probe on the named port.
///
/// Start-up is asked every second, so that a pod is ready soon after it can be. Liveness is patient: on a node
/// without free CPU a busy worker is slow, not dead.
pub(super) fn add_probes(container: &mut Container, serving_port: &str) {
    container.startup_probe = Some(Probe {
        period_seconds: Some(1),
        timeout_seconds: Some(3),
        failure_threshold: Some(120),
        ..get(METRICS_PORT, path::HEALTH_LIVE)
    });
    container.liveness_probe = Some(Probe {
        period_seconds: Some(10),
        timeout_seconds: Some(5),
        failure_threshold: Some(6),
        ..get(METRICS_PORT, path::HEALTH_LIVE)
    });
    container.readiness_probe = Some(Probe {
        period_seconds: Some(5),
        timeout_seconds: Some(3),
        failure_threshold: Some(2),
        ..get(serving_port, path::HEALTH_READY)
    });
}

fn get(port: &str, path: &str) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(port.to_owned()),
            ..HTTPGetAction::default()
        }),
        ..Probe::default()
    }
}
