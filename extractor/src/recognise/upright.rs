//! Pages that lie on their side or upside down: found by how badly they read, turned, and read again.

use image::{RgbImage, imageops};

use super::{EngineError, Recogniser, mean_confidence};
use crate::geometry::Word;

/// A page that reads worse than this may be upside down.
const DOUBTFUL: f32 = 0.6;
/// Fewer words say nothing about the page.
const FEW_WORDS: usize = 3;

/// Reads a page, turning it if need be. The words stand on the upright page; the flag tells whether width and
/// height have changed places.
///
/// # Errors
/// When the engine fails.
pub fn read_upright(
    engine: &mut impl Recogniser,
    page: RgbImage,
    alive: &mut dyn FnMut(),
) -> Result<(Vec<Word>, bool), EngineError> {
    let words = engine.read(&page, alive)?;
    let is_on_its_side = runs_upwards(&words, &page);
    if words.len() < FEW_WORDS || !(is_on_its_side || mean_confidence(&words) < DOUBTFUL) {
        return Ok((words, false));
    }
    let turns: &[Turn] = if is_on_its_side {
        &[imageops::rotate90, imageops::rotate270]
    } else {
        &[imageops::rotate180]
    };
    let mut best = (words, false);
    let mut best_score = if is_on_its_side { 0.0 } else { score(&best.0) };
    for turn in turns {
        let turned = turn(&page);
        let words = engine.read(&turned, alive)?;
        let score = if runs_upwards(&words, &turned) {
            0.0
        } else {
            score(&words)
        };
        if score > best_score {
            (best, best_score) = ((words, is_on_its_side), score);
        }
    }
    Ok(best)
}

type Turn = fn(&RgbImage) -> RgbImage;

/// More text, read with more confidence, is better.
fn score(words: &[Word]) -> f32 {
    words
        .iter()
        .map(|w| w.text.chars().count() as f32 * w.confidence.powi(4))
        .sum()
}

/// Most words of some length are taller than wide.
fn runs_upwards(words: &[Word], page: &RgbImage) -> bool {
    let long: Vec<&Word> = words
        .iter()
        .filter(|w| w.text.chars().count() >= 3)
        .collect();
    let tall = long
        .iter()
        .filter(|w| w.bounds.height * page.height() as f32 > w.bounds.width * page.width() as f32);
    tall.count() * 2 > long.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::BoundingBox;

    /// Reads well only when the dark mark is in the upper left corner.
    struct Picky;

    impl Recogniser for Picky {
        fn name(&self) -> &'static str {
            "picky"
        }

        fn read(&mut self, page: &RgbImage, _: &mut dyn FnMut()) -> Result<Vec<Word>, EngineError> {
            let (w, h) = (page.width() - 1, page.height() - 1);
            let mark = [(0, 0), (w, 0), (w, h), (0, h)]
                .iter()
                .position(|&(x, y)| page.get_pixel(x, y).0[0] == 0);
            let is_sideways = mark.is_some_and(|m| m % 2 == 1);
            let (width, height) = if is_sideways {
                (0.01, 0.3)
            } else {
                (0.3, 0.01)
            };
            let confidence = if mark == Some(0) { 0.99 } else { 0.4 };
            let bounds = BoundingBox {
                left: 0.1,
                top: 0.1,
                width,
                height,
            };
            Ok(vec![
                Word {
                    text: "word".to_owned(),
                    bounds,
                    confidence
                };
                5
            ])
        }
    }

    #[test]
    fn a_page_is_read_the_right_way_up() {
        let mut upright = RgbImage::from_pixel(200, 100, image::Rgb([255; 3]));
        upright.put_pixel(0, 0, image::Rgb([0; 3]));
        let cases: [(RgbImage, bool); 4] = [
            (upright.clone(), false),
            (imageops::rotate90(&upright), true),
            (imageops::rotate180(&upright), false),
            (imageops::rotate270(&upright), true),
        ];
        for (page, swaps) in cases {
            let (words, is_turned) = read_upright(&mut Picky, page, &mut || ()).expect("reads");
            assert_eq!((words[0].confidence, is_turned), (0.99, swaps));
        }
    }
}
