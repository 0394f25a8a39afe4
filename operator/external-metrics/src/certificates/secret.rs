//! The Secret in which replicas share the [`State`].

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;

use super::{Error, Pair, Public, State};

const LEAF: (&str, &str) = ("tls.crt", "tls.key");
const AUTHORITY: (&str, &str) = ("ca.crt", "ca.key");
const NEXT: (&str, &str) = ("next-ca.crt", "next-ca.key");
const PREVIOUS: &str = "previous-ca.crt";

/// Reads a state.
///
/// # Errors
/// The Secret lacks something, or something in it cannot be used.
pub(crate) fn parse(secret: &Secret) -> Result<State, Error> {
    let state = State {
        leaf: pair(secret, LEAF)?,
        authority: pair(secret, AUTHORITY)?,
        next: match text(secret, NEXT.0) {
            None => None,
            Some(_) => Some(pair(secret, NEXT)?),
        },
        previous: text(secret, PREVIOUS)
            .map(|pem| Public::parse(PREVIOUS, &pem))
            .transpose()?,
    };
    state.certified_key()?;
    Ok(state)
}

/// The data of a Secret with this state.
pub(crate) fn data(state: &State) -> BTreeMap<String, ByteString> {
    let pair = |(certificate, key): (&str, &str), pair: &Pair| {
        [
            (certificate.to_owned(), pair.public.pem.clone()),
            (key.to_owned(), pair.key.clone()),
        ]
    };
    let previous = |previous: &Public| (PREVIOUS.to_owned(), previous.pem.clone());
    pair(LEAF, &state.leaf)
        .into_iter()
        .chain(pair(AUTHORITY, &state.authority))
        .chain(state.next.iter().flat_map(|next| pair(NEXT, next)))
        .chain(state.previous.iter().map(previous))
        .map(|(key, text)| (key, ByteString(text.into_bytes())))
        .collect()
}

fn pair(secret: &Secret, (certificate, key): (&'static str, &'static str)) -> Result<Pair, Error> {
    let pem = text(secret, certificate).ok_or(Error::Missing(certificate))?;
    Ok(Pair {
        public: Public::parse(certificate, &pem)?,
        key: text(secret, key).ok_or(Error::Missing(key))?,
    })
}

fn text(secret: &Secret, key: &str) -> Option<String> {
    let bytes = &secret.data.as_ref()?.get(key)?.0;
    String::from_utf8(bytes.clone()).ok()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::certificates::issue::{self, Names};
    use crate::certificates::renewal::{Lifetimes, Step};

    fn state() -> State {
        let names = Names::of_service("metrics", "server");
        let (lifetimes, now) = (Lifetimes::default(), SystemTime::now());
        let state = issue::start(&names, &lifetimes, now).unwrap();
        let apply = |step, state| issue::apply(step, state, &names, &lifetimes, now).unwrap();
        let state = apply(Step::IntroduceAuthority, state);
        let state = apply(Step::PromoteAuthority, state);
        apply(Step::IntroduceAuthority, state)
    }

    fn secret(state: &State) -> Secret {
        Secret {
            data: Some(data(state)),
            ..Secret::default()
        }
    }

    #[test]
    fn what_is_stored_is_what_is_read() {
        let mut state = state();
        assert!(state.next.is_some() && state.previous.is_some());
        assert_eq!(parse(&secret(&state)).unwrap(), state);
        (state.next, state.previous) = (None, None);
        assert_eq!(parse(&secret(&state)).unwrap(), state);
    }

    #[test]
    fn a_secret_that_lacks_something_or_mixes_keys_is_refused() {
        let whole = secret(&state());
        for key in ["tls.crt", "tls.key", "ca.crt", "ca.key", "next-ca.key"] {
            let mut broken = whole.clone();
            broken.data.as_mut().unwrap().remove(key);
            assert!(parse(&broken).is_err(), "without {key}");
        }
        let mut mixed = whole.clone();
        let foreign = data(&state())["tls.key"].clone();
        mixed
            .data
            .as_mut()
            .unwrap()
            .insert("tls.key".to_owned(), foreign);
        assert!(parse(&mixed).is_err());
        assert!(parse(&Secret::default()).is_err());
    }

    #[test]
    fn a_key_is_never_printed() {
        let state = state();
        assert!(!format!("{state:?}").contains("PRIVATE"));
    }
}
