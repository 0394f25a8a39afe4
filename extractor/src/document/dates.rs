//! Dates on a line. A numeric date stays open until the document says which order it uses.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::lines::Line;
use super::months::month_of;

/// A date as printed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PrintedDate {
    pub(super) range: Range<usize>,
    year: u16,
    parts: Parts,
    /// Whether the year has four digits.
    pub(super) has_century: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parts {
    /// Day and month are certain.
    Sure { day: u8, month: u8 },
    /// Two numbers, either of which can be the month.
    Open(u8, u8),
}

/// Which of day and month comes first in numeric dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    DayFirst,
    MonthFirst,
}

impl PrintedDate {
    /// ISO 8601, or `None` when the order makes it no date.
    pub(super) fn iso(&self, order: Order) -> Option<String> {
        let (day, month) = match (self.parts, order) {
            (Parts::Sure { day, month }, _) | (Parts::Open(day, month), Order::DayFirst) => {
                (day, month)
            }
            (Parts::Open(month, day), Order::MonthFirst) => (day, month),
        };
        is_date(self.year, month, day).then(|| format!("{:04}-{month:02}-{day:02}", self.year))
    }

    /// Whether day and month can be told apart without looking at the rest of the document.
    pub(super) fn is_unambiguous(&self) -> bool {
        !matches!(self.parts, Parts::Open(a, b) if a != b && a <= 12 && b <= 12)
    }

    fn order_shown(&self) -> Option<Order> {
        match self.parts {
            Parts::Open(first, second) if first > 12 && second <= 12 => Some(Order::DayFirst),
            Parts::Open(first, second) if second > 12 && first <= 12 => Some(Order::MonthFirst),
            _ => None,
        }
    }
}

/// The order of a document: what its own dates show, else what its country does.
pub(super) fn order_of(lines: &[Line], dates: &[(usize, PrintedDate)]) -> Order {
    if let Some(order) = dates.iter().find_map(|(_, date)| date.order_shown()) {
        return order;
    }
    static UNITED_STATES: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])\s+\d{5}(?:-\d{4})?\b|\bsales tax\b|\bEIN\b|\bUSD\b")
            .expect("the pattern is valid")
    });
    if lines.iter().any(|line| UNITED_STATES.is_match(&line.text)) {
        Order::MonthFirst
    } else {
        Order::DayFirst
    }
}

/// `2026-03-14`, also with slashes or dots.
static YEAR_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:19|20)(\d\d)([-/.])(\d{1,2})[-/.](\d{1,2})").expect("the pattern is valid")
});
/// `14/03/2026`, `14. 3. 26`.
static NUMERIC: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(\d{1,2})( ?[-/.] ?)(\d{1,2}) ?[-/.] ?((?:19|20)\d\d|\d\d)")
        .expect("the pattern is valid")
});
/// `14 March 2026`, `14. März 2026`, `14/MAR/26`, `14 de marzo de 2026`, `14MAR2026`.
static DAY_AND_NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(\d{1,2})(?:st|nd|rd|th|er)?[ \t.,/-]{0,3}(?:de |of )?(\p{L}{3,10})[ .,/-]{0,3}(?:de |del )?((?:19|20)\d\d|'?\d\d)")
        .expect("the pattern is valid")
});
/// `March 14, 2026`.
static NAME_AND_DAY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(\p{L}{3,10})[ .]{0,2}(\d{1,2})(?:st|nd|rd|th)?[ .,]{1,2}((?:19|20)\d\d)")
        .expect("the pattern is valid")
});

/// `14032026`, as recognition makes of faint separators.
static GLUED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])(20[0-3]\d)\b")
        .expect("the pattern is valid")
});

/// All dates of a text, left to right.
pub(super) fn find(text: &str) -> Vec<PrintedDate> {
    let mut out: Vec<PrintedDate> = Vec::new();
    let mut add = |found: Option<PrintedDate>| {
        if let Some(date) = found
            && !out
                .iter()
                .any(|d| d.range.start < date.range.end && date.range.start < d.range.end)
        {
            out.push(date);
        }
    };
    for c in YEAR_FIRST.captures_iter(text) {
        let year = c[0][..4].parse().unwrap_or(0);
        add(date(text, &c, year, sure(&c[4], &c[3])));
    }
    for c in NUMERIC.captures_iter(text) {
        let parts = Parts::Open(c[1].parse().unwrap_or(0), c[3].parse().unwrap_or(0));
        add(date(text, &c, year(&c[4]), Some(parts)));
    }
    for c in DAY_AND_NAME.captures_iter(text) {
        let parts = month_of(&c[2]).map(|month| Parts::Sure {
            day: c[1].parse().unwrap_or(0),
            month,
        });
        add(date(text, &c, year(c[3].trim_start_matches('\'')), parts));
    }
    for c in NAME_AND_DAY.captures_iter(text) {
        let parts = month_of(&c[1]).map(|month| Parts::Sure {
            day: c[2].parse().unwrap_or(0),
            month,
        });
        add(date(text, &c, year(&c[3]), parts));
    }
    if out.is_empty() {
        out.extend(glued(text));
    }
    out.sort_by_key(|d| d.range.start);
    out
}

/// Nothing proves that it is a date: one with separators is preferred.
fn glued(text: &str) -> Option<PrintedDate> {
    let c = GLUED.captures(text)?;
    let date = date(text, &c, year(&c[3]), sure(&c[1], &c[2]))?;
    Some(PrintedDate {
        has_century: false,
        ..date
    })
}

fn sure(day: &str, month: &str) -> Option<Parts> {
    Some(Parts::Sure {
        day: day.parse().ok()?,
        month: month.parse().ok()?,
    })
}

fn year(text: &str) -> u16 {
    match text.parse::<u16>() {
        Ok(short) if text.len() == 2 => 2000 + short,
        Ok(year) => year,
        Err(_) => 0,
    }
}

/// Refuses what is part of a longer number and what is no day of the calendar in any order.
fn date(text: &str, found: &Captures<'_>, year: u16, parts: Option<Parts>) -> Option<PrintedDate> {
    let range = found.get(0)?.range();
    let (before, after) = (&text[..range.start], &text[range.end..]);
    if before.ends_with(|c: char| c.is_ascii_digit())
        || before.ends_with(['/', '.'])
            && before.len() > 1
            && before[..before.len() - 1].ends_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    // A time may be glued to a four-digit year: `19/10/201820:49`.
    let has_century = range.len() >= 4
        && text[range.end - 4..range.end]
            .bytes()
            .all(|b| b.is_ascii_digit())
        || text[range.clone()].starts_with(['1', '2'])
            && text[range.clone()]
                .bytes()
                .take(4)
                .all(|b| b.is_ascii_digit());
    if after.starts_with(|c: char| c.is_ascii_digit())
        && !(has_century && after.as_bytes().get(2).copied() == Some(b':'))
    {
        return None;
    }
    let date = PrintedDate {
        range,
        year,
        parts: parts?,
        has_century,
    };
    // Prices such as `1.50 20` have two digits behind the first separator, but then no second one.
    (date.iso(Order::DayFirst).is_some() || date.iso(Order::MonthFirst).is_some()).then_some(date)
}

fn is_date(year: u16, month: u8, day: u8) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u8::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1980..2100).contains(&year) && (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::{Order, find};

    fn iso(text: &str, order: Order) -> Vec<String> {
        find(text).iter().filter_map(|d| d.iso(order)).collect()
    }

    #[test]
    fn every_form_of_a_date_gives_the_same_day() {
        for text in [
            "14/03/2026",
            "14-03-2026",
            "14.03.2026",
            "14.3.26",
            "2026-03-14",
            "2026/03/14",
            "14 March 2026",
            "14 Mar 2026",
            "14-Mar-2026",
            "14/MAR/2026",
            "14. März 2026",
            "14 mars 2026",
            "14 de marzo de 2026",
            "March 14, 2026",
            "Mar 14 2026",
            "14th March, 2026",
            "14MAR2026",
            "14 MAR 26",
            "14 maart 2026",
        ] {
            assert_eq!(iso(text, Order::DayFirst), ["2026-03-14"], "{text}");
        }
    }

    #[test]
    fn every_day_of_four_years_survives_both_orders() {
        for year in 2023..2027 {
            for month in 1..=12 {
                for day in 1..=28 {
                    let expected = format!("{year}-{month:02}-{day:02}");
                    assert_eq!(
                        iso(&format!("{day:02}/{month:02}/{year}"), Order::DayFirst),
                        [expected.as_str()]
                    );
                    assert_eq!(
                        iso(&format!("{month:02}/{day:02}/{year}"), Order::MonthFirst),
                        [expected.as_str()]
                    );
                }
            }
        }
    }

    #[test]
    fn a_time_glued_to_the_year_does_not_hide_the_date() {
        assert_eq!(iso("19/10/201820:49:59", Order::DayFirst), ["2018-10-19"]);
        assert_eq!(
            iso("DATE:19/10/2018 20:49", Order::DayFirst),
            ["2018-10-19"]
        );
    }

    #[test]
    fn what_is_no_day_of_the_calendar_is_no_date() {
        for text in [
            "31/02/2026",
            "45/45/2026",
            "03-7845 8155",
            "1.50 20",
            "192.168.10.20",
            "000306020352",
            "99032026",
        ] {
            assert!(find(text).is_empty(), "{text}: {:?}", find(text));
        }
    }
}
