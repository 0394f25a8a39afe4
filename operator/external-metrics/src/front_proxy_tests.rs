use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};

use super::*;

pub(super) struct Authority {
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

pub(super) fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority {
        pem,
        issuer: Issuer::new(params, key),
    }
}

pub(super) fn client(authority: &Authority, name: &str) -> Vec<CertificateDer<'static>> {
    certificate(authority, name, ExtendedKeyUsagePurpose::ClientAuth)
}

fn certificate(
    authority: &Authority,
    name: &str,
    usage: ExtendedKeyUsagePurpose,
) -> Vec<CertificateDer<'static>> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate().unwrap();
    vec![
        params
            .signed_by(&key, &authority.issuer)
            .unwrap()
            .der()
            .clone(),
    ]
}

pub(super) fn map(bundle: &str, names: Option<&str>) -> ConfigMap {
    let names = names.map(|names| ("requestheader-allowed-names", names));
    let pairs = [
        ("requestheader-client-ca-file", bundle),
        ("requestheader-username-headers", r#"["X-Remote-User"]"#),
        ("requestheader-group-headers", r#"["X-Remote-Group"]"#),
        (
            "requestheader-extra-headers-prefix",
            r#"["X-Remote-Extra-"]"#,
        ),
    ];
    let data = pairs
        .into_iter()
        .chain(names)
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    ConfigMap {
        data: Some(data.collect()),
        ..ConfigMap::default()
    }
}

fn now() -> UnixTime {
    UnixTime::now()
}

#[test]
fn a_certificate_of_any_authority_of_the_bundle_is_the_front_proxys() {
    let (old, new, foreign) = (authority("ca"), authority("ca"), authority("ca"));
    let proxy = FrontProxy::parse(&map(&[old.pem.as_str(), &new.pem].concat(), None)).unwrap();
    let signed_by = |authority: &Authority| {
        let peer = client(authority, "front-proxy-client");
        proxy.signed(&peer, now())
    };
    assert!(signed_by(&old) && signed_by(&new));
    assert!(!signed_by(&foreign));
    assert!(!proxy.signed(&[], now()));
}

#[test]
fn only_allowed_names_are_believed_and_an_empty_list_allows_any() {
    let ca = authority("ca");
    let peer = client(&ca, "proxy-a");
    for (names, expected) in [
        (None, true),
        (Some(""), true),
        (Some("[]"), true),
        (Some(r#"["proxy-b","proxy-a"]"#), true),
        (Some(r#"["proxy-b"]"#), false),
    ] {
        let proxy = FrontProxy::parse(&map(&ca.pem, names)).unwrap();
        assert_eq!(proxy.signed(&peer, now()), expected, "{names:?}");
    }
}

#[test]
fn a_certificate_that_is_over_or_made_for_servers_is_not_believed() {
    let ca = authority("ca");
    let proxy = FrontProxy::parse(&map(&ca.pem, None)).unwrap();
    let server = certificate(&ca, "a", ExtendedKeyUsagePurpose::ServerAuth);
    assert!(!proxy.signed(&server, now()));
    let peer = client(&ca, "a");
    // What rcgen makes ends in the year 4096.
    let late = UnixTime::since_unix_epoch(Duration::from_secs(70_000_000_000));
    assert!(!proxy.signed(&peer, late));
}

#[test]
fn a_config_map_without_an_authority_ends_all_trust() {
    let ca = authority("ca");
    let trust = Trust::default();
    assert!(trust.current().is_none());
    trust.replace(Some(&map(&ca.pem, None)));
    assert!(trust.current().is_some());
    for wrong in [
        map("", None),
        map("no PEM", None),
        map(&ca.pem, Some("front-proxy-client")),
    ] {
        trust.replace(Some(&map(&ca.pem, None)));
        trust.replace(Some(&wrong));
        assert!(trust.current().is_none());
    }
    trust.replace(Some(&map(&ca.pem, None)));
    trust.replace(None);
    assert!(trust.current().is_none());
}
