//! Makes keys and certificates.

use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

use super::renewal::{Lifetimes, Step};
use super::{Error, Pair, Public, State};

/// What is needed to make certificates.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// DNS names by which API servers call us; the first is also the common name.
    pub(crate) leaf: Vec<String>,
}

impl Names {
    pub(crate) fn of_service(namespace: &str, name: &str) -> Self {
        Self {
            leaf: vec![
                format!("{name}.{namespace}.svc"),
                format!("{name}.{namespace}.svc.cluster.local"),
            ],
        }
    }
}

/// A state from nothing.
pub(crate) fn start(names: &Names, lifetimes: &Lifetimes, now: SystemTime) -> Result<State, Error> {
    let authority = authority(names, lifetimes, now)?;
    Ok(State {
        leaf: leaf(&authority, names, lifetimes, now)?,
        authority,
        next: None,
        previous: None,
    })
}

/// The state after `step`.
pub(crate) fn apply(
    step: Step,
    mut state: State,
    names: &Names,
    lifetimes: &Lifetimes,
    now: SystemTime,
) -> Result<State, Error> {
    match step {
        Step::Keep => {}
        Step::StartAnew => state = start(names, lifetimes, now)?,
        Step::IssueLeaf => state.leaf = leaf(&state.authority, names, lifetimes, now)?,
        Step::IntroduceAuthority => state.next = Some(authority(names, lifetimes, now)?),
        Step::ForgetPrevious => state.previous = None,
        Step::PromoteAuthority => {
            if let Some(next) = state.next.take() {
                let previous = std::mem::replace(&mut state.authority, next);
                state.previous = Some(previous.public);
                state.leaf = leaf(&state.authority, names, lifetimes, now)?;
            }
        }
    }
    Ok(state)
}

fn authority(names: &Names, lifetimes: &Lifetimes, now: SystemTime) -> Result<Pair, Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    // A name of its own, or clients that look authorities up by name would mix up the old and the new one.
    let made = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    params.distinguished_name = named(&format!("{} authority {made}", names.leaf[0]));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = (now - lifetimes.skew).into();
    params.not_after = (now + lifetimes.authority).into();
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(Pair {
        public: Public::parse("authority", &certificate.pem())?,
        key: key.serialize_pem(),
    })
}

fn leaf(
    authority: &Pair,
    names: &Names,
    lifetimes: &Lifetimes,
    now: SystemTime,
) -> Result<Pair, Error> {
    let mut signer = CertificateParams::new(Vec::new())?;
    let facts = &authority.public.facts;
    signer.distinguished_name = named(facts.common_name.as_deref().unwrap_or_default());
    let signer = Issuer::new(signer, KeyPair::from_pem(&authority.key)?);

    let mut params = CertificateParams::new(names.leaf.clone())?;
    // A common name has at most 64 characters; clients look at the names above.
    params.distinguished_name = named("external-metrics");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = (now - lifetimes.skew).into();
    params.not_after = (now + lifetimes.leaf).min(facts.not_after).into();
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &signer)?;
    Ok(Pair {
        public: Public::parse("leaf", &certificate.pem())?,
        key: key.serialize_pem(),
    })
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
