//! The headers in which the front proxy names the user.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderValue};
use k8s_openapi::api::authentication::v1::UserInfo;

/// A header cannot be read as text; to guess would be to mistake one user for another.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header {0} is not UTF-8")]
pub(crate) struct Error(String);

/// Names of the headers, in the order in which they are looked at. Upper and lower case do not matter.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The first that is not empty is the user's name.
    pub(crate) user: Vec<String>,
    /// The first that is not empty is the user's unique id.
    pub(crate) uid: Vec<String>,
    /// Each value of each is a group.
    pub(crate) group: Vec<String>,
    /// What follows the prefix is the key, percent-encoded; each value is a value.
    pub(crate) extra_prefixes: Vec<String>,
}

impl Names {
    /// `None` when no header names a user.
    pub(crate) fn user(&self, headers: &HeaderMap) -> Result<Option<UserInfo>, Error> {
        let Some(username) = first(headers, &self.user)? else {
            return Ok(None);
        };
        Ok(Some(UserInfo {
            username: Some(username),
            uid: first(headers, &self.uid)?,
            groups: Some(all(headers, &self.group)?),
            extra: Some(self.extra(headers)?).filter(|extra| !extra.is_empty()),
        }))
    }

    fn extra(&self, headers: &HeaderMap) -> Result<BTreeMap<String, Vec<String>>, Error> {
        let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for prefix in &self.extra_prefixes {
            let prefix = prefix.to_ascii_lowercase();
            for (name, value) in headers {
                let Some(key) = name.as_str().strip_prefix(&prefix) else {
                    continue;
                };
                let values = extra.entry(decoded(key)).or_default();
                values.push(text(name.as_str(), value)?);
            }
        }
        Ok(extra)
    }
}

fn first(headers: &HeaderMap, names: &[String]) -> Result<Option<String>, Error> {
    let values = all(headers, names)?;
    Ok(values.into_iter().find(|value| !value.is_empty()))
}

fn all(headers: &HeaderMap, names: &[String]) -> Result<Vec<String>, Error> {
    names
        .iter()
        .flat_map(|name| headers.get_all(name).iter().map(|value| text(name, value)))
        .collect()
}

fn text(name: &str, value: &HeaderValue) -> Result<String, Error> {
    std::str::from_utf8(value.as_bytes())
        .map(str::to_owned)
        .map_err(|_| Error(name.to_owned()))
}

/// Header names cannot hold every character, so keys are percent-encoded; what is not is left as it is, as the API
/// server does.
fn decoded(key: &str) -> String {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |at: usize| {
            after
                .get(at)
                .and_then(|byte| char::from(*byte).to_digit(16))
        };
        let (Some(high), Some(low)) = (digit(0), digit(1)) else {
            return key.to_owned();
        };
        bytes.push((high * 16 + low) as u8);
        rest = &after[2..];
    }
    String::from_utf8(bytes).unwrap_or_else(|_| key.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn names() -> Names {
        let list = |name: &str| vec![name.to_owned()];
        Names {
            user: vec!["X-Remote-User".to_owned(), "X-Forwarded-User".to_owned()],
            uid: list("X-Remote-Uid"),
            group: list("X-Remote-Group"),
            extra_prefixes: list("X-Remote-Extra-"),
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::try_from(*name).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        headers
    }

    #[test]
    fn the_user_has_all_groups_and_all_extras_of_the_headers() {
        let headers = headers(&[
            ("x-remote-user", "system:serviceaccount:kube-system:hpa"),
            ("x-remote-uid", "42"),
            ("x-remote-group", "system:serviceaccounts"),
            ("x-remote-group", "system:authenticated"),
            (
                "x-remote-extra-authentication.kubernetes.io%2fpod-name",
                "a",
            ),
            ("x-remote-extra-scopes", "read"),
            ("x-remote-extra-scopes", "write"),
            ("x-other", "ignored"),
        ]);
        let extra = |key: &str, values: &[&str]| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            (key.to_owned(), values)
        };
        let expected = UserInfo {
            username: Some("system:serviceaccount:kube-system:hpa".to_owned()),
            uid: Some("42".to_owned()),
            groups: Some(vec![
                "system:serviceaccounts".to_owned(),
                "system:authenticated".to_owned(),
            ]),
            extra: Some(BTreeMap::from([
                extra("authentication.kubernetes.io/pod-name", &["a"]),
                extra("scopes", &["read", "write"]),
            ])),
        };
        assert_eq!(names().user(&headers), Ok(Some(expected)));
    }

    #[test]
    fn the_first_header_that_is_not_empty_names_the_user() {
        let user = |pairs: &[(&'static str, &str)]| {
            let user = names().user(&headers(pairs)).unwrap();
            user.and_then(|user| user.username)
        };
        let both = [("x-remote-user", ""), ("x-forwarded-user", "b")];
        assert_eq!(user(&both).as_deref(), Some("b"));
        assert_eq!(user(&[("x-remote-user", "")]), None);
        assert_eq!(user(&[("x-remote-group", "system:masters")]), None);
    }

    #[test]
    fn a_header_that_is_no_text_is_refused() {
        let mut headers = headers(&[("x-remote-user", "a")]);
        headers.append("x-remote-group", HeaderValue::from_bytes(&[0xff]).unwrap());
        assert_eq!(
            names().user(&headers),
            Err(Error("X-Remote-Group".to_owned()))
        );
    }

    #[test]
    fn keys_are_decoded_and_what_is_not_encoded_stays() {
        for (encoded, expected) in [
            ("a%2fb", "a/b"),
            ("%41", "A"),
            ("100%", "100%"),
            ("%zz", "%zz"),
            ("%ff", "%ff"),
            ("", ""),
        ] {
            assert_eq!(decoded(encoded), expected);
        }
    }
}
