//! The head of the table of goods and the extents of its columns.

use std::ops::Range;

use super::labels::Hit;
use super::lexicon::Column;
use super::reading::{Reading, Spot};

/// A column: where its head stands, and which part of the page is its own.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) column: Column,
    pub(super) left: f32,
    pub(super) right: f32,
}

/// A table's head.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Lines that the head takes, from the first to the last.
    pub(super) lines: Range<usize>,
    /// Left to right.
    pub(super) heads: Vec<Head>,
}

/// All heads of tables of goods, one per page at most.
pub(super) fn tables(reading: &Reading<'_>) -> Vec<Table> {
    let mut out: Vec<Table> = Vec::new();
    let mut line = 0;
    while line < reading.lines.len() {
        match at(reading, line) {
            Some(table) => {
                line = table.lines.end;
                let is_first = out.last().is_none_or(|t| {
                    reading.lines[t.lines.start].page != reading.lines[table.lines.start].page
                });
                if is_first {
                    out.push(table);
                }
            }
            None => line += 1,
        }
    }
    out
}

/// A head that starts on this line. Columns on the next lines belong to it when their boxes nearly touch.
fn at(reading: &Reading<'_>, line: usize) -> Option<Table> {
    let own = |index| names_on(reading, index);
    let is_head_line =
        |index: usize| reading.found[index].money().next().is_none() && own(index).next().is_some();
    if !is_head_line(line) {
        return None;
    }
    let mut hits: Vec<(Column, (f32, f32), String)> = own(line).collect();
    let mut end = line + 1;
    while end < reading.lines.len()
        && end < line + 4
        && is_head_line(end)
        && is_close(reading, end - 1, end)
    {
        hits.extend(own(end));
        end += 1;
    }
    hits.sort_by(|a, b| a.1.0.total_cmp(&b.1.0));
    // Of two heads above each other ("Unit" over "price"), the first stays.
    hits.dedup_by(|b, a| b.1.0 < a.1.1 - 0.002);
    let heads = settle(hits);
    let has = |column| heads.iter().any(|h| h.column == column);
    let is_table = heads.len() >= 3
        && has(Column::Price)
        && (has(Column::Item) || has(Column::Code))
        && (has(Column::Quantity) || has(Column::UnitPrice));
    is_table.then_some(Table {
        lines: line..end,
        heads,
    })
}

/// Columns named on this line, each with its extent and its word.
fn names_on(
    reading: &Reading<'_>,
    line: usize,
) -> impl Iterator<Item = (Column, (f32, f32), String)> {
    let hits = reading.found[line].headers.iter();
    let hits = hits.filter(move |h| stands_alone(reading, line, h));
    hits.map(move |h| {
        let range = h.range.clone();
        let extent = reading.extent(&Spot { line, range });
        (h.meaning, extent, word(reading, line, h))
    })
}

/// Column names fill their segment; words of a sentence do not count.
fn stands_alone(reading: &Reading<'_>, line: usize, hit: &Hit<Column>) -> bool {
    let text = &reading.lines[line].text;
    let segment = reading.lines[line].segment_at(hit.range.start);
    let inside = reading.found[line]
        .headers
        .iter()
        .filter(|h| h.range.start >= segment.start && h.range.end <= segment.end);
    let named: usize = inside.map(|h| h.range.len()).sum();
    let letters = text[segment].chars().filter(|c| c.is_alphabetic()).count();
    named * 10 >= letters * 6
}

fn word(reading: &Reading<'_>, line: usize, hit: &Hit<Column>) -> String {
    super::text::squeeze(&reading.lines[line].text[hit.range.clone()])
}

fn is_close(reading: &Reading<'_>, above: usize, below: usize) -> bool {
    let (a, b) = (&reading.lines[above], &reading.lines[below]);
    a.page == b.page && (b.y - a.y) < 1.5 * a.height.max(b.height)
}

/// Gives each column one head: "Item" beside "Description" is a code, the rightmost amount is the price.
fn settle(hits: Vec<(Column, (f32, f32), String)>) -> Vec<Head> {
    const CODE_LIKE: [&str; 4] = ["item", "items", "artikel", "article"];
    let described = hits
        .iter()
        .any(|h| h.0 == Column::Item && !CODE_LIKE.contains(&h.2.as_str()));
    let coded = hits.iter().any(|h| h.0 == Column::Code);
    let mut heads: Vec<Head> = Vec::new();
    for (column, (left, right), word) in hits {
        let is_code = described && CODE_LIKE.contains(&word.as_str());
        let column = match column {
            Column::Item if is_code && coded => Column::Unused,
            Column::Item if is_code => Column::Code,
            other => other,
        };
        heads.push(Head {
            column,
            left,
            right,
        });
    }
    // Where both are called a price, the rightmost is what the row costs.
    if heads.iter().all(|h| h.column != Column::Price)
        && let Some(unit) = heads.iter_mut().rfind(|h| h.column == Column::UnitPrice)
    {
        unit.column = Column::Price;
    }
    // Tables with two prices, before and after tax, calculate with the last one.
    for column in [Column::Price, Column::UnitPrice] {
        let last = heads.iter().rposition(|h| h.column == column);
        keep_one(&mut heads, column, last);
    }
    for column in [Column::Item, Column::Code, Column::Quantity] {
        let first = heads.iter().position(|h| h.column == column);
        keep_one(&mut heads, column, first);
    }
    heads
}

fn keep_one(heads: &mut [Head], column: Column, kept: Option<usize>) {
    for (index, head) in heads.iter_mut().enumerate() {
        if head.column == column && Some(index) != kept {
            head.column = Column::Unused;
        }
    }
}

impl Table {
    /// The numeric column that a number belongs to, by the nearest of its left edge, middle and right edge.
    pub(super) fn numeric(&self, left: f32, right: f32, slack: f32) -> Option<Column> {
        let distance = |h: &Head| {
            let middle = ((h.left + h.right) - (left + right)).abs() / 2.0;
            (h.left - left)
                .abs()
                .min((h.right - right).abs())
                .min(middle)
        };
        let numeric = self
            .heads
            .iter()
            .filter(|h| !matches!(h.column, Column::Item));
        let nearest = numeric.min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
        (distance(nearest) < slack).then_some(nearest.column)
    }
}
