//! Where the database of a pipeline that ran before is, as its ConfigMap remembers it: as much of it as the network
//! policies say anyway. With it the children can be built while the Secret with the URL is missing.

use std::net::IpAddr;

use crate::controller::kinds::Kind;
use crate::controller::observe::{DatabaseAddress, Observed};

/// Annotation of the ConfigMap: `address:port`, without an address when the URL has the name of a host.
pub(in crate::controller) const DATABASE_ANNOTATION: &str = "extraction.dev/database";

/// The value of [`DATABASE_ANNOTATION`].
pub(in crate::controller) fn record(database: &DatabaseAddress) -> String {
    let address = database.host.trim_matches(['[', ']']);
    let address = address.parse::<IpAddr>().map_or("", |_| address);
    format!("{address}:{}", database.port)
}

/// What was recorded of the database of pipeline `name`; nothing before its children were made.
pub(super) fn database(name: &str, observed: &Observed) -> Option<DatabaseAddress> {
    let config_map = observed.children.get(Kind::ConfigMap, name)?;
    let record = config_map.metadata.annotations.as_ref()?;
    let (host, port) = record.get(DATABASE_ANNOTATION)?.rsplit_once(':')?;
    Some(DatabaseAddress {
        host: host.to_owned(),
        port: port.parse().ok()?,
        name: String::new(),
    })
}
