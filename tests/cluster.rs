//! Needs a cluster with both images on its node, and the services of `tests/cluster` beside it.

mod cluster_admission;
mod cluster_install;
