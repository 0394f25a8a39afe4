//! Rows of the table of goods: numbers by column, descriptions with their wrapped lines, across pages.

use std::ops::Range;

use super::amounts::Amount;
use super::decimal::Decimal;
use super::descriptions;
use super::lexicon::{Column, Kind};
use super::reading::{Reading, Spot};
use super::rows::is_table_head;
use super::table::{Table, tables};

/// A number of an item with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    pub(super) value: Decimal,
    pub(super) spot: Spot,
}

/// One thing bought.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Item {
    pub(super) description: Vec<Spot>,
    pub(super) code: Option<Spot>,
    pub(super) quantity: Option<Number>,
    pub(super) unit_price: Option<Number>,
    pub(super) price: Option<Number>,
}

impl Item {
    /// Whether quantity times unit price is the price; `None` when one of them is not printed.
    pub(super) fn is_consistent(&self) -> Option<bool> {
        let (quantity, unit, price) = (
            self.quantity.as_ref()?,
            self.unit_price.as_ref()?,
            self.price.as_ref()?,
        );
        Some(quantity.value.times(unit.value).is_near(price.value))
    }
}

/// Items of all tables, top to bottom.
pub(super) fn line_items(reading: &Reading<'_>) -> Vec<Item> {
    let tables = tables(reading);
    let Some(first) = tables.first() else {
        return Vec::new();
    };
    let mut items = Vec::new();
    let mut page = reading.lines[first.lines.start].page;
    let last_page = reading.lines.last().map_or(0, |l| l.page);
    let mut table = first;
    loop {
        let mut on_page = (0..reading.lines.len()).filter(|&i| reading.lines[i].page == page);
        let start = if reading.lines[table.lines.start].page == page {
            table.lines.end
        } else {
            on_page.clone().next().unwrap_or(0)
        };
        let end = on_page.next_back().map_or(0, |l| l + 1);
        // Sums of groups of goods stand between rows; the last of them is followed by none.
        let last_row = (start..end)
            .rfind(|&line| is_full_row(reading, table, line))
            .unwrap_or(start);
        let stop = (start..end)
            .find(|&line| is_end(reading, table, line) && line > last_row)
            .unwrap_or(end);
        items.extend(of_region(reading, table, start..stop));
        page += 1;
        if stop < end && !is_carried_over(reading, stop..end) || page > last_page {
            return items;
        }
        // A page without its own head goes on with the columns of the page before.
        table = tables
            .iter()
            .find(|t| reading.lines[t.lines.start].page == page)
            .unwrap_or(table);
    }
}

/// A row whose quantity and unit price give its price.
fn is_full_row(reading: &Reading<'_>, table: &Table, line: usize) -> bool {
    let cells = cells(reading, table, line);
    let value = |column| {
        cells
            .iter()
            .find(|(known, _)| *known == column)
            .map(|(_, a)| a.value)
    };
    match (
        value(Column::Quantity),
        value(Column::UnitPrice),
        value(Column::Price),
    ) {
        (Some(quantity), Some(unit), Some(price)) => quantity.times(unit).is_near(price),
        _ => false,
    }
}

/// The line of the first sum. Names of goods may contain the same words, but then have a quantity.
fn is_end(reading: &Reading<'_>, table: &Table, line: usize) -> bool {
    let found = &reading.found[line];
    let is_sum = found.labels.iter().any(|l| {
        let starts_segment = reading.lines[line].segment_at(l.range.start).start == l.range.start;
        let is_sum = matches!(
            l.meaning,
            Kind::Subtotal
                | Kind::NetTotal
                | Kind::TotalBeforeTax
                | Kind::Total
                | Kind::GrandTotal
                | Kind::TaxTotal
                | Kind::TaxSummary
        );
        is_sum && starts_segment
    });
    if is_sum {
        let numbers = cells(reading, table, line);
        return !numbers
            .iter()
            .any(|(column, _)| *column == Column::Quantity)
            && !is_table_head(reading, line);
    }
    false
}

/// A sum that goes on from one page to the next: the words fill their segment, as they do in no description.
fn is_carried(reading: &Reading<'_>, line: usize) -> bool {
    let text = &reading.lines[line];
    let found = &reading.found[line];
    found
        .labels
        .iter()
        .filter(|l| l.meaning == Kind::Carried)
        .any(|l| {
            let segment = &text.text[text.segment_at(l.range.start)];
            let letters = segment.chars().filter(|c| c.is_alphabetic()).count();
            l.range.len() * 10 >= letters * 6
        })
}

/// `Total qty: 15` and the like, which describe no row.
fn is_count(reading: &Reading<'_>, line: usize) -> bool {
    let labels = &reading.found[line].labels;
    labels
        .first()
        .is_some_and(|l| l.meaning == Kind::Other && l.range.start == 0)
}

fn is_carried_over(reading: &Reading<'_>, rest: Range<usize>) -> bool {
    rest.clone().any(|line| is_carried(reading, line))
}

/// Numbers of a line by column. A number between words belongs to the description.
fn cells<'r>(reading: &'r Reading<'_>, table: &Table, line: usize) -> Vec<(Column, &'r Amount)> {
    let height = reading.lines[line].height;
    let mut out: Vec<(Column, &Amount)> = Vec::new();
    for amount in &reading.found[line].amounts {
        let (left, right) = reading.lines[line].extent(&amount.range);
        if is_among_words(reading, line, amount) {
            continue;
        }
        let Some(column) = table.numeric(left, right, 2.6 * height) else {
            continue;
        };
        if matches!(column, Column::Quantity | Column::UnitPrice | Column::Price) {
            out.retain(|(known, _)| *known != column);
            out.push((column, amount));
        }
    }
    out
}

/// Whether letters stand before the number in its segment, or behind it other than a unit.
fn is_among_words(reading: &Reading<'_>, line: usize, amount: &Amount) -> bool {
    let text = &reading.lines[line].text;
    let segment = reading.lines[line].segment_at(amount.range.start);
    let start = amount
        .currency
        .as_ref()
        .map_or(amount.range.start, |c| c.1.start.min(amount.range.start));
    let before = text[segment.start..start.max(segment.start)]
        .chars()
        .filter(|c| c.is_alphabetic())
        .count();
    let after = text[amount.range.end.min(segment.end)..segment.end]
        .chars()
        .filter(|c| c.is_alphabetic())
        .count();
    (before > 1 && !amount.is_money()) || after > 5
}

/// Whether a number fills its segment, and something stands before it.
fn stands_alone(reading: &Reading<'_>, spot: &Spot) -> bool {
    let line = &reading.lines[spot.line];
    line.segment_at(spot.range.start) == spot.range && spot.range.start > 0
}

/// What stands in the columns with numbers.
fn numbers(reading: &Reading<'_>, table: &Table, line: usize) -> Item {
    let cells = cells(reading, table, line);
    let number = |column| {
        let (_, amount) = cells.iter().find(|(known, _)| *known == column)?;
        Some(Number {
            value: amount.value,
            spot: Spot {
                line,
                range: amount.range.clone(),
            },
        })
    };
    Item {
        quantity: number(Column::Quantity),
        unit_price: number(Column::UnitPrice),
        price: number(Column::Price),
        ..Item::default()
    }
}

/// Items between the head and the first sum.
fn of_region(reading: &Reading<'_>, table: &Table, region: Range<usize>) -> Vec<Item> {
    let mut rows: Vec<(usize, Item)> = Vec::new();
    let mut orphans: Vec<usize> = Vec::new();
    let mut unpriced: Vec<(usize, Item)> = Vec::new();
    for line in region.clone() {
        let is_title = reading.lines[line].text.starts_with("--");
        let is_sum = is_end(reading, table, line);
        if is_carried(reading, line) || is_table_head(reading, line) || is_title || is_sum {
            continue;
        }
        let item = numbers(reading, table, line);
        let stands_alone = |q: &Number| stands_alone(reading, &q.spot);
        if item.price.is_some() || item.quantity.is_some() && item.unit_price.is_some() {
            rows.push((line, item));
        } else if item.quantity.as_ref().is_some_and(stands_alone) {
            let quantity = item.quantity;
            let item = Item {
                quantity,
                ..Item::default()
            };
            unpriced.push((line, item));
        } else if !is_count(reading, line) {
            orphans.push(line);
        }
    }
    // Where each price has its quantity beside it, a quantity without a price is a part of a set.
    if rows.len() > 1 && rows.iter().all(|(_, item)| item.quantity.is_some()) {
        rows.extend(unpriced);
        rows.sort_by_key(|(line, _)| *line);
    } else {
        orphans.extend(unpriced.into_iter().map(|(line, _)| line));
        orphans.sort_unstable();
    }
    descriptions::attach(reading, table, &mut rows, &orphans);
    rows.into_iter().map(|(_, item)| item).collect()
}
