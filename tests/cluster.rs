//! Needs a cluster with both images on its node, and the services of `tests/cluster` beside it.

mod cluster_admission;
mod cluster_external_metrics;
mod cluster_faults;
mod cluster_fields;
mod cluster_install;
mod cluster_jobs_access;
mod cluster_jobs_documents;
mod cluster_jobs_faults;
mod cluster_jobs_outages;
mod cluster_operator_heal;
mod cluster_operator_input;
mod cluster_operator_life;
