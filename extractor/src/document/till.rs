//! Goods on till receipts, which have no columns: a price at the end of a line, its name on the same line or above.

use std::ops::Range;

use super::amounts::Amount;
use super::decimal::Decimal;
use super::lexicon::Kind;
use super::line_items::{Item, Number};
use super::reading::{Reading, Spot};
use super::rows::is_table_head;

/// Items above the first sum, top to bottom.
pub(super) fn till_items(reading: &Reading<'_>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut name: Option<Spot> = None;
    for line in 0..reading.lines.len() {
        if is_sum(reading, line) {
            if !items.is_empty() {
                break;
            }
            continue;
        }
        let found = &reading.found[line];
        if found.labels.iter().any(|l| !is_harmless(l.meaning))
            || is_table_head(reading, line)
            || !found.dates.is_empty()
        {
            name = None;
            continue;
        }
        match item_on(reading, line) {
            Some(mut item) => {
                if item.description.is_empty() {
                    item.description.extend(name.take());
                }
                if !item.description.is_empty() {
                    items.push(item);
                }
                name = None;
            }
            None => {
                let text = &reading.lines[line].text;
                let is_name = text.chars().any(char::is_alphabetic);
                name = is_name.then(|| spot(line, 0..text.len()));
            }
        }
    }
    items
}

fn is_sum(reading: &Reading<'_>, line: usize) -> bool {
    let sum = |k| {
        matches!(
            k,
            Kind::Subtotal
                | Kind::NetTotal
                | Kind::TotalBeforeTax
                | Kind::Total
                | Kind::GrandTotal
                | Kind::TaxTotal
                | Kind::Paid
                | Kind::Other
        )
    };
    let has_money = reading.found[line].money().next().is_some();
    has_money
        && reading.found[line]
            .labels
            .iter()
            .any(|l| sum(l.meaning) && l.range.start < 4)
}

/// Labels whose words are names of goods as well.
fn is_harmless(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Tax
            | Kind::Shipping
            | Kind::Paid
            | Kind::Account
            | Kind::Contact
            | Kind::Title
            | Kind::Carried
            | Kind::Number
            | Kind::Other
            | Kind::Customer
    )
}

/// A line that ends in a price, perhaps with a tax code behind it.
fn item_on(reading: &Reading<'_>, line: usize) -> Option<Item> {
    let text = &reading.lines[line].text;
    let amounts = &reading.found[line].amounts;
    let price = amounts.iter().rfind(|a| a.is_money())?;
    let behind = text[price.range.end..].chars();
    if behind.filter(|c| c.is_alphanumeric()).count() > 3 {
        return None;
    }
    let is_before = |a: &&Amount| a.range.end <= price.range.start && !a.is_percentage;
    let others: Vec<&Amount> = amounts.iter().filter(is_before).collect();
    let pair = product(&others, price.value);
    let number = |a: &Amount| Number {
        value: a.value,
        spot: spot(line, a.range.clone()),
    };
    let mut item = Item {
        price: Some(number(price)),
        ..Item::default()
    };
    let sign = price.currency.as_ref().map_or(usize::MAX, |c| c.1.start);
    let (mut start, mut end) = (0, price.range.start.min(sign));
    if let Some((quantity, unit)) = pair {
        item.quantity = Some(number(quantity));
        item.unit_price = Some(number(unit));
        end = end.min(quantity.range.start).min(unit.range.start);
        if text[..end].trim().is_empty() {
            start = quantity.range.end.max(unit.range.end);
            end = price.range.start.max(start);
        }
    } else if let Some(first) = others
        .first()
        .filter(|a| a.range.start == 0 && a.places == 0 && a.value < LARGE)
    {
        item.quantity = Some(number(first));
        start = first.range.end;
    }
    let beside = text.get(start..end).unwrap_or_default();
    name(&mut item, beside, line, start);
    Some(item)
}

fn spot(line: usize, range: Range<usize>) -> Spot {
    Spot { line, range }
}

/// Takes what stands beside the price for a name, or for a code where it is digits only.
fn name(item: &mut Item, name: &str, line: usize, start: usize) {
    let trimmed =
        name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '@' | '*' | ':' | '-' | '.'));
    let from = start + name.find(trimmed).unwrap_or(0);
    if trimmed.chars().filter(|c| c.is_alphabetic()).count() >= 2 {
        item.description
            .push(spot(line, from..from + trimmed.len()));
    } else if trimmed.len() >= 4 && trimmed.chars().all(|c| c.is_ascii_digit()) {
        item.code = Some(spot(line, from..from + trimmed.len()));
    }
}

/// No till sells more of a thing at once.
const LARGE: Decimal = Decimal::THOUSAND;

/// The quantity and the unit price among the numbers before a price.
fn product<'a>(numbers: &[&'a Amount], price: Decimal) -> Option<(&'a Amount, &'a Amount)> {
    for (index, a) in numbers.iter().enumerate() {
        for b in &numbers[index + 1..] {
            if a.value.times(b.value).is_near(price) && (b.is_money() || a.is_money()) {
                return Some(if b.is_money() { (a, b) } else { (b, a) });
            }
        }
    }
    None
}
