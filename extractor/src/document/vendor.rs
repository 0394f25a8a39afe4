//! Who sent the document: by legal form, size, place and repetition; never the addressee.

use super::company::{ADDRESS, LEGAL_FORM, REGISTER, clean};
use super::lexicon::Kind;
use super::reading::{Reading, Spot};
use super::text::{letter_share, squeeze};

mod score;

use score::{Candidate, score, usual_height};

/// A name with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Vendor {
    pub(super) name: String,
    pub(super) spots: Vec<Spot>,
    /// How sure it is, 0..=1.
    pub(super) likeness: f32,
}

/// Words of one name are at most this many heights apart.
const WORD_SPACE: f32 = 1.6;

/// The most likely name; `None` when nothing on the first page looks like one.
pub(super) fn vendor(reading: &Reading<'_>) -> Option<Vendor> {
    let usual = usual_height(reading);
    let mut candidates = candidates(reading, usual);
    let top = candidates.first().map_or(0, |c| c.spots[0].line);
    for candidate in &mut candidates {
        candidate.score = score(reading, candidate, usual, top);
    }
    let best = candidates
        .iter()
        .max_by(|a, b| a.score.total_cmp(&b.score))
        .filter(|best| best.score > 0.0)?;
    let runner_up = candidates
        .iter()
        .filter(|c| c.text != best.text)
        .map(|c| c.score)
        .fold(0.0, f32::max);
    let likeness = (0.55 + 0.12 * (best.score - runner_up) + 0.04 * best.score).clamp(0.3, 0.97);
    let name = clean(&best.text);
    Some(Vendor {
        spots: trimmed(reading, &best.spots),
        name,
        likeness,
    })
}

/// What looks like a name at the head of the first page, each with the lines that continue it.
fn candidates(reading: &Reading<'_>, usual: f32) -> Vec<Candidate> {
    let addressee = addressee(reading);
    let mut candidates: Vec<Candidate> = Vec::new();
    for line in 0..head(reading) {
        for range in pieces(reading, line) {
            let spot = Spot { line, range };
            if addressee.contains(&spot) || !is_name(reading, &spot) {
                continue;
            }
            match candidates
                .iter_mut()
                .find(|c| continues(reading, c, &spot, usual))
            {
                Some(begun) => begun.add(reading, spot),
                None => candidates.push(Candidate::of(reading, spot)),
            }
        }
    }
    candidates
}

/// Segments of a line, those together that are less than a wide word space apart: large print is spaced widely.
fn pieces(reading: &Reading<'_>, line: usize) -> Vec<std::ops::Range<usize>> {
    let text = &reading.lines[line];
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    for segment in text.segments() {
        let gap = out
            .last()
            .map(|last| text.extent(&segment).0 - text.extent(last).1);
        match out.last_mut() {
            Some(last) if gap.is_some_and(|gap| gap < WORD_SPACE * text.height) => {
                last.end = segment.end;
            }
            _ => out.push(segment),
        }
    }
    out
}

/// The first lines of the first page: above the first amount and the table of goods, but at least a few.
fn head(reading: &Reading<'_>) -> usize {
    let first_page = reading.lines.iter().take_while(|l| l.page == 0).count();
    let table = (0..first_page)
        .find(|&i| super::rows::is_table_head(reading, i))
        .unwrap_or(first_page);
    let money = (0..first_page)
        .find(|&i| i >= 4 && reading.found[i].money().next().is_some())
        .unwrap_or(first_page);
    table.min(money).max(3).min(first_page).min(25)
}

/// Segments that belong to a block under "Bill to" and the like.
fn addressee(reading: &Reading<'_>) -> Vec<Spot> {
    let mut out = Vec::new();
    for (line, found) in reading.found.iter().enumerate() {
        for hit in found
            .labels
            .iter()
            .filter(|l| matches!(l.meaning, Kind::Customer | Kind::Delivery))
        {
            let label = Spot {
                line,
                range: hit.range.clone(),
            };
            out.push(Spot {
                line,
                range: reading.lines[line].segment_at(hit.range.start),
            });
            if let Some(behind) = reading.lines[line]
                .segments()
                .find(|s| s.start > hit.range.end)
            {
                out.push(Spot {
                    line,
                    range: behind,
                });
            }
            for below in reading.below(line, 9.0) {
                for range in reading.lines[below].segments() {
                    let spot = Spot { line: below, range };
                    if (reading.extent(&spot).0 - reading.extent(&label).0).abs()
                        < 2.0 * reading.lines[line].height
                    {
                        out.push(spot);
                    }
                }
            }
        }
    }
    out
}

/// Mostly letters, and not explained by the lexicon.
fn is_name(reading: &Reading<'_>, spot: &Spot) -> bool {
    let text = reading.raw(spot);
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let inside = |l: &&super::labels::Hit<Kind>| {
        l.range.start >= spot.range.start && l.range.end <= spot.range.end
    };
    let explained: usize = reading.found[spot.line]
        .labels
        .iter()
        .filter(inside)
        .filter(|l| {
            !matches!(
                l.meaning,
                Kind::Service
                    | Kind::Paid
                    | Kind::Account
                    | Kind::Shipping
                    | Kind::Carried
                    | Kind::Tax
            )
        })
        .map(|l| squeeze(&reading.lines[spot.line].text[l.range.clone()]).len())
        .sum();
    let is_contact =
        text.contains('@') && text.contains('.') || text.to_lowercase().contains("www.");
    letters >= 3
        && letter_share(&REGISTER.replace(text, "")) > 0.55
        && explained * 2 < squeeze(text).len()
        && !starts_with_label(reading, spot)
        && !is_contact
}

/// Whether the first words announce a number, a date or the like.
fn starts_with_label(reading: &Reading<'_>, spot: &Spot) -> bool {
    let labels = &reading.found[spot.line].labels;
    labels.iter().any(|l| {
        l.range.start == spot.range.start
            && l.range.end <= spot.range.end
            && matches!(
                l.meaning,
                Kind::TaxId
                    | Kind::Contact
                    | Kind::Number
                    | Kind::Date
                    | Kind::Due
                    | Kind::PurchaseOrder
            )
    })
}

/// Whether a segment is the next line of a name: equally large print below it, or the rest of a bracket or legal form.
fn continues(reading: &Reading<'_>, begun: &Candidate, next: &Spot, usual: f32) -> bool {
    let Some(last) = begun.spots.last() else {
        return false;
    };
    let (above, below) = (&reading.lines[last.line], &reading.lines[next.line]);
    let text = reading.raw(next);
    let gap = below.y - above.y;
    let is_below = gap > 0.4 * above.height
        && gap < 2.0 * above.height.max(below.height)
        && reading.is_same_column(last, next);
    if !is_below || begun.spots.len() > 2 {
        return false;
    }
    let height = below.height_of(&next.range) / above.height_of(&last.range);
    let left = (reading.extent(last).0 - reading.extent(next).0).abs();
    let is_large = begun.height > 1.35 * usual
        && (height - 1.0).abs() < 0.2
        && left < above.height
        && !ADDRESS.is_match(text);
    let is_open = begun.text.matches('(').count() > begun.text.matches(')').count();
    let has_digits = text.chars().any(|c| c.is_ascii_digit());
    let starts_with_form = LEGAL_FORM.find(text).is_some_and(|m| m.start() == 0);
    let is_branch = text.starts_with('(') && LEGAL_FORM.is_match(text);
    let is_form =
        (starts_with_form || is_branch) && !has_digits && !LEGAL_FORM.is_match(&begun.text);
    is_open || is_form || (is_large && !LEGAL_FORM.is_match(&begun.text))
}

/// The places without the register's number, so that the box shows just the name.
fn trimmed(reading: &Reading<'_>, spots: &[Spot]) -> Vec<Spot> {
    let shorten = |spot: &Spot| {
        let text = &reading.lines[spot.line].text[spot.range.clone()];
        let kept = REGISTER.find(text).map_or(text.len(), |m| m.start());
        let end = if kept < 3 {
            spot.range.end
        } else {
            spot.range.start + kept
        };
        Spot {
            line: spot.line,
            range: spot.range.start..end,
        }
    };
    spots.iter().map(shorten).collect()
}

#[cfg(test)]
mod tests {
    use super::vendor;
    use crate::document::reading::Reading;
    use crate::document::testing::written;

    fn name(lines: &[&str]) -> Option<String> {
        vendor(&Reading::of(&[written(lines)])).map(|v| v.name)
    }

    #[test]
    fn the_legal_form_outweighs_the_first_line() {
        assert_eq!(
            name(&[
                "CITY MILK",
                "R&C VENTURE SDN BHD (1191015-W)",
                "LOT-18A-2, TIMES SQUARE"
            ])
            .as_deref(),
            Some("R&C VENTURE SDN BHD")
        );
    }

    #[test]
    fn the_addressee_is_not_the_vendor() {
        assert_eq!(
            name(&[
                "Copperline Outfitters",
                "210 Harbor Street",
                "Bill To:",
                "Blue Mesa Rentals Ltd",
                "88 Canyon Drive"
            ])
            .as_deref(),
            Some("Copperline Outfitters")
        );
    }

    #[test]
    fn the_name_of_the_website_outweighs_a_slogan_and_handwriting() {
        assert_eq!(
            name(&[
                "Furniture for people",
                "Copper Lantern",
                "12 Quay Street",
                "info@copper-lantern.example"
            ])
            .as_deref(),
            Some("Copper Lantern")
        );
        assert_eq!(
            name(&["lim mei ling", "NORTHGATE GIFTS", "27 MARKET STREET"]).as_deref(),
            Some("NORTHGATE GIFTS")
        );
    }

    #[test]
    fn an_address_without_a_name_is_no_vendor() {
        assert_eq!(
            name(&["Lot 17920 Sek U9, Shah Alam", "GST Reg No : 001951645696"]),
            None
        );
    }

    #[test]
    fn a_name_in_open_brackets_goes_on_below() {
        assert_eq!(
            name(&[
                "NORTHGATE HARDWARE",
                "ENTERPRISE (HILL",
                "SIDE) SDN BHD",
                "822737-X"
            ])
            .as_deref(),
            Some("NORTHGATE HARDWARE ENTERPRISE (HILL SIDE) SDN BHD")
        );
    }
}
