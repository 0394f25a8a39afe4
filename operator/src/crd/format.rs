//! Rules for texts that must have a form. They are CEL and not `pattern`, since the API server answers those with the
//! bare regular expression.

use kube::core::Rule;

/// A DNS subdomain, as Secrets, StorageClasses and most other objects are named.
pub(super) fn object_name() -> Rule {
    Rule::new("self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')")
        .message("must be the name of an object: lower-case letters, digits, '.' and '-', with a letter or digit at both ends")
}

/// What clients put into their requests as `Host`.
pub(super) fn host_name() -> Rule {
    Rule::new(
        r"self.matches('^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$') && !self.matches('^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+$')",
    )
    .message("must be a host name in lower case, such as 'invoices.example.com', without scheme, port or path, and no IP address")
}

/// An image reference as container runtimes take it.
pub(super) fn image() -> Rule {
    Rule::new("self.matches('^([a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]{1,5})?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?$')")
        .message("must be an image, such as 'registry.example/extractor:0.1.0'")
}
