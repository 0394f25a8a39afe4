//! Numbers on a line: value, sign, places, currency, whether it is a percentage.
//!
//! Understands `1,234.56`, `1.234,56`, `1 234,56`, `1'234.56`, `1,23,456.00`, `.40`, `-£5.00`, `5.00-`, `(5.00)`.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::currency::{self, Currency};
use super::decimal::Decimal;
use super::lines::Line;

/// A number as printed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Amount {
    pub(super) value: Decimal,
    /// Digits behind the decimal point.
    pub(super) places: usize,
    /// Where the number with its sign stands in the line's text.
    pub(super) range: Range<usize>,
    /// The currency printed next to it, with its place.
    pub(super) currency: Option<(Currency, Range<usize>)>,
    pub(super) is_percentage: bool,
}

impl Amount {
    /// Whether it can be money: two places, or a currency beside it.
    pub(super) fn is_money(&self) -> bool {
        !self.is_percentage && (self.places == 2 || (self.currency.is_some() && self.places < 3))
    }
}

/// The character that a document uses as decimal point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    Dot,
    Comma,
    /// No number with two places was found.
    Unknown,
}

impl Point {
    /// By majority of the numbers that end in a separator and two digits.
    pub(super) fn of(lines: &[Line]) -> Self {
        static TWO_PLACES: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"\d([.,])\d\d(?:[^\d.,/-]|$)").expect("the pattern is valid")
        });
        let (mut dots, mut commas) = (0, 0);
        for line in lines {
            for found in TWO_PLACES.captures_iter(&line.text) {
                *(if &found[1] == "." {
                    &mut dots
                } else {
                    &mut commas
                }) += 1;
            }
        }
        match dots.cmp(&commas) {
            _ if dots + commas == 0 => Self::Unknown,
            std::cmp::Ordering::Less => Self::Comma,
            _ => Self::Dot,
        }
    }
}

/// How a document writes its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Notation {
    pub(super) point: Point,
    /// Whether thousands are parted by a space; not where the document parts them by a mark.
    pub(super) has_spaces: bool,
}

impl Notation {
    pub(super) fn of(lines: &[Line]) -> Self {
        static MARKED: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"\d[.,'’]\d{3}[.,]\d\d(?:\D|$)").expect("the pattern is valid")
        });
        Self {
            point: Point::of(lines),
            has_spaces: !lines.iter().any(|line| MARKED.is_match(&line.text)),
        }
    }
}

/// A run of digits with separators. Groups behind a space need two places behind them, or two numbers would become one.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\d{1,3}(?:[ \u{a0}\u{202f}]\d{3})+[.,]\d{2}|\d+[.,] \d{2}|\d[\d.,'’]*\d|\d|[.,]\d{2}",
    )
    .expect("the pattern is valid")
});

/// All numbers of a line except dates, times, codes and telephone numbers. `text` is the line's text, perhaps repaired.
pub(super) fn find(text: &str, notation: Notation) -> Vec<Amount> {
    let mut out: Vec<Amount> = Vec::new();
    let mut from = 0;
    while let Some(found) = NUMBER.find_at(text, from) {
        let mut range = found.range();
        if !notation.has_spaces && found.as_str().matches(SPACES).count() > 0 {
            range.end = unspaced(&found);
        }
        if text[..range.start].ends_with('.') && found.as_str().starts_with('.') {
            // The last of the dots that lead to an amount is no decimal point.
            from = range.start + 1;
            continue;
        }
        from = range.end;
        match amount_at(text, &range, notation.point) {
            Some(amount) => {
                from = from.max(amount.range.end);
                out.push(amount);
            }
            // `2 450.00` is not always one number: the second part is tried on its own.
            None => {
                if let Some(space) = found.as_str().find(SPACES) {
                    from = range.start + space + 1;
                }
            }
        }
    }
    out
}

/// The white space that may part thousands.
const SPACES: [char; 3] = [' ', '\u{a0}', '\u{202f}'];

/// Where the number ends when its spaces part it from the next one; one behind a decimal point does not.
fn unspaced(found: &regex::Match<'_>) -> usize {
    let space = found.as_str().find(SPACES).unwrap_or(found.len());
    let is_behind_point = found.as_str()[..space].ends_with(['.', ',']);
    if is_behind_point {
        found.end()
    } else {
        found.start() + space
    }
}

fn amount_at(text: &str, range: &Range<usize>, point: Point) -> Option<Amount> {
    let (before, after) = (&text[..range.start], &text[range.end..]);
    let has_space = text[range.clone()].contains(' ');
    if has_space && after.starts_with(|c: char| c.is_ascii_digit()) {
        // `Jalan 7, 43000`: the two digits behind the space begin another number.
        return None;
    }
    let (value, places) = parse(&text[range.clone()], point)?;
    let mut amount = Amount {
        value,
        places,
        range: range.clone(),
        currency: None,
        is_percentage: false,
    };
    let mut head = before;
    let mut is_negative = sign_before(&mut head);
    if let Some((currency, length)) = currency::at_end(head) {
        let end = head.trim_end().len();
        amount.currency = Some((currency, end - length..end));
        head = &head[..end - length];
        is_negative |= sign_before(&mut head);
    }
    if head.len() == before.len() && ends_in_code(head) {
        return None;
    }
    is_negative |= read_behind(&mut amount, text, &before[head.len()..])?;
    if is_negative {
        amount.value = -amount.value;
        amount.range.start = sign_start(before, head);
    }
    Some(amount)
}

/// Whether a number right behind this text is part of a code, a time or a range.
fn ends_in_code(head: &str) -> bool {
    let mut back = head.chars().rev();
    let (last, one_before) = (back.next(), back.next());
    match last {
        // `2x9.50`; an `@` or `=` may stand right before an amount as well.
        Some('x' | 'X') => false,
        Some('/' | '#' | '*' | '-' | '–') => true,
        Some(':') => one_before.is_some_and(|c| c.is_ascii_digit()),
        // Dots may lead to an amount: `TOTAL....60.31`.
        Some('.') => one_before.is_some_and(char::is_alphanumeric),
        Some(c) => c.is_alphanumeric(),
        None => false,
    }
}

/// Takes in what stands behind the number: sign, bracket, per cent, currency. Returns whether that makes it negative;
/// `None` when the number goes on as something else. `taken` is what belongs to it on the other side.
fn read_behind(amount: &mut Amount, text: &str, taken: &str) -> Option<bool> {
    let mut is_negative = false;
    let mut tail = &text[amount.range.end..];
    if let Some(rest) = tail.strip_prefix(')') {
        is_negative = taken.contains('(');
        tail = rest;
    } else if let Some(rest) = tail.strip_prefix('-')
        && !rest.starts_with(|c: char| c.is_alphanumeric())
        && amount.places == 2
    {
        is_negative = true;
        amount.range.end += 1;
        tail = rest;
    }
    amount.is_percentage = tail.trim_start_matches(' ').starts_with('%');
    if amount.currency.is_none()
        && let Some((currency, at)) = currency::at_start(tail)
    {
        let start = text.len() - tail.len() + at.start;
        amount.currency = Some((currency, start..start + at.len()));
        tail = &tail[at.end..];
    }
    let mut next = tail.chars();
    let goes_on = match next.next() {
        Some(':') => next.next().is_some_and(|c| c.is_ascii_digit()),
        Some('-') => next.next().is_some_and(char::is_alphanumeric),
        Some('/') => true,
        Some('x' | 'X') | None => false,
        Some(c) => c.is_alphabetic() && amount.places != 2,
    };
    (!goes_on).then_some(is_negative)
}

/// Takes a sign or opening bracket off the end, if there is one that no letter or digit stands before.
fn sign_before(head: &mut &str) -> bool {
    let trimmed = head.trim_end_matches(' ');
    let Some(sign) = trimmed
        .chars()
        .next_back()
        .filter(|c| matches!(c, '-' | '−' | '–' | '('))
    else {
        return false;
    };
    let rest = &trimmed[..trimmed.len() - sign.len_utf8()];
    let is_free = !rest.ends_with(|c: char| c.is_alphanumeric() || c == '-');
    // A dash with space on both sides joins two things; a sign stands close to its number.
    let is_close = trimmed.len() == head.len();
    if is_free && is_close {
        *head = rest;
        return sign != '(';
    }
    false
}

/// Where the sign or the currency before the number starts.
fn sign_start(before: &str, head: &str) -> usize {
    let taken = &before[head.len()..];
    head.len() + (taken.len() - taken.trim_start().len())
}

/// Value and number of places of digits with separators.
pub(super) fn parse(text: &str, point: Point) -> Option<(Decimal, usize)> {
    let digits_only: String = text
        .chars()
        .filter(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
        .collect();
    let separators: Vec<(usize, char)> = digits_only
        .char_indices()
        .filter(|(_, c)| !c.is_ascii_digit())
        .collect();
    let Some(&(last, mark)) = separators.last() else {
        return Some((Decimal::parse(&digits_only)?, 0));
    };
    let behind = digits_only.len() - last - 1;
    let is_mixed = separators.iter().any(|s| s.1 != mark);
    let is_decimal = match behind {
        0 => return None,
        3 if is_mixed => false,
        3 if separators.len() > 1 => false,
        3 => (mark == '.' && point == Point::Dot) || (mark == ',' && point == Point::Comma),
        // `1.2.3` is a version or a section, not an amount.
        1 | 4.. if separators.len() > 1 && !is_mixed => return None,
        _ => true,
    };
    let whole: String =
        digits_only[..if is_decimal { last } else { digits_only.len() }].replace(['.', ','], "");
    if !is_decimal {
        return Some((Decimal::parse(&whole)?, 0));
    }
    Some((
        Decimal::parse(&format!("{whole}.{}", &digits_only[last + 1..]))?,
        behind,
    ))
}

#[cfg(test)]
mod tests {
    use super::{Amount, Notation, Point};

    fn find(text: &str, point: Point) -> Vec<Amount> {
        let notation = Notation {
            point,
            has_spaces: true,
        };
        super::find(text, notation)
    }

    fn values(text: &str, point: Point) -> Vec<String> {
        find(text, point)
            .iter()
            .map(|a| a.value.to_string())
            .collect()
    }

    #[test]
    fn every_way_of_grouping_gives_the_same_value() {
        for (text, point) in [
            ("1,234,567.89", Point::Dot),
            ("1.234.567,89", Point::Comma),
            ("1 234 567,89", Point::Comma),
            ("1\u{a0}234\u{a0}567,89", Point::Comma),
            ("1'234'567.89", Point::Dot),
            ("12,34,567.89", Point::Dot),
            ("1234567.89", Point::Dot),
        ] {
            assert_eq!(values(text, point), ["1234567.89"], "{text}");
        }
    }

    #[test]
    fn any_amount_survives_any_notation() {
        for cents in (1..3_000_000_i64).step_by(9_973) {
            let (whole, rest) = (cents / 100, cents % 100);
            let plain = super::Decimal::parse(&format!("{whole}.{rest:02}")).unwrap();
            for (thousands, mark, point) in [
                (",", ".", Point::Dot),
                (".", ",", Point::Comma),
                (" ", ",", Point::Comma),
                ("'", ".", Point::Dot),
                ("", ".", Point::Dot),
            ] {
                let grouped = if whole >= 1000 {
                    format!("{}{thousands}{:03}", whole / 1000, whole % 1000)
                } else {
                    whole.to_string()
                };
                for text in [
                    format!("{grouped}{mark}{rest:02}"),
                    format!("RM {grouped}{mark}{rest:02}"),
                    format!("{grouped}{mark}{rest:02} €"),
                ] {
                    let found = find(&text, point);
                    assert_eq!(found.len(), 1, "{text}");
                    assert_eq!(found[0].value, plain, "{text}");
                }
                let negative = format!("-£{grouped}{mark}{rest:02}");
                assert_eq!(find(&negative, point)[0].value, -plain, "{negative}");
            }
        }
    }

    #[test]
    fn three_digits_behind_a_separator_follow_the_document() {
        assert_eq!(values("1.250", Point::Comma), ["1250"]);
        assert_eq!(values("1.250", Point::Dot), ["1.25"]);
        assert_eq!(values("1,250", Point::Dot), ["1250"]);
    }

    #[test]
    fn where_marks_part_thousands_a_space_parts_numbers() {
        let notation = Notation {
            point: Point::Dot,
            has_spaces: false,
        };
        let values: Vec<String> = super::find("33 127.04", notation)
            .iter()
            .map(|a| a.value.to_string())
            .collect();
        assert_eq!(values, ["33", "127.04"]);
    }

    #[test]
    fn signs_stand_before_behind_or_around() {
        for text in [
            "-5.00", "5.00-", "(5.00)", "-RM5.00", "RM -5.00", "RM 5.00-",
        ] {
            let found = find(text, Point::Dot);
            assert_eq!(found[0].value.to_string(), "-5", "{text}");
        }
    }

    #[test]
    fn codes_times_and_numbers_with_hyphens_are_no_amounts() {
        for text in ["14:22", "CS-118204", "INV12.50A", "SS21/1A", "06-555"] {
            assert!(
                find(text, Point::Dot).iter().all(|a| !a.is_money()),
                "{text}: {:?}",
                find(text, Point::Dot)
            );
        }
    }

    #[test]
    fn colons_and_leading_dots_may_touch_an_amount() {
        for text in ["TOTAL:60.31", "TOTAL....60.31", "TOTAL RM:60.31"] {
            assert_eq!(values(text, Point::Dot), ["60.31"], "{text}");
        }
    }

    #[test]
    fn a_percentage_is_known_as_one() {
        let found = find("GST @ 6.00% 1.67", Point::Dot);
        assert!(found[0].is_percentage && !found[0].is_money());
        assert!(found[1].is_money());
    }

    #[test]
    fn the_currency_beside_a_number_belongs_to_it() {
        let found = find("TOTAL RM 29.55", Point::Dot);
        assert_eq!(
            found[0].currency.as_ref().map(|c| c.0.code()),
            Some(Some("MYR"))
        );
        assert_eq!(
            find("12,50\u{a0}€", Point::Comma)[0]
                .currency
                .as_ref()
                .map(|c| c.0.code()),
            Some(Some("EUR"))
        );
    }
}
