//! Which words describe which row of the table of goods: its own line, and the wrapped lines around it.

use std::ops::Range;

use super::lexicon::Column;
use super::line_items::Item;
use super::reading::{Reading, Spot};
use super::table::Table;
use super::text_columns::TextColumns;

/// Lines of one description are at most this many heights of the text apart.
const WRAP: f32 = 2.4;
/// A line belongs to what is below only when that is clearly nearer than what is above.
const NEARER: f32 = 0.9;

/// Gives each row the words of its own line and of the lines around that have no numbers of their own.
pub(super) fn attach(
    reading: &Reading<'_>,
    table: &Table,
    rows: &mut [(usize, Item)],
    orphans: &[usize],
) {
    let anchors: Vec<usize> = rows.iter().map(|(line, _)| *line).collect();
    let columns = TextColumns::of(reading, table, &anchors);
    let mut texts: Vec<Vec<Spot>> = Vec::new();
    for (line, item) in rows.iter_mut() {
        let used = numbers(item);
        let own = words(reading, &columns, *line, Column::Item, &used);
        item.code = words(reading, &columns, *line, Column::Code, &used);
        match own {
            // Where the column of descriptions holds article numbers, as on tills, they are codes.
            Some(spot) if is_code(reading.raw(&spot)) => {
                item.code.get_or_insert(spot);
                texts.push(Vec::new());
            }
            Some(spot) => {
                let (code, rest) = without_code(reading, spot);
                item.code = item.code.take().or(code);
                texts.push(vec![rest]);
            }
            None => texts.push(Vec::new()),
        }
    }
    let words_on = |&line: &usize| words(reading, &columns, line, Column::Item, &[]);
    let wrapped: Vec<Spot> = orphans.iter().filter_map(words_on).collect();
    let is_above = stand_above(&texts, &anchors, &wrapped);
    for spot in &wrapped {
        if let Some(row) = row_of(reading, &anchors, &wrapped, spot.line, is_above) {
            texts[row].push(spot.clone());
        }
    }
    for ((_, item), mut text) in rows.iter_mut().zip(texts) {
        text.sort_by_key(|s| s.line);
        item.description = text;
    }
}

/// Where most rows carry no words themselves, their description stands before or behind all of them alike.
fn stand_above(texts: &[Vec<Spot>], anchors: &[usize], wrapped: &[Spot]) -> bool {
    let bare = texts.iter().filter(|t| t.is_empty()).count();
    let starts_above = wrapped
        .first()
        .zip(anchors.first())
        .is_some_and(|(w, a)| w.line < *a);
    bare * 2 > texts.len() && starts_above
}

/// Follows a line to the row it belongs to, from neighbour to nearer neighbour.
fn row_of(
    reading: &Reading<'_>,
    anchors: &[usize],
    wrapped: &[Spot],
    line: usize,
    is_above: bool,
) -> Option<usize> {
    let is_text = |at: &usize| anchors.contains(at) || wrapped.iter().any(|s| s.line == *at);
    let mut at = line;
    let mut came_from = None;
    for _ in 0..=wrapped.len() {
        if let Some(row) = anchors.iter().position(|a| *a == at) {
            return Some(row);
        }
        let above = (0..at)
            .rfind(is_text)
            .filter(|i| step(reading, *i, at) < WRAP);
        let below = (at + 1..reading.lines.len())
            .find(is_text)
            .filter(|i| step(reading, at, *i) < WRAP);
        let next = match (above, below) {
            (_, Some(below)) if is_above => below,
            (Some(above), Some(below)) => {
                let is_below = step(reading, at, below) < NEARER * step(reading, above, at);
                if is_below { below } else { above }
            }
            (above, below) => above.or(below)?,
        };
        if came_from == Some(next) {
            return None;
        }
        came_from = Some(at);
        at = next;
    }
    None
}

/// Distance from one line down to another in heights of the text; without end across pages.
fn step(reading: &Reading<'_>, above: usize, below: usize) -> f32 {
    let (a, b) = (&reading.lines[above], &reading.lines[below]);
    if a.page == b.page {
        (b.y - a.y) / a.height.max(b.height)
    } else {
        f32::MAX
    }
}

fn numbers(item: &Item) -> Vec<Spot> {
    let numbers = [&item.quantity, &item.unit_price, &item.price];
    numbers
        .into_iter()
        .flatten()
        .map(|n| n.spot.clone())
        .collect()
}

/// `[FURN_7777] Office chair`: a code in square brackets before the name, as some shops print it.
fn without_code(reading: &Reading<'_>, spot: Spot) -> (Option<Spot>, Spot) {
    let text = &reading.lines[spot.line].text[spot.range.clone()];
    let parts = text.strip_prefix('[').and_then(|t| t.split_once(']'));
    let Some((code, name)) = parts else {
        return (None, spot);
    };
    let is_code = code.len() > 1
        && code
            .chars()
            .all(|c| c.is_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '/'));
    let name = name.trim();
    if !is_code || !name.chars().any(char::is_alphabetic) {
        return (None, spot);
    }
    let (line, start) = (spot.line, spot.range.start + 1);
    let at = |range| Spot { line, range };
    let rest = spot.range.end - name.len()..spot.range.end;
    (Some(at(start..start + code.len())), at(rest))
}

/// Only digits, and so many that it is no quantity.
fn is_code(text: &str) -> bool {
    text.len() >= 4 && text.chars().all(|c| c.is_ascii_digit())
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
        // A quantity that stands close before a code is no part of it.
        let segment = text.segment_at(range.start);
        let first = text
            .words()
            .find(|(word, ..)| word.start >= segment.start && !is_used(word));
        let begins = first.map_or(*left, |(_, begins, _)| begins);
        columns.column_of(begins, *left, text.height) == Some(column) && !is_used(range)
    });
    // Units behind a number are no part of the description.
    let first = text
        .words()
        .find(|(range, left, _)| is_used(range) && columns.is_behind_item(*left));
    let end = first.map_or(usize::MAX, |(range, ..)| range.start);
    let inside = inside.filter(|(range, ..)| column != Column::Item || range.start < end);
    let inside = inside.filter(|(range, ..)| {
        let segment = text.segment_at(range.start);
        let is_number = !text.text[segment.clone()].chars().any(char::is_alphabetic);
        column != Column::Item
            || !is_number
            || columns.is_at_item(text.extent(&segment).0, text.height)
    });
    let ranges: Vec<Range<usize>> = inside.map(|(range, ..)| range).collect();
    let range = ranges.first()?.start..ranges.last()?.end;
    let is_text = text.text[range.clone()].chars().any(char::is_alphanumeric);
    is_text.then_some(Spot { line, range })
}
