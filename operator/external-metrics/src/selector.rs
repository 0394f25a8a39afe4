//! Reads a label selector as it stands in a query: `app=web,tier in (front,back),!canary`.

use std::collections::BTreeSet;

use kube::core::{Expression, Selector};

/// Longer selectors are refused before they are read; the API server's own limit of a URL is about as long.
const MAX_LENGTH: usize = 16 * 1024;

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text has more than 16 KiB.
    #[error("the selector is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// Something else was expected.
    #[error("expected {expected} at byte {at} of the selector")]
    Expected {
        /// What could stand there.
        expected: &'static str,
        /// Offset in bytes.
        at: usize,
    },
    /// A key breaks the rules for label keys.
    #[error("{0:?} is not a label key")]
    Key(String),
    /// A value breaks the rules for label values.
    #[error("{0:?} is not a label value")]
    Value(String),
}

/// Reads equality terms (`=`, `==`, `!=`), set terms (`in`, `notin`) and terms of existence (`key`, `!key`), separated by
/// commas. An empty text selects everything.
///
/// # Errors
/// The text is not a selector. `<` and `>` are refused, too: autoscalers cannot write them.
pub fn parse(text: &str) -> Result<Selector, Error> {
    if text.len() > MAX_LENGTH {
        return Err(Error::TooLong);
    }
    let mut reader = Reader { text, at: 0 };
    let mut terms = Vec::new();
    if reader.peek().is_some() {
        terms.push(reader.term()?);
    }
    while reader.peek().is_some() {
        reader.symbol(",", "a comma")?;
        terms.push(reader.term()?);
    }
    Ok(terms.into_iter().collect())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character that is not white space.
    fn peek(&mut self) -> Option<char> {
        self.at = self.text.len() - self.rest().trim_start().len();
        self.rest().chars().next()
    }

    fn takes(&mut self, symbol: &str) -> bool {
        self.peek();
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len();
        }
        found
    }

    fn symbol(&mut self, symbol: &str, expected: &'static str) -> Result<(), Error> {
        match self.takes(symbol) {
            true => Ok(()),
            false => Err(Error::Expected {
                expected,
                at: self.at,
            }),
        }
    }

    /// The longest run of characters that mean nothing to a selector; may be empty.
    fn word(&mut self) -> &'a str {
        self.peek();
        let rest = self.rest();
        let end = rest
            .find(|found: char| found.is_whitespace() || "=!,()<>".contains(found))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn key(&mut self) -> Result<String, Error> {
        let at = self.at;
        match self.word() {
            "" => Err(Error::Expected {
                expected: "a label key",
                at,
            }),
            key if is_key(key) => Ok(key.to_owned()),
            key => Err(Error::Key(key.to_owned())),
        }
    }

    fn value(&mut self) -> Result<String, Error> {
        match self.word() {
            "" => Ok(String::new()),
            value if is_name(value) => Ok(value.to_owned()),
            value => Err(Error::Value(value.to_owned())),
        }
    }

    fn term(&mut self) -> Result<Expression, Error> {
        if self.takes("!") {
            return Ok(Expression::DoesNotExist(self.key()?));
        }
        let key = self.key()?;
        // `==` first, since `=` is its beginning.
        if self.takes("==") || self.takes("=") {
            return Ok(Expression::Equal(key, self.value()?));
        }
        if self.takes("!=") {
            return Ok(Expression::NotEqual(key, self.value()?));
        }
        if matches!(self.peek(), None | Some(',')) {
            return Ok(Expression::Exists(key));
        }
        let at = self.at;
        match self.word() {
            "in" => Ok(Expression::In(key, self.set()?)),
            "notin" => Ok(Expression::NotIn(key, self.set()?)),
            _ => Err(Error::Expected {
                expected: "one of =, ==, !=, in, notin or a comma",
                at,
            }),
        }
    }

    fn set(&mut self) -> Result<BTreeSet<String>, Error> {
        self.symbol("(", "an opening parenthesis")?;
        let mut values = BTreeSet::from([self.value()?]);
        while self.takes(",") {
            values.insert(self.value()?);
        }
        self.symbol(")", "a comma or a closing parenthesis")?;
        Ok(values)
    }
}

/// A name, or a DNS name, a slash and a name.
fn is_key(key: &str) -> bool {
    match key.split_once('/') {
        None => is_name(key),
        Some((prefix, name)) => {
            is_name(name)
                && prefix.len() <= 253
                && prefix.split('.').all(|label| {
                    is_name(label)
                        && label.bytes().all(|byte| {
                            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
                        })
                })
        }
    }
}

/// Up to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
fn is_name(name: &str) -> bool {
    let ends = [name.bytes().next(), name.bytes().last()];
    name.len() <= 63
        && ends
            .iter()
            .all(|end| end.is_some_and(|byte| byte.is_ascii_alphanumeric()))
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use kube::core::SelectorExt;

    use super::*;

    fn selects(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        parse(selector).unwrap().matches(&labels)
    }

    #[test]
    fn an_empty_selector_selects_everything() {
        for empty in ["", "  "] {
            assert!(parse(empty).unwrap().selects_all());
        }
        assert!(selects("", &[("app", "web")]));
    }

    #[test]
    fn every_kind_of_term_is_understood_with_and_without_spaces() {
        let labels = [("app", "web"), ("tier", "front"), ("note", "")];
        for (selector, expected) in [
            ("app=web", true),
            ("app==web", true),
            ("app = web", true),
            ("app=api", false),
            ("note=", true),
            ("app=", false),
            ("app!=web", false),
            ("app != api", true),
            ("missing!=anything", true),
            ("tier in (front,back)", true),
            ("tier in ( front , back )", true),
            ("tier in(back)", false),
            ("tier notin (front)", false),
            ("missing notin (front)", true),
            ("note in (,x)", true),
            ("app", true),
            ("missing", false),
            ("!missing", true),
            ("! app", false),
            ("app=web,tier in (front),!missing", true),
            ("app=web , tier=back", false),
        ] {
            assert_eq!(selects(selector, &labels), expected, "{selector}");
        }
    }

    #[test]
    fn keys_may_have_a_prefix_and_the_words_in_and_notin_may_be_keys_and_values() {
        assert!(selects(
            "example.com/queue=in,in=notin",
            &[("example.com/queue", "in"), ("in", "notin")]
        ));
    }

    #[test]
    fn what_is_printed_again_is_what_was_read() {
        let text = "app=web,tier in (back,front),zone notin (a),x!=y,seen,!canary";
        assert_eq!(parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn what_is_no_selector_is_refused_with_the_place() {
        for wrong in [
            ",",
            "a,",
            "a,,b",
            "=b",
            "a b",
            "a in",
            "a in (",
            "a in (b",
            "a in b",
            "a in (b c)",
            "a>1",
            "a<1",
            "a=b=c",
            "a=b c",
            "(a)",
            "!",
            "a!b",
            "a=(b)",
            "-a=b",
            "a=b-",
            "A.B/c=d",
            "/a=b",
            "a/=b",
            "a/b/c=d",
            "a=b/c",
            "ä=b",
            "a=ä",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            parse("app=web,tier ~ x").unwrap_err().to_string(),
            "expected one of =, ==, !=, in, notin or a comma at byte 13 of the selector"
        );
        let long = "a".repeat(64);
        assert_eq!(parse(&long), Err(Error::Key(long.clone())));
        assert_eq!(parse(&"a,".repeat(MAX_LENGTH)), Err(Error::TooLong));
    }
}
