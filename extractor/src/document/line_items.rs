//! Rows of the table of goods: numbers by column, descriptions with their wrapped lines, across pages.

use std::ops::Range;

use super::amounts::Amount;
use super::decimal::Decimal;
use super::lexicon::{Column, Kind};
use super::reading::{Reading, Spot};
use super::rows::is_table_head;
use super::table::{Table, tables};
use super::text_columns::TextColumns;

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

/// Wrapped lines are at most this many heights of the text from their row.
const WRAP: f32 = 2.4;

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

/// A sum that goes on from one page to the next. The words may also stand inside a description.
fn is_carried(reading: &Reading<'_>, line: usize) -> bool {
    let text = &reading.lines[line];
    let carried = reading.found[line]
        .labels
        .iter()
        .filter(|l| l.meaning == Kind::Carried);
    carried
        .into_iter()
        .any(|l| text.segment_at(l.range.start).start == l.range.start)
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

/// Items between the head and the first sum.
fn of_region(reading: &Reading<'_>, table: &Table, region: Range<usize>) -> Vec<Item> {
    let mut rows: Vec<(usize, Item)> = Vec::new();
    let mut orphans: Vec<usize> = Vec::new();
    for line in region.clone() {
        let is_title = reading.lines[line].text.starts_with("--");
        let is_sum = is_end(reading, table, line);
        if is_carried(reading, line) || is_table_head(reading, line) || is_title || is_sum {
            continue;
        }
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
        let (quantity, unit_price, price) = (
            number(Column::Quantity),
            number(Column::UnitPrice),
            number(Column::Price),
        );
        if price.is_some() || quantity.is_some() && unit_price.is_some() {
            rows.push((
                line,
                Item {
                    quantity,
                    unit_price,
                    price,
                    ..Item::default()
                },
            ));
        } else {
            orphans.push(line);
        }
    }
    attach(reading, table, &mut rows, &orphans);
    rows.into_iter().map(|(_, item)| item).collect()
}

/// Gives each row the words of its own line and of the lines around that have no numbers of their own.
fn attach(reading: &Reading<'_>, table: &Table, rows: &mut [(usize, Item)], orphans: &[usize]) {
    let anchors: Vec<usize> = rows.iter().map(|(line, _)| *line).collect();
    let columns = TextColumns::of(reading, table, &anchors);
    let numbered: Vec<Vec<Spot>> = rows.iter().map(|(_, item)| numbers(item)).collect();
    let own: Vec<Option<Spot>> = anchors
        .iter()
        .zip(&numbered)
        .map(|(&line, used)| words(reading, &columns, line, Column::Item, used))
        .collect();
    // Where the item column holds article numbers, as on tills, they are codes.
    let (codes, own): (Vec<Option<Spot>>, Vec<Option<Spot>>) = own
        .into_iter()
        .map(|spot| match spot {
            Some(spot) if is_code(reading.raw(&spot)) => (Some(spot), None),
            other => (None, other),
        })
        .unzip();
    // Where rows carry no words themselves, their description stands on the line before or behind all of them.
    let is_above = own.iter().filter(|o| o.is_none()).count() * 2 > own.len()
        && orphans
            .first()
            .is_some_and(|&o| anchors.first().is_some_and(|&a| o < a));
    let mut texts: Vec<Vec<Spot>> = own.into_iter().map(|o| o.into_iter().collect()).collect();
    for &orphan in orphans {
        let Some(spot) = words(reading, &columns, orphan, Column::Item, &[]) else {
            continue;
        };
        let line = &reading.lines[orphan];
        let near = anchors.iter().enumerate().filter(|(_, a)| {
            let anchor = &reading.lines[**a];
            let away = (anchor.y - line.y).abs();
            away < WRAP * anchor.height.max(line.height) && (!is_above || **a > orphan)
        });
        // Between two rows at the same distance, a line belongs to the row above it.
        let distance = |a: usize| {
            (reading.lines[a].y - line.y).abs()
                + if a > orphan && !is_above {
                    0.2 * line.height
                } else {
                    0.0
                }
        };
        let nearest = near
            .min_by(|a, b| distance(*a.1).total_cmp(&distance(*b.1)))
            .map(|(i, _)| i);
        let chained = || {
            texts.iter().position(|t| {
                t.last()
                    .is_some_and(|s| s.line + 1 == orphan && is_step(reading, s.line, orphan))
            })
        };
        if let Some(index) = nearest.or_else(chained) {
            texts[index].push(spot);
        }
    }
    for ((((line, item), mut text), used), code) in
        rows.iter_mut().zip(texts).zip(&numbered).zip(codes)
    {
        text.sort_by_key(|s| s.line);
        item.description = text;
        item.code = code.or_else(|| words(reading, &columns, *line, Column::Code, used));
    }
}

/// Only digits, and so many that it is no quantity.
fn is_code(text: &str) -> bool {
    text.len() >= 4 && text.chars().all(|c| c.is_ascii_digit())
}

/// Whether one line follows the other like lines of one paragraph.
fn is_step(reading: &Reading<'_>, above: usize, below: usize) -> bool {
    let (a, b) = (&reading.lines[above], &reading.lines[below]);
    a.page == b.page && b.y - a.y < 1.6 * a.height.max(b.height)
}

fn numbers(item: &Item) -> Vec<Spot> {
    [&item.quantity, &item.unit_price, &item.price]
        .into_iter()
        .flatten()
        .map(|n| n.spot.clone())
        .collect()
}

/// The words of a line that stand in a text column and are none of the row's numbers.
fn words(
    reading: &Reading<'_>,
    columns: &TextColumns,
    line: usize,
    column: Column,
    used: &[Spot],
) -> Option<Spot> {
    let text = &reading.lines[line];
    let is_used = |range: &Range<usize>| {
        used.iter()
            .any(|s| s.line == line && s.range.start < range.end && range.start < s.range.end)
    };
    let inside = text.words().filter(|(range, left, _)| {
        let begins = text.extent(&text.segment_at(range.start)).0;
        columns.column_of(begins, *left, text.height) == Some(column) && !is_used(range)
    });
    // Units behind a number are no part of the description.
    let first = text
        .words()
        .find(|(range, left, _)| is_used(range) && columns.is_behind_item(*left));
    let end = first.map_or(usize::MAX, |(range, ..)| range.start);
    let inside = inside.filter(|(range, ..)| column != Column::Item || range.start < end);
    let ranges: Vec<Range<usize>> = inside.map(|(range, ..)| range).collect();
    let range = ranges.first()?.start..ranges.last()?.end;
    let is_text = text.text[range.clone()].chars().any(char::is_alphanumeric);
    is_text.then_some(Spot { line, range })
}
