//! The Service of the API.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::metadata::{self, Component};
use super::pod::API_PORT;
use crate::controller::validate::Pipeline;

/// Port of the Service; clients inside the cluster need not name it.
const PORT: i32 = 80;

/// Builds the Service in front of whichever pods serve the API. It has one name in both modes.
pub(super) fn build_service(pipeline: &Pipeline) -> Service {
    let component = Component::serving_api(&pipeline.mode);
    Service {
        metadata: metadata::of(pipeline, component, name(pipeline)),
        spec: Some(ServiceSpec {
            ports: Some(vec![ServicePort {
                name: Some(API_PORT.to_owned()),
                port: PORT,
                protocol: Some("TCP".to_owned()),
                target_port: Some(IntOrString::String(API_PORT.to_owned())),
                ..ServicePort::default()
            }]),
            selector: Some(metadata::selector_labels(pipeline, component)),
            type_: Some("ClusterIP".to_owned()),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// Name of the Service.
pub(super) fn name(pipeline: &Pipeline) -> String {
    metadata::child_name(pipeline, "api")
}
