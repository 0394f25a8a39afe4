//! Pictures of pages to words. One small trait, so that engines can stand side by side.

use image::RgbImage;

use crate::geometry::Word;

mod characters;
mod crop;
mod detect;
mod network;
mod ppocr;
mod quad;
mod upright;

pub use network::{EngineError, ModelFolder};
pub use ppocr::Ppocr;
pub use upright::read_upright;

/// An engine that reads words from the picture of an upright page.
pub trait Recogniser {
    /// The name that results carry, e.g. `ppocr`.
    fn name(&self) -> &'static str;

    /// Reads the words. `alive` is called every now and then, so that a watcher can tell slow from stuck.
    ///
    /// # Errors
    /// When the engine itself fails, not when there is nothing to read.
    fn read(&mut self, page: &RgbImage, alive: &mut dyn FnMut()) -> Result<Vec<Word>, EngineError>;
}

/// Mean confidence of the characters, weighted by length; 0 for an empty page.
#[must_use]
pub fn mean_confidence(words: &[Word]) -> f32 {
    let letters = |w: &Word| w.text.chars().count() as f32;
    let total: f32 = words.iter().map(letters).sum();
    if total == 0.0 {
        return 0.0;
    }
    words.iter().map(|w| letters(w) * w.confidence).sum::<f32>() / total
}
