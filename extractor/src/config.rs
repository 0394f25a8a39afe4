//! Settings from the command line and the environment; names come from `extraction-contract`.

mod secret;

pub use secret::{Secret, SecretError, SecretFile};
