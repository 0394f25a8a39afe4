//! Blocks around the names: the vendor's address and tax number, the name and address of the receiver.

use super::company::{ADDRESS, CONTACT, REGISTER};
use super::lexicon::Kind;
use super::reading::{Reading, Spot};
use super::text::squeeze;
use super::vendor::Vendor;

/// Text with its places, line by line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block {
    pub(super) text: String,
    pub(super) spots: Vec<Spot>,
}

/// Lines of one address are at most this many heights of the text apart.
const STEP: f32 = 2.3;
/// The first line may be further below a name in large print, or below a label.
const FIRST_STEP: f32 = 3.2;
/// No address has more lines.
const MOST_LINES: usize = 6;

/// What stands below the vendor's name up to the first label or gap.
pub(super) fn vendor_address(reading: &Reading<'_>, vendor: &Vendor) -> Option<Block> {
    let mut lines = block_below(reading, vendor.spots.last()?, Alignment::Any);
    // A slogan may stand between the name and the address.
    let is_address = |spot: &Spot| {
        let text = reading.raw(spot);
        text.contains(',') || text.chars().any(|c| c.is_ascii_digit()) || ADDRESS.is_match(text)
    };
    if let Some(first) = lines.iter().position(is_address) {
        lines.drain(..first);
    }
    joined(reading, lines).or_else(|| address_in_sender_line(reading, vendor))
}

/// `Name · Street 3 · 48565 Town`, where nothing stands below the name itself.
fn address_in_sender_line(reading: &Reading<'_>, vendor: &Vendor) -> Option<Block> {
    let sender = sender_line(reading, vendor)?;
    let text = reading.raw(&sender);
    let mut parts = text.split(['·', '•', '|', '*']).map(str::trim);
    parts.next()?;
    let parts: Vec<&str> = parts.filter(|p| !p.is_empty()).collect();
    (!parts.is_empty()).then(|| Block {
        text: parts.join(", "),
        spots: vec![sender.clone()],
    })
}

/// Name and address of whom the document is for: below a label, or below the sender's line of a window envelope.
pub(super) fn receiver(
    reading: &Reading<'_>,
    vendor: Option<&Vendor>,
) -> (Option<Block>, Option<Block>) {
    let labelled = reading.found.iter().enumerate().find_map(|(line, found)| {
        let hit = found.labels.iter().find(|l| l.meaning == Kind::Customer)?;
        let segment = reading.lines[line].segment_at(hit.range.start);
        let rest = hit.range.end..segment.end;
        let behind = reading.lines[line].text[rest.clone()].trim_start_matches([' ', ':', '.']);
        let start = rest.end - behind.len();
        let label = Spot {
            line,
            range: hit.range.clone(),
        };
        let mut block = block_below(reading, &label, Alignment::Left);
        if behind.chars().filter(|c| c.is_alphabetic()).count() > 2 {
            block.insert(
                0,
                Spot {
                    line,
                    range: start..rest.end,
                },
            );
        }
        (!block.is_empty()).then_some(block)
    });
    let window = || {
        let sender = sender_line(reading, vendor?)?;
        Some(block_below(reading, &sender, Alignment::Left))
    };
    let mut block = labelled.or_else(window).unwrap_or_default();
    let address = block.split_off(block.len().min(1));
    (joined(reading, block), joined(reading, address))
}

/// The vendor's number with the tax office, without spaces.
pub(super) fn tax_number(reading: &Reading<'_>) -> Option<Block> {
    reading.found.iter().enumerate().find_map(|(line, found)| {
        found
            .labels
            .iter()
            .filter(|l| l.meaning == Kind::TaxId)
            .find_map(|hit| {
                let text = &reading.lines[line].text;
                let next = found.labels.iter().find(|l| l.range.start >= hit.range.end);
                let end = next.map_or(text.len(), |l| l.range.start);
                let range = number_in(text, hit.range.end, end)?;
                let number = text[range.clone()].split_whitespace().collect();
                Some(Block {
                    text: number,
                    spots: vec![Spot { line, range }],
                })
            })
    })
}

/// Words with digits behind a label, joined; enough of them to be a number.
fn number_in(text: &str, from: usize, to: usize) -> Option<std::ops::Range<usize>> {
    let part = text.get(from..to)?;
    let begin = part.find(|c: char| c.is_alphanumeric())?;
    let mut end = begin;
    for word in part[begin..].split_inclusive([' ', '\t']) {
        let bare = word.trim_end_matches([' ', '\t']);
        if !bare.chars().any(|c| c.is_ascii_digit()) {
            break;
        }
        end += word.len();
        // What stands in the next column is another number.
        if word.ends_with('\t') {
            break;
        }
    }
    let number = part[begin..end].trim_end_matches(|c: char| !c.is_alphanumeric());
    let digits = number.chars().filter(|c| c.is_ascii_digit()).count();
    let is_number = digits >= 6 && number.len() <= 24;
    is_number.then_some(from + begin..from + begin + number.len())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alignment {
    Left,
    /// Left, right or centred.
    Any,
}

/// Segments below a place that are aligned with it, line after line.
fn block_below(reading: &Reading<'_>, head: &Spot, alignment: Alignment) -> Vec<Spot> {
    let mut out: Vec<Spot> = Vec::new();
    let mut last = head.line;
    for line in head.line + 1..reading.lines.len() {
        let (above, text) = (&reading.lines[last], &reading.lines[line]);
        let height = above.height.max(text.height);
        let step = if out.is_empty() { FIRST_STEP } else { STEP };
        if text.page != above.page || text.y - above.y > step * height || out.len() == MOST_LINES {
            break;
        }
        let mut segments = text.segments().map(|range| Spot { line, range });
        let is_only = text.segments().count() == 1 && alignment == Alignment::Any;
        let is_below = |s: &Spot| {
            is_aligned(reading, head, s, alignment) || is_only && reading.is_same_column(head, s)
        };
        let Some(spot) = segments.find(is_below) else {
            continue;
        };
        if is_register(reading.raw(&spot)) {
            last = line;
            continue;
        }
        if is_explained(reading, &spot) {
            // Numbers of registers and taxes, or the date, may come before the address.
            if out.is_empty() && alignment == Alignment::Any && line < head.line + 4 {
                last = line;
                continue;
            }
            break;
        }
        out.push(spot);
        last = line;
    }
    out
}

fn is_aligned(reading: &Reading<'_>, head: &Spot, spot: &Spot, alignment: Alignment) -> bool {
    let ((a_left, a_right), (b_left, b_right)) = (reading.extent(head), reading.extent(spot));
    let slack = 1.2
        * reading.lines[spot.line]
            .height
            .max(reading.lines[head.line].height);
    let is_left = (a_left - b_left).abs() < slack;
    let is_other = (a_right - b_right).abs() < slack
        || ((a_left + a_right) - (b_left + b_right)).abs() < 3.0 * slack;
    is_left || alignment == Alignment::Any && is_other
}

/// A segment that begins with a label, holds a date, an amount of money or a way to write or call.
fn is_explained(reading: &Reading<'_>, spot: &Spot) -> bool {
    let found = &reading.found[spot.line];
    let is_inside = |range: &std::ops::Range<usize>| {
        range.start >= spot.range.start && range.end <= spot.range.end
    };
    let text = reading.raw(spot);
    let has_label = found.labels.iter().any(|l| {
        let begins = l.range.start <= spot.range.start + 3 && is_inside(&l.range);
        begins
            && !matches!(
                l.meaning,
                Kind::Tax | Kind::Shipping | Kind::Carried | Kind::Paid
            )
    });
    has_label
        || found.dates.iter().any(|d| is_inside(&d.range))
        || found.money().any(|a| is_inside(&a.range))
        || CONTACT.is_match(text)
        || text.contains('@')
        || text.to_lowercase().contains("www.")
        || super::rows::is_table_head(reading, spot.line)
}

/// Only the number of the companies' register.
fn is_register(text: &str) -> bool {
    squeeze(&REGISTER.replace(text, "")).len() < 3
}

/// The small line above the window of an envelope: the vendor's name with its address.
fn sender_line(reading: &Reading<'_>, vendor: &Vendor) -> Option<Spot> {
    let name = squeeze(&vendor.name);
    (0..reading.lines.len()).find_map(|line| {
        let text = &reading.lines[line];
        let segment = text.segments().next()?;
        let printed = squeeze(&text.text[segment.clone()]);
        let is_sender =
            text.page == 0 && printed.starts_with(&name) && printed.len() > name.len() + 8;
        is_sender.then_some(Spot {
            line,
            range: segment,
        })
    })
}

/// Lines joined by commas; `None` for no lines.
fn joined(reading: &Reading<'_>, spots: Vec<Spot>) -> Option<Block> {
    let line = |spot: &Spot| {
        let text = reading.raw(spot).replace('\t', " ");
        text.trim_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';'))
            .to_owned()
    };
    let lines: Vec<String> = spots.iter().map(line).filter(|l| !l.is_empty()).collect();
    let text = lines.join(", ");
    (!text.is_empty()).then_some(Block { text, spots })
}

#[cfg(test)]
mod tests {
    use super::{receiver, tax_number, vendor_address};
    use crate::document::reading::Reading;
    use crate::document::testing::written;
    use crate::document::vendor::vendor;

    #[test]
    fn addresses_end_where_labels_begin() {
        let pages = [written(&[
            "Larkmoor Office Supply Ltd",
            "4 Foundry Lane",
            "Leeds LS9 8QR",
            "VAT Reg No. GB123456789",
            "Bill To:",
            "Thornfield Dental Group",
            "12 Abbey Walk",
            "Invoice No: 12",
        ])];
        let reading = Reading::of(&pages);
        let vendor = vendor(&reading).unwrap();
        assert_eq!(
            vendor_address(&reading, &vendor).unwrap().text,
            "4 Foundry Lane, Leeds LS9 8QR"
        );
        let (name, address) = receiver(&reading, Some(&vendor));
        assert_eq!(name.unwrap().text, "Thornfield Dental Group");
        assert_eq!(address.unwrap().text, "12 Abbey Walk");
        assert_eq!(tax_number(&reading).unwrap().text, "GB123456789");
    }
}
