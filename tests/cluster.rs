//! Needs a cluster with both images on its node, and the services of `tests/cluster` beside it.
//! Those of `cluster_alone_*` stop what the others need: they run one after the other, when the others have ended.

mod cluster_admission;
mod cluster_alone_faults;
mod cluster_alone_manifest;
mod cluster_alone_outages;
mod cluster_alone_replicas;
mod cluster_alone_rest;
mod cluster_deletion;
mod cluster_external_metrics;
mod cluster_fields;
mod cluster_install;
mod cluster_jobs_access;
mod cluster_jobs_documents;
mod cluster_jobs_faults;
mod cluster_jobs_services;
mod cluster_operator_heal;
mod cluster_operator_input;
mod cluster_operator_life;
