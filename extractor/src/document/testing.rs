//! Words and pages for the tests of this module.

use crate::geometry::{BoundingBox, Page, Word};

/// A word of ordinary size on a square page; `y` is its middle.
pub(super) fn word(text: &str, left: f32, y: f32) -> Word {
    let width = 0.006 * text.chars().count() as f32;
    Word {
        text: text.to_owned(),
        bounds: BoundingBox {
            left,
            top: y - 0.006,
            width,
            height: 0.012,
        },
        confidence: 0.98,
    }
}

pub(super) fn page(words: Vec<Word>) -> Page {
    Page {
        number: 1,
        width: 1000.0,
        height: 1000.0,
        engine: "ppocr".to_owned(),
        words,
    }
}

/// A page from lines of text; `|` moves to the right-hand column.
pub(super) fn written(lines: &[&str]) -> Page {
    let mut words = Vec::new();
    for (row, line) in lines.iter().enumerate() {
        let y = 0.05 + 0.02 * row as f32;
        for (column, part) in line.split('|').enumerate() {
            let mut left = 0.05 + 0.2 * column as f32;
            for text in part.split_whitespace() {
                words.push(word(text, left, y));
                left += 0.006 * (text.chars().count() + 1) as f32;
            }
        }
    }
    page(words)
}
