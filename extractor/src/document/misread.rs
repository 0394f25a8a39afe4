//! Characters that recognition takes for digits' look-alikes, put right where the shape leaves no doubt.

use std::sync::LazyLock;

use regex::Regex;

/// What a token has to look like after the exchange: an amount with two places, a date, or a time.
static NUMERIC: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[-(]?(?:[A-Za-z]{2,3})?[-$£€]?(?:\d{1,3}(?:[.,']\d{3})*|\d+)[.,]\d{2}\)?-?$|^\d{1,2}([-/.])\d{1,2}[-/.]\d{2,4}$|^\d{1,2}:\d{2}(?::\d{2})?$")
        .expect("the pattern is valid")
});

/// The text with look-alikes replaced by digits inside numeric tokens. Byte offsets do not change.
pub(super) fn repaired(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for token in text.split_inclusive([' ', '\t']) {
        let bare = token.trim_end_matches([' ', '\t']);
        let digits = bare.bytes().filter(u8::is_ascii_digit).count();
        let looks_alike = bare.bytes().any(|b| digit_for(b).is_some());
        if digits >= 1 && looks_alike && bare.is_ascii() && !NUMERIC.is_match(bare) {
            let exchanged = exchange(bare);
            if NUMERIC.is_match(&exchanged) {
                out.push_str(&exchanged);
                out.push_str(&token[bare.len()..]);
                continue;
            }
        }
        out.push_str(token);
    }
    out
}

/// Replaces look-alikes behind a leading currency code.
fn exchange(token: &str) -> String {
    let prefix = ["RM", "MYR", "USD", "EUR", "GBP"]
        .iter()
        .find(|p| token.starts_with(*p))
        .map_or(0, |p| p.len());
    let (code, rest) = token.split_at(prefix);
    let rest = rest.bytes().map(|b| digit_for(b).unwrap_or(b) as char);
    code.chars().chain(rest).collect()
}

fn digit_for(byte: u8) -> Option<u8> {
    Some(match byte {
        b'O' | b'o' | b'Q' | b'D' => b'0',
        b'l' | b'I' | b'|' | b'i' => b'1',
        b'S' | b's' => b'5',
        b'B' => b'8',
        b'Z' | b'z' => b'2',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::repaired;

    #[test]
    fn look_alikes_in_amounts_and_dates_become_digits() {
        assert_eq!(repaired("TOTAL RM1O.5O"), "TOTAL RM10.50");
        assert_eq!(repaired("l9/1O/2018 2O:49"), "19/10/2018 20:49");
    }

    #[test]
    fn words_codes_and_good_numbers_stay() {
        for text in ["BISOLO 500ML", "B12-OIL", "S100", "11.20", "BILLS"] {
            assert_eq!(repaired(text), text);
        }
    }
}
