//! Currencies by symbol and code, and which one a document means.

use std::ops::Range;

use super::lexicon::Kind;
use super::lines::Line;
use super::reading::{Reading, Spot};

/// What a printed symbol says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Currency {
    /// One currency, as ISO 4217 code.
    Known(&'static str),
    /// `$`, which several countries use.
    Dollar,
}

impl Currency {
    /// ISO 4217 code, where the symbol alone tells it.
    pub(super) fn code(self) -> Option<&'static str> {
        match self {
            Self::Known(code) => Some(code),
            Self::Dollar => None,
        }
    }
}

const SYMBOLS: &[(&str, Currency)] = &[
    ("US$", Currency::Known("USD")),
    ("A$", Currency::Known("AUD")),
    ("C$", Currency::Known("CAD")),
    ("S$", Currency::Known("SGD")),
    ("$", Currency::Dollar),
    ("£", Currency::Known("GBP")),
    ("€", Currency::Known("EUR")),
    ("₹", Currency::Known("INR")),
    ("¥", Currency::Known("JPY")),
    ("zł", Currency::Known("PLN")),
];

const CODES: &[(&str, &str)] = &[
    ("RM", "MYR"),
    ("MYR", "MYR"),
    ("USD", "USD"),
    ("EUR", "EUR"),
    ("GBP", "GBP"),
    ("CHF", "CHF"),
    ("INR", "INR"),
    ("Rs.", "INR"),
    ("Rs", "INR"),
    ("AUD", "AUD"),
    ("CAD", "CAD"),
    ("NZD", "NZD"),
    ("SGD", "SGD"),
    ("SEK", "SEK"),
    ("NOK", "NOK"),
    ("DKK", "DKK"),
    ("PLN", "PLN"),
    ("JPY", "JPY"),
    ("HKD", "HKD"),
    ("ZAR", "ZAR"),
];

/// The currency at the end of a text, with the length of its symbol. White space behind it does not count.
pub(super) fn at_end(text: &str) -> Option<(Currency, usize)> {
    let text = text.trim_end();
    let symbol = SYMBOLS
        .iter()
        .find(|(symbol, _)| text.ends_with(symbol))
        .map(|(symbol, currency)| (*currency, symbol.len()));
    symbol.or_else(|| {
        let (code, iso) = CODES.iter().find(|(code, _)| ends_with_word(text, code))?;
        Some((Currency::Known(iso), code.len()))
    })
}

/// The currency at the start of a text, with its place. One white space before it does not count.
pub(super) fn at_start(text: &str) -> Option<(Currency, Range<usize>)> {
    let trimmed = text.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    let start = text.len() - trimmed.len();
    let found = |length| start..start + length;
    if let Some((symbol, currency)) = SYMBOLS
        .iter()
        .find(|(s, c)| trimmed.starts_with(s) && *c != Currency::Dollar)
    {
        return Some((*currency, found(symbol.len())));
    }
    let (code, iso) = CODES.iter().find(|(code, _)| {
        trimmed.starts_with(code)
            && !trimmed[code.len()..].starts_with(|c: char| c.is_alphanumeric())
    })?;
    Some((Currency::Known(iso), found(code.len())))
}

fn ends_with_word(text: &str, code: &str) -> bool {
    text.ends_with(code)
        && !text[..text.len() - code.len()].ends_with(|c: char| c.is_alphanumeric())
}

/// The first code that stands alone on a line, e.g. in `All prices in AUD` or `AMT(RM)`.
pub(super) fn code_in(text: &str) -> Option<(&'static str, Range<usize>)> {
    CODES.iter().find_map(|(code, iso)| {
        let mut hits = text.match_indices(code);
        let (at, _) = hits.find(|(at, _)| {
            let free_before = !text[..*at].ends_with(|c: char| c.is_alphanumeric());
            free_before && !text[at + code.len()..].starts_with(|c: char| c.is_alphanumeric())
        })?;
        Some((*iso, at..at + code.len()))
    })
}

/// The currency that `$` stands for, by what else the document prints.
pub(super) fn dollar_of(lines: &[Line]) -> &'static str {
    let has = |needles: &[&str]| {
        lines
            .iter()
            .any(|l| needles.iter().any(|n| l.text.to_uppercase().contains(n)))
    };
    if has(&[
        "SDN BHD",
        "SDN. BHD",
        "KUALA LUMPUR",
        "SELANGOR",
        "JOHOR",
        "MALAYSIA",
    ]) {
        "MYR"
    } else if has(&["ABN ", "PTY LTD", "AUSTRALIA"]) {
        "AUD"
    } else if has(&["SINGAPORE"]) {
        "SGD"
    } else if has(&["CANADA", " HST", "GST/HST"]) {
        "CAD"
    } else if has(&["NEW ZEALAND"]) {
        "NZD"
    } else {
        "USD"
    }
}

/// The currency of the country whose tax number is printed, where only one country calls it so.
pub(super) fn of_tax_number(reading: &Reading<'_>) -> Option<(&'static str, Spot)> {
    const NAMES: [(&str, &str); 2] = [("GSTIN", "INR"), ("ABN", "AUD")];
    reading.lines.iter().enumerate().find_map(|(line, text)| {
        NAMES.iter().find_map(|(name, code)| {
            let start = text.text.find(name)?;
            let range = start..start + name.len();
            let is_label = reading.found[line].labels.iter().any(|l| {
                l.meaning == Kind::TaxId && l.range.start <= start && range.end <= l.range.end
            });
            is_label.then_some((*code, Spot { line, range }))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Currency, at_end, at_start, code_in};

    #[test]
    fn symbols_and_codes_are_known_on_both_sides() {
        assert_eq!(at_end("Total RM "), Some((Currency::Known("MYR"), 2)));
        assert_eq!(at_end("Total US$"), Some((Currency::Known("USD"), 3)));
        assert_eq!(at_start("\u{a0}€"), Some((Currency::Known("EUR"), 2..5)));
        assert_eq!(at_end("FORM"), None);
    }

    #[test]
    fn a_code_inside_a_word_is_none() {
        assert_eq!(code_in("CONFIRM EUROPE"), None);
        assert_eq!(code_in("AMT(RM)"), Some(("MYR", 4..6)));
    }
}
