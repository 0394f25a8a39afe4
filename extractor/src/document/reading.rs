//! Everything that is found on the lines before anything is decided: numbers, dates, labels, column heads.

use std::ops::Range;

use crate::geometry::Page;
use crate::result::{Check, Field};

use super::amounts::{self, Amount, Notation};
use super::dates::{self, Order, PrintedDate};
use super::labels::{self, Hit};
use super::lexicon::{Column, Kind};
use super::lines::{self, Line};
use super::misread;

/// A document, read once.
pub(super) struct Reading<'a> {
    pages: &'a [Page],
    pub(super) lines: Vec<Line>,
    /// Per line.
    pub(super) found: Vec<Found>,
    pub(super) order: Order,
}

/// What stands on one line, each from left to right.
pub(super) struct Found {
    pub(super) amounts: Vec<Amount>,
    pub(super) dates: Vec<PrintedDate>,
    pub(super) labels: Vec<Hit<Kind>>,
    pub(super) headers: Vec<Hit<Column>>,
}

impl Found {
    pub(super) fn money(&self) -> impl Iterator<Item = &Amount> {
        self.amounts.iter().filter(|a| a.is_money())
    }

    pub(super) fn has(&self, kind: Kind) -> bool {
        self.labels.iter().any(|l| l.meaning == kind)
    }
}

/// A place in the document: part of the text of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) line: usize,
    pub(super) range: Range<usize>,
}

impl<'a> Reading<'a> {
    pub(super) fn of(pages: &'a [Page]) -> Self {
        let lines = lines::from_pages(pages);
        let notation = Notation::of(&lines);
        let found: Vec<Found> = lines.iter().map(|line| on(line, notation)).collect();
        let dated: Vec<(usize, PrintedDate)> = found
            .iter()
            .enumerate()
            .flat_map(|(i, f)| f.dates.iter().map(move |d| (i, d.clone())))
            .collect();
        let order = dates::order_of(&lines, &dated);
        Self {
            pages,
            lines,
            found,
            order,
        }
    }

    /// Of the first page; 1 when there is none.
    pub(super) fn height_over_width(&self) -> f32 {
        self.pages
            .first()
            .filter(|p| p.width > 0.0)
            .map_or(1.0, |p| p.height / p.width)
    }

    /// The text of a place as printed.
    pub(super) fn raw(&self, spot: &Spot) -> &str {
        self.lines[spot.line]
            .text
            .get(spot.range.clone())
            .unwrap_or_default()
            .trim()
    }

    /// The engine's lowest confidence over some places, 0..=1.
    pub(super) fn engine_confidence(&self, spots: &[Spot]) -> f32 {
        spots
            .iter()
            .map(|s| self.lines[s.line].confidence(&s.range))
            .fold(1.0, f32::min)
    }

    /// A field with its evidence. A value that is spread over several places keeps them all in `raw`, joined by
    /// `joint`; its box holds those on the first page. `None` when there is no place: nothing is invented.
    pub(super) fn field(
        &self,
        value: String,
        spots: &[Spot],
        joint: &str,
        confidence: f32,
        checks: Vec<Check>,
    ) -> Option<Field> {
        let first = spots.first()?;
        let page = self.lines[first.line].page;
        let on_page = spots.iter().filter(|s| self.lines[s.line].page == page);
        let bounds = on_page
            .map(|s| self.lines[s.line].bounds(&s.range))
            .reduce(|a, b| a.union(&b))?;
        let raw: Vec<&str> = spots
            .iter()
            .map(|s| self.raw(s))
            .filter(|r| !r.is_empty())
            .collect();
        if raw.is_empty() || value.is_empty() {
            return None;
        }
        Some(Field {
            value,
            raw: raw.join(joint).replace('\t', " "),
            page: self.pages[page].number,
            bounds,
            confidence,
            engine: self.pages[page].engine.clone(),
            checks,
        })
    }

    /// Lines below `line` on its page that are at most `heights` of its text away, nearest first.
    pub(super) fn below(&self, line: usize, heights: f32) -> impl Iterator<Item = usize> + '_ {
        let from = &self.lines[line];
        let limit = from.y + heights * from.height;
        (line + 1..self.lines.len())
            .take_while(move |&i| self.lines[i].page == from.page && self.lines[i].y <= limit)
            .filter(move |&i| self.lines[i].y > from.y + 0.4 * from.height)
    }

    /// Whether two places stand above each other: their extents overlap, or one begins or ends where the other does.
    pub(super) fn is_same_column(&self, a: &Spot, b: &Spot) -> bool {
        let ((a_left, a_right), (b_left, b_right)) = (self.extent(a), self.extent(b));
        let slack = self.lines[a.line].height;
        a_left < b_right && b_left < a_right
            || (a_left - b_left).abs() < slack
            || (a_right - b_right).abs() < slack
    }

    pub(super) fn extent(&self, spot: &Spot) -> (f32, f32) {
        self.lines[spot.line].extent(&spot.range)
    }
}

fn on(line: &Line, notation: Notation) -> Found {
    let text = if line.is_recognised {
        misread::repaired(&line.text)
    } else {
        line.text.clone()
    };
    let dates = dates::find(&text);
    let mut amounts = amounts::find(&text, notation);
    amounts.retain(|a| {
        dates
            .iter()
            .all(|d| a.range.end <= d.range.start || d.range.end <= a.range.start)
    });
    Found {
        amounts,
        dates,
        labels: labels::labels(line),
        headers: labels::headers(line),
    }
}
