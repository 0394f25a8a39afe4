//! Letters at their places to words in reading order.

use hayro::kurbo::{Point, Vec2};

use crate::geometry::{BoundingBox, Word};

/// One drawn letter, in points, y downwards.
pub(super) struct Letter {
    /// Usually one character; none of it is white space unless all of it is.
    pub(super) text: String,
    /// On the base line, before and after the letter.
    pub(super) start: Point,
    pub(super) end: Point,
    /// As long as the font is high.
    pub(super) up: Vec2,
}

/// A gap of this share of the font size parts two words.
const WORD_GAP: f64 = 0.18;
/// A step back or across of this share of the font size starts anew.
const JUMP: f64 = 0.4;
/// Letters reach this share of the font size above and below the base line.
const ASCENT: f64 = 0.75;
const DESCENT: f64 = 0.22;

/// Collects letters in the order of drawing.
pub(super) struct Assembler {
    width: f32,
    height: f32,
    open: Option<Open>,
    words: Vec<Word>,
}

struct Open {
    text: String,
    letters: Vec<(Point, char)>,
    end: Point,
    up: Vec2,
    low: Point,
    high: Point,
}

impl Assembler {
    /// For a page of this size in points.
    pub(super) fn new(width: f32, height: f32) -> Self {
        Self {
            width,
            height,
            open: None,
            words: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, letter: Letter) {
        if letter.text.chars().all(char::is_whitespace) {
            self.close();
            return;
        }
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.has_drawn(&letter))
        {
            return;
        }
        if self
            .open
            .as_ref()
            .is_some_and(|open| !open.continues_with(&letter))
        {
            self.close();
        }
        self.open
            .get_or_insert_with(|| Open::at(&letter))
            .add(&letter);
    }

    /// The words, row by row from the top, each row from the left.
    pub(super) fn finish(mut self) -> Vec<Word> {
        self.close();
        in_reading_order(self.words)
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let ratio = |v: f64, size: f32| (v as f32 / size).clamp(0.0, 1.0);
        let (left, top) = (
            ratio(open.low.x, self.width),
            ratio(open.low.y, self.height),
        );
        let (right, bottom) = (
            ratio(open.high.x, self.width),
            ratio(open.high.y, self.height),
        );
        // Letters beyond the edge of the page are not printed.
        if right > left && bottom > top {
            let bounds = BoundingBox {
                left,
                top,
                width: right - left,
                height: bottom - top,
            };
            let parts = open.text.split_whitespace().map(str::to_owned);
            self.words.extend(parts.map(|text| Word {
                text,
                bounds,
                confidence: 1.0,
            }));
        }
    }
}

impl Open {
    fn at(letter: &Letter) -> Self {
        Self {
            text: String::new(),
            letters: Vec::new(),
            end: letter.start,
            up: letter.up,
            low: letter.start,
            high: letter.start,
        }
    }

    /// Bold is sometimes faked by drawing a letter twice with a tiny shift.
    fn has_drawn(&self, letter: &Letter) -> bool {
        let near = 0.1 * self.up.hypot();
        let first = letter.text.chars().next();
        self.letters
            .iter()
            .any(|(at, c)| Some(*c) == first && (*at - letter.start).hypot() < near)
    }

    fn continues_with(&self, letter: &Letter) -> bool {
        let size = self.up.hypot().max(1e-6);
        let up = self.up / size;
        // The reading direction is a quarter turn to the right of up, with y downwards.
        let along = Vec2::new(-up.y, up.x);
        let step = letter.start - self.end;
        let (gap, rise) = (step.dot(along) / size, step.dot(up) / size);
        let turned = letter.up.normalize().dot(up) < 0.9;
        gap < WORD_GAP && gap > -JUMP && rise.abs() < JUMP && !turned
    }

    fn add(&mut self, letter: &Letter) {
        self.text.extend(letter.text.chars().map(plain));
        self.letters
            .extend(letter.text.chars().next().map(|c| (letter.start, c)));
        self.end = letter.end;
        self.up = letter.up;
        for base in [letter.start, letter.end] {
            for corner in [base + letter.up * ASCENT, base - letter.up * DESCENT] {
                self.low = Point::new(self.low.x.min(corner.x), self.low.y.min(corner.y));
                self.high = Point::new(self.high.x.max(corner.x), self.high.y.max(corner.y));
            }
        }
    }
}

/// Soft hyphens and their like look as hyphens do.
fn plain(c: char) -> char {
    match c {
        '\u{ad}' | '\u{2010}' | '\u{2011}' => '-',
        _ => c,
    }
}

fn in_reading_order(mut words: Vec<Word>) -> Vec<Word> {
    let middle = |w: &Word| w.bounds.top + w.bounds.height / 2.0;
    words.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
    let mut rows: Vec<Vec<Word>> = Vec::new();
    for word in words {
        match rows.last_mut() {
            Some(row)
                if middle(&word) - middle(&row[0])
                    < 0.5 * row[0].bounds.height.min(word.bounds.height) =>
            {
                row.push(word)
            }
            _ => rows.push(vec![word]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| a.bounds.left.total_cmp(&b.bounds.left));
    }
    rows.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters six points wide in a font of ten points.
    fn letters(text: &str, x: f64, y: f64) -> Vec<Letter> {
        let place = |i: usize| Point::new(x + 6.0 * i as f64, y);
        let one = |(i, c): (usize, char)| Letter {
            text: c.to_string(),
            start: place(i),
            end: place(i + 1),
            up: Vec2::new(0.0, -10.0),
        };
        text.chars().enumerate().map(one).collect()
    }

    fn words(letters: impl IntoIterator<Item = Letter>) -> Vec<String> {
        let mut assembler = Assembler::new(600.0, 800.0);
        letters.into_iter().for_each(|l| assembler.push(l));
        assembler.finish().into_iter().map(|w| w.text).collect()
    }

    #[test]
    fn spaces_gaps_and_new_lines_part_words() {
        assert_eq!(words(letters("one two", 50.0, 100.0)), ["one", "two"]);
        assert_eq!(
            words(
                letters("one", 50.0, 100.0)
                    .into_iter()
                    .chain(letters("two", 71.0, 100.0))
            ),
            ["one", "two"]
        );
        assert_eq!(
            words(
                letters("one", 50.0, 100.0)
                    .into_iter()
                    .chain(letters("two", 68.5, 100.0))
            ),
            ["onetwo"]
        );
        assert_eq!(
            words(
                letters("low", 50.0, 120.0)
                    .into_iter()
                    .chain(letters("high", 50.0, 100.0))
            ),
            ["high", "low"]
        );
    }

    #[test]
    fn letters_drawn_twice_count_once() {
        let twice = letters("bold", 50.0, 100.0)
            .into_iter()
            .chain(letters("bold", 50.3, 100.0));
        assert_eq!(words(twice), ["bold"]);
    }

    #[test]
    fn a_box_holds_its_letters_and_nothing_stands_beside_the_page() {
        let mut assembler = Assembler::new(600.0, 800.0);
        letters("in", 60.0, 80.0)
            .into_iter()
            .chain(letters("out", 700.0, 80.0))
            .for_each(|l| assembler.push(l));
        let found = assembler.finish();
        assert_eq!(found.len(), 1);
        let b = found[0].bounds;
        assert!(
            (b.left - 0.1).abs() < 1e-6 && (b.right() - 0.12).abs() < 1e-6,
            "{b:?}"
        );
        assert!(
            (b.top - 72.5 / 800.0).abs() < 1e-6 && (b.bottom() - 82.2 / 800.0).abs() < 1e-6,
            "{b:?}"
        );
    }
}
