//! Where the database of a pipeline that ran before is, as its children remember it: as much of it as the network
//! policies say anyway. With it the children can be built while the Secret with the URL is missing.

use std::net::IpAddr;

use crate::controller::observe::{DatabaseAddress, Observed};

/// Annotation of a child: `address:port`, without an address when the URL has the name of a host.
pub(in crate::controller) const DATABASE_ANNOTATION: &str = "extraction.dev/database";

/// The value of [`DATABASE_ANNOTATION`].
pub(in crate::controller) fn record(database: &DatabaseAddress) -> String {
    let address = database.host.trim_matches(['[', ']']);
    let address = address.parse::<IpAddr>().map_or("", |_| address);
    format!("{address}:{}", database.port)
}

/// What was recorded of the database; nothing before children were made.
pub(super) fn database(observed: &Observed) -> Option<DatabaseAddress> {
    let mut children = observed.children.0.values();
    children.find_map(|child| {
        let annotations = child.metadata.annotations.as_ref()?;
        let (host, port) = annotations.get(DATABASE_ANNOTATION)?.rsplit_once(':')?;
        Some(DatabaseAddress {
            host: host.to_owned(),
            port: port.parse().ok()?,
            name: String::new(),
        })
    })
}
