//! Words to lines by overlap in height, after undoing the page's local slope (skew and perspective).
//!
//! A line's text holds its words in order, a space inside a segment and a tab between segments: a segment ends
//! where the gap is wider than words of one phrase are apart.

use std::ops::Range;

use crate::geometry::{BoundingBox, Page, Word};

use super::slopes::{Slopes, middle_and_height};

/// Gap that ends a segment, in heights of the text.
const SEGMENT_GAP: f32 = 0.85;

/// The engine's name for words that a PDF carries itself.
const TEXT_LAYER: &str = "text_layer";

/// One line of one page.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Index into the pages.
    pub(super) page: usize,
    /// Words joined by spaces and tabs.
    pub(super) text: String,
    /// Levelled middle of the line in units of the page's width, y downwards.
    pub(super) y: f32,
    /// Median height of the words, same unit.
    pub(super) height: f32,
    /// Whether an engine guessed the characters, so that they may be misread.
    pub(super) is_recognised: bool,
    words: Vec<Placed>,
}

/// A word inside a line. Coordinates are in widths of the page on both axes, so that they can be compared.
#[derive(Clone, Debug)]
struct Placed {
    range: Range<usize>,
    left: f32,
    right: f32,
    height: f32,
    bounds: BoundingBox,
    confidence: f32,
}

impl Line {
    /// Byte ranges of the segments in `text`, left to right.
    pub(super) fn segments(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut start = 0;
        self.text.split('\t').map(move |part| {
            let range = start..start + part.len();
            start = range.end + 1;
            range
        })
    }

    /// The segment that holds this byte.
    pub(super) fn segment_at(&self, at: usize) -> Range<usize> {
        self.segments()
            .find(|s| s.start <= at && at <= s.end)
            .unwrap_or(0..self.text.len())
    }

    /// Horizontal extent of a part of the text, in widths of the page.
    pub(super) fn extent(&self, range: &Range<usize>) -> (f32, f32) {
        let parts = self.parts(range);
        let left = parts
            .iter()
            .map(|(w, from, _)| w.left + (w.right - w.left) * from)
            .fold(f32::MAX, f32::min);
        let right = parts
            .iter()
            .map(|(w, _, to)| w.left + (w.right - w.left) * to)
            .fold(0.0, f32::max);
        (left.min(right), right)
    }

    /// The box of a part of the text; of words that are only partly inside, the matching share.
    pub(super) fn bounds(&self, range: &Range<usize>) -> BoundingBox {
        let parts = self
            .parts(range)
            .into_iter()
            .map(|(word, from, to)| BoundingBox {
                left: word.bounds.left + word.bounds.width * from,
                width: word.bounds.width * (to - from),
                ..word.bounds
            });
        parts.reduce(|a, b| a.union(&b)).unwrap_or_default()
    }

    /// The engine's lowest confidence over the words of a part of the text.
    pub(super) fn confidence(&self, range: &Range<usize>) -> f32 {
        self.parts(range)
            .iter()
            .map(|(word, ..)| word.confidence)
            .fold(1.0, f32::min)
    }

    /// Mean height of the words of a part of the text, in widths of the page.
    pub(super) fn height_of(&self, range: &Range<usize>) -> f32 {
        let parts = self.parts(range);
        parts.iter().map(|(word, ..)| word.height).sum::<f32>() / parts.len().max(1) as f32
    }

    /// The words: their place in `text` and their horizontal extent.
    pub(super) fn words(&self) -> impl Iterator<Item = (Range<usize>, f32, f32)> + '_ {
        self.words
            .iter()
            .map(|w| (w.range.clone(), w.left, w.right))
    }

    /// Words that the range touches, with the shares of their width where it begins and ends.
    fn parts(&self, range: &Range<usize>) -> Vec<(&Placed, f32, f32)> {
        let touched = self
            .words
            .iter()
            .filter(|w| w.range.start < range.end && range.start < w.range.end);
        touched
            .map(|w| {
                let length = w.range.len().max(1) as f32;
                let from = range.start.saturating_sub(w.range.start) as f32 / length;
                let to = (range.end.min(w.range.end) - w.range.start) as f32 / length;
                (w, from, to)
            })
            .collect()
    }
}

/// All lines of all pages, from top to bottom.
pub(super) fn from_pages(pages: &[Page]) -> Vec<Line> {
    pages
        .iter()
        .enumerate()
        .flat_map(|(index, page)| of_page(index, page))
        .collect()
}

/// Height of a word's middle on the levelled page, its own height, and the word.
type Levelled<'a> = (f32, f32, &'a Word);

fn of_page(index: usize, page: &Page) -> Vec<Line> {
    let ratio = if page.width > 0.0 {
        page.height / page.width
    } else {
        1.0
    };
    let words: Vec<&Word> = page
        .words
        .iter()
        .filter(|w| !w.text.trim().is_empty())
        .collect();
    // A text layer is level; looking for its slope would only cost time.
    let slopes = if page.engine == TEXT_LAYER {
        Slopes::level()
    } else {
        Slopes::of(&words, ratio)
    };
    let mut levelled: Vec<Levelled<'_>> = words
        .into_iter()
        .map(|word| {
            let (middle, height) = middle_and_height(word, ratio);
            (
                middle - slopes.at(middle) * (word.bounds.left + word.bounds.width / 2.0),
                height,
                word,
            )
        })
        .collect();
    levelled.sort_by(|a, b| a.2.bounds.left.total_cmp(&b.2.bounds.left));

    let rows = into_rows(levelled);
    let mut lines: Vec<Line> = rows
        .iter()
        .map(|row| line(index, &page.engine, row))
        .collect();
    lines.sort_by(|a, b| a.y.total_cmp(&b.y));
    lines
}

/// Each word joins the row whose end it continues.
fn into_rows(levelled: Vec<Levelled<'_>>) -> Vec<Vec<Levelled<'_>>> {
    let mut rows: Vec<Vec<Levelled<'_>>> = Vec::new();
    for entry in levelled {
        let distance = |row: &[Levelled<'_>]| {
            // Compared with the last few words, so that what is left of the slope does not add up.
            let tail = &row[row.len().saturating_sub(3)..];
            let y = tail.iter().map(|w| w.0).sum::<f32>() / tail.len() as f32;
            let height = tail
                .iter()
                .map(|w| w.1)
                .fold(f32::MAX, f32::min)
                .min(entry.1);
            let last = row.last().map_or(0.0, |w| w.2.bounds.right());
            let overlap = last - entry.2.bounds.left;
            ((y - entry.0).abs(), height, overlap)
        };
        let near = rows.iter_mut().filter_map(|row| {
            let (away, height, overlap) = distance(row);
            (away < 0.5 * height && overlap < entry.2.bounds.width.min(height) * 0.6)
                .then_some((away, row))
        });
        match near.min_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((_, row)) => row.push(entry),
            None => rows.push(vec![entry]),
        }
    }
    rows
}

fn line(page: usize, engine: &str, row: &[Levelled<'_>]) -> Line {
    let mut heights: Vec<f32> = row.iter().map(|w| w.1).collect();
    heights.sort_by(f32::total_cmp);
    let height = heights[heights.len() / 2];
    let mut text = String::new();
    let mut words: Vec<Placed> = Vec::with_capacity(row.len());
    for (_, word_height, word) in row {
        if let Some(last) = words.last() {
            let gap = word.bounds.left - last.right;
            let is_wide = gap > SEGMENT_GAP * height;
            text.push(if is_wide { '\t' } else { ' ' });
        }
        let start = text.len();
        let letters = word.text.trim().chars();
        text.extend(letters.map(|c| if c.is_whitespace() { ' ' } else { c }));
        words.push(Placed {
            range: start..text.len(),
            left: word.bounds.left,
            right: word.bounds.right(),
            height: *word_height,
            bounds: word.bounds,
            confidence: word.confidence,
        });
    }
    let y = row.iter().map(|w| w.0).sum::<f32>() / row.len() as f32;
    Line {
        page,
        text,
        y,
        height,
        is_recognised: engine != TEXT_LAYER,
        words,
    }
}

#[cfg(test)]
mod tests {
    use super::from_pages;
    use crate::document::testing::{page, word};

    #[test]
    fn a_wide_gap_separates_segments() {
        let page = page(vec![
            word("Total", 0.1, 0.5),
            word("due", 0.136, 0.5),
            word("12.00", 0.8, 0.5),
        ]);
        let lines = from_pages(&[page]);
        assert_eq!(lines[0].text, "Total due\t12.00");
    }

    #[test]
    fn a_slanted_row_of_a_skewed_page_stays_one_line() {
        let mut words = Vec::new();
        for row in 0..6 {
            for column in 0..12 {
                let left = 0.05 + 0.07 * column as f32;
                words.push(word(
                    "abcdefgh",
                    left,
                    0.1 + 0.03 * row as f32 + 0.02 * left,
                ));
            }
        }
        let lines = from_pages(&[page(words)]);
        assert_eq!(lines.len(), 6);
        assert!(
            lines
                .iter()
                .all(|line| line.text.split_whitespace().count() == 12)
        );
    }

    #[test]
    fn the_box_of_a_part_covers_only_its_share_of_a_word() {
        let lines = from_pages(&[page(vec![word("RM23.60", 0.1, 0.5)])]);
        let (whole, part) = (lines[0].bounds(&(0..7)), lines[0].bounds(&(2..7)));
        assert!(part.left > whole.left && (part.right() - whole.right()).abs() < 1e-6);
    }
}
