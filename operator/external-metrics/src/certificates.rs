//! Our own authority and the certificate that we show: made once, kept in a Secret that all replicas share, renewed at two
//! thirds of their lives. Authorities overlap: API servers know the next one before it signs, and the last one until
//! nobody shows what it signed.

pub(crate) mod issue;
pub(crate) mod keep;
pub(crate) mod read;
pub(crate) mod renewal;
pub(crate) mod secret;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use self::read::Certificate;
use crate::tls;

/// A certificate in PEM with what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Public {
    pub(crate) pem: String,
    pub(crate) facts: Certificate,
}

/// A certificate and its private key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) public: Public,
    /// PKCS#8 in PEM.
    pub(crate) key: String,
}

impl std::fmt::Debug for Pair {
    /// Without the key.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.public.fmt(formatter)
    }
}

/// What the Secret holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// What we show to clients.
    pub(crate) leaf: Pair,
    /// What signs leaves.
    pub(crate) authority: Pair,
    /// What will sign them once every API server knows it.
    pub(crate) next: Option<Pair>,
    /// What has signed a leaf that a replica may still show.
    pub(crate) previous: Option<Public>,
}

/// Why a certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0} is no certificate in PEM")]
    NoCertificate(&'static str),
    #[error("cannot use the key: {0}")]
    Key(#[from] rustls::Error),
    #[error("cannot read the key: {0:?}")]
    Pem(rustls::pki_types::pem::Error),
    #[error("the Secret has no {0}")]
    Missing(&'static str),
    #[error("cannot make a certificate: {0}")]
    Issue(#[from] rcgen::Error),
}

impl Public {
    /// `what` is the name for people.
    pub(crate) fn parse(what: &'static str, pem: &str) -> Result<Self, Error> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| Error::NoCertificate(what))?;
        let facts = Certificate::read(&der).ok_or(Error::NoCertificate(what))?;
        Ok(Self {
            pem: pem.to_owned(),
            facts,
        })
    }
}

impl State {
    /// The authorities that API servers must trust, in PEM.
    pub(crate) fn bundle(&self) -> String {
        let next = self.next.iter().map(|pair| &pair.public);
        let all = std::iter::once(&self.authority.public)
            .chain(next)
            .chain(&self.previous);
        all.map(|public| public.pem.as_str()).collect()
    }

    /// The leaf for the TLS library; an error when key and certificate do not belong together.
    pub(crate) fn certified_key(&self) -> Result<CertifiedKey, Error> {
        let certificate = CertificateDer::from_pem_slice(self.leaf.public.pem.as_bytes())
            .map_err(|_| Error::NoCertificate("leaf"))?;
        let key = PrivateKeyDer::from_pem_slice(self.leaf.key.as_bytes()).map_err(Error::Pem)?;
        Ok(CertifiedKey::from_der(
            vec![certificate],
            key,
            &tls::provider(),
        )?)
    }
}
