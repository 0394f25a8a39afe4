//! Numbers that name things: of the invoice or receipt, of the order.

use super::labels::Hit;
use super::lexicon::Kind;
use super::reading::{Reading, Spot};
use super::text::squeeze;

/// Characters beside a label in its segment; more make a sentence.
const MOST_AROUND: usize = 12;

/// A number as printed, with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Identifier {
    pub(super) value: String,
    pub(super) spot: Spot,
    /// How sure it is that this number was meant, 0..=1.
    pub(super) likeness: f32,
}

/// How far below its label a number may stand, in heights of the label.
const BELOW: f32 = 2.6;

/// The best number that a label of this kind announces.
pub(super) fn identifier(reading: &Reading<'_>, kind: Kind) -> Option<Identifier> {
    let mut best: Option<Identifier> = None;
    for (line, found) in reading.found.iter().enumerate() {
        for hit in found.labels.iter().filter(|l| l.meaning == kind) {
            let quality = quality(&squeeze(&reading.lines[line].text[hit.range.clone()]));
            // `Invoice #` names a number as clearly as `Invoice No`.
            let is_numbered = reading.lines[line].text[hit.range.end..]
                .trim_start()
                .starts_with('#');
            let quality = if is_numbered { 1.0 } else { quality };
            let here = beside(reading, line, hit).map(|spot| (spot, 0.97));
            // A bare word such as "Invoice" is often the title, with anything below it.
            let below = || {
                let spot = beneath(reading, line, hit)?;
                (quality >= 0.9 || follows_hash(reading, &spot)).then_some((spot, 0.93))
            };
            let Some((spot, nearness)) = here.or_else(below) else {
                continue;
            };
            let likeness = quality * nearness - 0.08 * hit.edits as f32;
            if best.as_ref().is_none_or(|known| likeness > known.likeness) {
                best = Some(Identifier {
                    value: reading.raw(&spot).to_owned(),
                    spot,
                    likeness,
                });
            }
        }
    }
    best
}

/// How surely a label names the document itself, from its folded text.
fn quality(label: &str) -> f32 {
    const WEAK: [&str; 14] = [
        "check",
        "bill",
        "trans",
        "transaction",
        "transno",
        "cb",
        "inv",
        "rcpt",
        "orderno",
        "refno",
        "slipno",
        "ticketno",
        "taxinv",
        "csno",
    ];
    const BARE: [&str; 2] = ["invoice", "receipt"];
    match label {
        l if BARE.contains(&l) => 0.86,
        l if WEAK.contains(&l) => 0.89,
        "documentno" | "docno" => 0.96,
        _ => 1.0,
    }
}

/// Right of the label on its line, up to the next label.
fn beside(reading: &Reading<'_>, line: usize, hit: &Hit<Kind>) -> Option<Spot> {
    let text = &reading.lines[line].text;
    let next = reading.found[line]
        .labels
        .iter()
        .find(|l| l.range.start >= hit.range.end);
    let end = next.map_or(text.len(), |l| l.range.start);
    let range = number_in(text, hit.range.end, end)?;
    let spot = Spot { line, range };
    let is_date = reading.found[line]
        .dates
        .iter()
        .any(|d| d.range.start <= spot.range.start && spot.range.start < d.range.end);
    (!is_date).then_some(spot)
}

/// `#` before a number says what it is, also below a bare title.
fn follows_hash(reading: &Reading<'_>, spot: &Spot) -> bool {
    reading.lines[spot.line].text[..spot.range.start]
        .trim_end()
        .ends_with('#')
}

/// Below the label in its column. Not below a word of a sentence.
fn beneath(reading: &Reading<'_>, line: usize, hit: &Hit<Kind>) -> Option<Spot> {
    let label = Spot {
        line,
        range: hit.range.clone(),
    };
    let segment = reading.lines[line].segment_at(hit.range.start);
    let around = segment.len().saturating_sub(hit.range.len());
    if around > MOST_AROUND {
        return None;
    }
    reading.below(line, BELOW).find_map(|below| {
        let other = &reading.lines[below];
        other.segments().find_map(|segment| {
            let range = number_in(&other.text, segment.start, segment.end)?;
            let before = other.text[segment.start..range.start].trim();
            let is_whole = (before.is_empty() || before == "#") && range.end == segment.end;
            let spot = Spot { line: below, range };
            let found = &reading.found[below];
            let is_other = found
                .dates
                .iter()
                .any(|d| d.range.start < spot.range.end && spot.range.start < d.range.end)
                || found
                    .money()
                    .any(|a| a.range.start < spot.range.end && spot.range.start < a.range.end);
            (is_whole && !is_other && reading.is_same_column(&label, &spot)).then_some(spot)
        })
    })
}

/// A number between two places of a text: behind colons and the like, the first word with a digit, together with a
/// short word of capitals before it (`PC 550218`).
fn number_in(text: &str, start: usize, end: usize) -> Option<std::ops::Range<usize>> {
    let part = text.get(start..end)?;
    let is_skipped = |c: char| {
        c.is_whitespace() || matches!(c, ':' | '#' | '.' | '-' | '°' | 'º' | '=' | ')' | '|' | ';')
    };
    let mut rest = part.trim_start_matches(is_skipped);
    for filler in ["No.", "NO.", "No", "NO", "Nr.", "Number", "n°", "nº", "Nº"] {
        if let Some(behind) = rest.strip_prefix(filler)
            && behind.starts_with(is_skipped)
        {
            rest = behind.trim_start_matches(is_skipped);
        }
    }
    let from = start + (part.len() - rest.len());
    let mut length = 0;
    for (index, token) in rest.split([' ', '\t']).enumerate() {
        let bare = token.trim_end_matches([',', ';', ':', '.', ')']);
        let has_digit = bare.chars().any(|c| c.is_ascii_digit());
        let is_code = bare
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '/' | '-' | '.' | '_' | '#' | '(' | ')'));
        if !is_code || bare.is_empty() || index > 1 || bare.len() > 28 {
            return None;
        }
        if has_digit {
            return Some(from..from + length + bare.len());
        }
        if bare.len() > 4
            || !bare
                .chars()
                .all(|c| c.is_uppercase() || c == '-' || c == '/')
        {
            return None;
        }
        length += token.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::identifier;
    use crate::document::lexicon::Kind;
    use crate::document::reading::Reading;
    use crate::document::testing::written;

    fn number(lines: &[&str]) -> Option<String> {
        identifier(&Reading::of(&[written(lines)]), Kind::Number).map(|i| i.value)
    }

    #[test]
    fn the_number_stands_beside_or_below_its_label() {
        assert_eq!(
            number(&["Invoice No: LM-20417"]).as_deref(),
            Some("LM-20417")
        );
        assert_eq!(
            number(&["Invoice number|Date", "PC 550218|1 May 2026"]).as_deref(),
            Some("PC 550218")
        );
        assert_eq!(
            number(&["RECEIPT NO. : CS1801/26874 DATE: 01/02/2018"]).as_deref(),
            Some("CS1801/26874")
        );
        assert_eq!(
            number(&["Facture n° F2026-1187"]).as_deref(),
            Some("F2026-1187")
        );
    }

    #[test]
    fn a_hash_below_the_title_announces_the_number() {
        assert_eq!(
            number(&["INVOICE", "# web_2026_117"]).as_deref(),
            Some("web_2026_117")
        );
    }

    #[test]
    fn a_title_a_date_and_a_tax_number_are_no_invoice_number() {
        assert_eq!(number(&["INVOICE", "14/03/2026"]), None);
        assert_eq!(number(&["TAX INVOICE", "GST ID : 000912345600"]), None);
    }
}
