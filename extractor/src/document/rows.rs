//! Amounts with the label that announces them: on the same line, or below it in the same column.

use super::amounts::Amount;
use super::decimal::Decimal;
use super::lexicon::Kind;
use super::reading::{Reading, Spot};

/// One labelled amount.
#[derive(Clone, Debug)]
pub(super) struct MoneyRow {
    pub(super) kind: Kind,
    pub(super) value: Decimal,
    pub(super) spot: Spot,
    /// How sure it is that the label belongs to the amount, 0..=1.
    pub(super) likeness: f32,
    /// Whether it stands in the table of tax rates at the foot.
    pub(super) is_summary: bool,
}

/// How far below a label its amount may stand, in heights of the label.
const BELOW: f32 = 2.6;

fn is_money_kind(kind: Kind) -> bool {
    match kind {
        Kind::GrandTotal | Kind::Total | Kind::NetTotal | Kind::Subtotal | Kind::TotalBeforeTax => {
            true
        }
        Kind::Tax
        | Kind::TaxTotal
        | Kind::Discount
        | Kind::Shipping
        | Kind::Service
        | Kind::Rounding => true,
        Kind::Paid | Kind::Change | Kind::Other | Kind::Carried => true,
        Kind::TaxSummary
        | Kind::Number
        | Kind::Date
        | Kind::Due
        | Kind::PurchaseOrder
        | Kind::Original => false,
        Kind::Customer
        | Kind::Delivery
        | Kind::TaxId
        | Kind::Account
        | Kind::Contact
        | Kind::Title => false,
    }
}

/// All labelled amounts, from top to bottom.
pub(super) fn money_rows(reading: &Reading<'_>) -> Vec<MoneyRow> {
    let summary = summary_lines(reading);
    let mut rows = Vec::new();
    for (index, found) in reading.found.iter().enumerate() {
        let is_header = is_table_head(reading, index);
        let labels = found.labels.iter().enumerate();
        for (at, hit) in labels.filter(|(_, h)| is_money_kind(h.meaning)) {
            let end = found.labels[at + 1..]
                .iter()
                .find(|l| is_money_kind(l.meaning))
                .map_or(usize::MAX, |l| l.range.start);
            let is_between = |a: &&Amount| a.range.start >= hit.range.end && a.range.end <= end;
            let here = found.money().filter(is_between).last();
            let certainty = 1.0 - 0.15 * hit.edits as f32;
            let label = Spot {
                line: index,
                range: hit.range.clone(),
            };
            let amount = match here {
                Some(amount) => {
                    let range = amount.range.clone();
                    Some((amount.value, Spot { line: index, range }, 1.0))
                }
                None if !is_header && end == usize::MAX => {
                    beside(reading, &label).or_else(|| beneath(reading, &label))
                }
                None => None,
            };
            rows.extend(amount.map(|(value, spot, share)| MoneyRow {
                kind: hit.meaning,
                value,
                spot,
                likeness: certainty * share,
                is_summary: summary[index],
            }));
        }
    }
    rows
}

/// The head of a table: several column names and no amount.
pub(super) fn is_table_head(reading: &Reading<'_>, line: usize) -> bool {
    let found = &reading.found[line];
    found.headers.len() >= 3 && found.money().next().is_none()
}

/// An amount on its own that stands so close above or below that the page must have bent.
fn beside(reading: &Reading<'_>, label: &Spot) -> Option<(Decimal, Spot, f32)> {
    let line = &reading.lines[label.line];
    let near = [label.line.checked_sub(1), Some(label.line + 1)]
        .into_iter()
        .flatten();
    near.filter(|&i| i < reading.lines.len() && reading.lines[i].page == line.page)
        .find_map(|i| {
            let other = &reading.lines[i];
            let is_near = (other.y - line.y).abs() < 0.85 * line.height.max(other.height);
            let amount = reading.found[i].money().last()?;
            let is_alone =
                reading.found[i].labels.is_empty() && other.text.len() <= amount.range.len() + 6;
            let spot = Spot {
                line: i,
                range: amount.range.clone(),
            };
            (is_near && is_alone && reading.extent(&spot).0 > reading.extent(label).1).then_some((
                amount.value,
                spot,
                0.9,
            ))
        })
}

/// An amount below the label in its column, if nothing else announces it.
fn beneath(reading: &Reading<'_>, label: &Spot) -> Option<(Decimal, Spot, f32)> {
    reading.below(label.line, BELOW).find_map(|i| {
        reading.found[i].money().find_map(|amount| {
            let spot = Spot {
                line: i,
                range: amount.range.clone(),
            };
            let segment = reading.lines[i].segment_at(amount.range.start);
            let is_own = reading.found[i]
                .labels
                .iter()
                .any(|l| l.range.end <= amount.range.start && is_money_kind(l.meaning));
            // Prices stand in a row with other things; an announced amount has its segment for itself.
            let is_alone = segment.len() <= amount.range.len() + 6;
            (!is_own && is_alone && reading.is_same_column(label, &spot)).then_some((
                amount.value,
                spot,
                0.75,
            ))
        })
    })
}

/// Per line, whether it belongs to a table of tax rates.
fn summary_lines(reading: &Reading<'_>) -> Vec<bool> {
    let mut page = usize::MAX;
    let mut inside = false;
    let mut rest = 0;
    let mark = |(line, found): (&super::lines::Line, &super::reading::Found)| {
        if line.page != page {
            (page, inside) = (line.page, false);
        }
        if found.has(Kind::TaxSummary) {
            (inside, rest) = (true, 8);
        } else if inside {
            rest -= 1;
            inside = rest > 0;
        }
        inside
    };
    reading.lines.iter().zip(&reading.found).map(mark).collect()
}
