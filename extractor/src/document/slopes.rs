//! How far the writing leans: the same all over a skewed page, changing from top to bottom in perspective.

use crate::geometry::Word;

/// The slope of the writing by height on the page, in order of the height.
pub(super) struct Slopes(Vec<(f32, f32)>);

impl Slopes {
    /// Of a page that is known to be level.
    pub(super) fn level() -> Self {
        Self(Vec::new())
    }

    /// From pairs of neighbours on what is surely one line; the vertical distance over the horizontal one.
    pub(super) fn of(words: &[&Word], ratio: f32) -> Self {
        let mut slopes = Vec::new();
        for a in words {
            let (y, height) = middle_and_height(a, ratio);
            let right = words.iter().filter(|b| {
                let (other, other_height) = middle_and_height(b, ratio);
                let gap = b.bounds.left - a.bounds.right();
                gap > -0.3 * height
                    && gap < 2.0 * height
                    && (other - y).abs() < 0.4 * height
                    && (other_height / height - 1.0).abs() < 0.25
            });
            if let Some(b) = right.min_by(|p, q| p.bounds.left.total_cmp(&q.bounds.left)) {
                let run =
                    b.bounds.left + b.bounds.width / 2.0 - a.bounds.left - a.bounds.width / 2.0;
                if run > 1.5 * height {
                    slopes.push((y, (middle_and_height(b, ratio).0 - y) / run));
                }
            }
        }
        slopes.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self(slopes)
    }

    /// Median over the nearest pairs above and below.
    pub(super) fn at(&self, y: f32) -> f32 {
        const NEIGHBOURS: usize = 30;
        if self.0.len() < 8 {
            return 0.0;
        }
        let middle = self.0.partition_point(|s| s.0 < y);
        let from = middle
            .saturating_sub(NEIGHBOURS / 2)
            .min(self.0.len().saturating_sub(NEIGHBOURS));
        let mut near: Vec<f32> = self.0[from..]
            .iter()
            .take(NEIGHBOURS)
            .map(|s| s.1)
            .collect();
        near.sort_by(f32::total_cmp);
        let slope = near[near.len() / 2];
        if slope.abs() < 0.15 { slope } else { 0.0 }
    }
}

/// Middle and height of a word in widths of the page; `ratio` is the page's height over its width.
pub(super) fn middle_and_height(word: &Word, ratio: f32) -> (f32, f32) {
    (
        (word.bounds.top + word.bounds.height / 2.0) * ratio,
        word.bounds.height * ratio,
    )
}
