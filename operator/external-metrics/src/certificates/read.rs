//! Reads the few facts of a certificate that nobody else tells us. Checks nothing: verification is the TLS library's.

use std::time::SystemTime;

use yasna::models::{GeneralizedTime, ObjectIdentifier, UTCTime};
use yasna::tags::{TAG_BMPSTRING, TAG_GENERALIZEDTIME, TAG_UTCTIME};
use yasna::{ASN1Result, BERReader, Tag};

/// Facts of an X.509 certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The last common name of the subject.
    pub(crate) common_name: Option<String>,
    /// Begin of the validity.
    pub(crate) not_before: SystemTime,
    /// End of the validity.
    pub(crate) not_after: SystemTime,
}

impl Certificate {
    /// `None` when the bytes are no certificate.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        yasna::parse_der(der, |certificate| {
            certificate.read_sequence(|parts| {
                let facts = parts.next().read_sequence(to_be_signed)?;
                parts.next().read_der()?;
                parts.next().read_der()?;
                Ok(facts)
            })
        })
        .ok()
    }
}

fn to_be_signed(parts: &mut yasna::BERReaderSeq<'_, '_>) -> ASN1Result<Certificate> {
    let version = Tag::context(0);
    parts.read_optional(|reader| reader.read_tagged(version, |version| version.read_u8()))?;
    let (_serial, _algorithm, _issuer) = (
        parts.next().read_der()?,
        parts.next().read_der()?,
        parts.next().read_der()?,
    );
    let (not_before, not_after) = parts
        .next()
        .read_sequence(|validity| Ok((time(validity.next())?, time(validity.next())?)))?;
    let common_name = common_name(parts.next())?;
    // The key, and whatever extensions there are.
    parts.next().read_der()?;
    while parts.read_optional(|rest| rest.read_der())?.is_some() {}
    Ok(Certificate {
        common_name,
        not_before,
        not_after,
    })
}

fn time(reader: BERReader<'_, '_>) -> ASN1Result<SystemTime> {
    match reader.lookahead_tag()? {
        TAG_UTCTIME => Ok((*UTCTime::datetime(&reader.read_utctime()?)).into()),
        TAG_GENERALIZEDTIME => {
            Ok((*GeneralizedTime::datetime(&reader.read_generalized_time()?)).into())
        }
        _ => Err(yasna::ASN1Error::new(yasna::ASN1ErrorKind::Invalid)),
    }
}

fn common_name(subject: BERReader<'_, '_>) -> ASN1Result<Option<String>> {
    let wanted = ObjectIdentifier::from_slice(&[2, 5, 4, 3]);
    let mut found = None;
    subject.read_sequence_of(|set| {
        set.read_set_of(|attribute| {
            attribute.read_sequence(|pair| {
                let kind = pair.next().read_oid()?;
                let value = pair.next().read_tagged_der()?;
                // Any string type but the one of two bytes a character reads as UTF-8.
                if kind == wanted && value.tag() != TAG_BMPSTRING {
                    found = String::from_utf8(value.value().to_vec()).ok();
                }
                Ok(())
            })
        })
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Validity from 1970 into the years that only the longer form of a time can tell.
    fn certificate(names: &[(DnType, &str)]) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, name) in names {
            params.distinguished_name.push(kind.clone(), *name);
        }
        params.not_before = at(1_000_000_000).into();
        params.not_after = at(4_000_000_000).into();
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn name_and_validity_are_read() {
        let der = certificate(&[
            (DnType::OrganizationName, "system:masters"),
            (DnType::CommonName, "front-proxy-client"),
        ]);
        let expected = Certificate {
            common_name: Some("front-proxy-client".to_owned()),
            not_before: at(1_000_000_000),
            not_after: at(4_000_000_000),
        };
        assert_eq!(Certificate::read(&der), Some(expected));
    }

    #[test]
    fn a_certificate_without_a_common_name_has_none() {
        let read = Certificate::read(&certificate(&[(DnType::OrganizationName, "a")])).unwrap();
        assert_eq!(read.common_name, None);
    }

    #[test]
    fn what_is_no_certificate_is_not_read() {
        let der = certificate(&[]);
        assert_eq!(Certificate::read(&der[..der.len() - 1]), None);
        assert_eq!(Certificate::read(b""), None);
        assert_eq!(Certificate::read(&[&der[..], b"x"].concat()), None);
        for at in 0..der.len() {
            let mut broken = der.clone();
            broken[at] ^= 0xff;
            // Whatever it answers, it answers.
            let _ = Certificate::read(&broken);
        }
    }
}
