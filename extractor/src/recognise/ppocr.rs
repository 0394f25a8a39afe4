//! PP-OCRv6 small: a detector of lines, then a recogniser for each of them.

use image::RgbImage;

use super::characters::{Alphabet, Span};
use super::network::{EngineError, ModelFolder, Network, Runtime};
use super::quad::Quad;
use super::{Recogniser, crop, detect};
use crate::geometry::{BoundingBox, Word};

/// Columns without a letter that part two words: two and a half times the height of the line.
const WIDE_GAP: f32 = 2.5 * (crop::HEIGHT / crop::STRIDE) as f32;
/// A box taller than this, over its width, is no usual line.
const TALL: f32 = 1.5;
/// And taller than this no letter either.
const TOO_TALL_FOR_A_LETTER: f32 = 5.0;
/// Single letters upright are far more common than lines that run upwards.
const UPRIGHT_BONUS: f32 = 0.2;
/// Lines between two signs of life.
const LINES_PER_SIGN: usize = 8;

/// The engine with its two networks in memory (about 120 MB).
pub struct Ppocr {
    detector: Network,
    recogniser: Network,
    alphabet: Alphabet,
}

impl Ppocr {
    /// Loads and compiles the networks, which takes about a third of a second.
    ///
    /// # Errors
    /// When a file of the folder is missing or does not load.
    pub fn load(folder: &ModelFolder) -> Result<Self, EngineError> {
        let mut runtime = Runtime::load(folder)?;
        let characters = std::fs::read_to_string(folder.file("characters.txt"))
            .map_err(|_| EngineError::ModelsMissing(folder.path().to_path_buf()))?;
        Ok(Self {
            detector: runtime.network(folder, "detector")?,
            recogniser: runtime.network(folder, "recogniser")?,
            alphabet: Alphabet::parse(&characters),
        })
    }

    /// A tall box is a line that is read upwards, or a single letter: what reads better wins.
    fn words_of_line(
        &mut self,
        page: &RgbImage,
        line: &Quad,
    ) -> Result<(Quad, Vec<Span>), EngineError> {
        if line.height < TALL * line.width {
            return Ok((*line, self.words_along(page, line)?));
        }
        let upwards = line.upwards();
        let turned = self.words_along(page, &upwards)?;
        if line.height < TOO_TALL_FOR_A_LETTER * line.width {
            let letter = self.words_along(page, line)?;
            let is_letter = letter.len() == 1 && letter[0].text.chars().count() <= 2;
            if is_letter && confidence(&letter) >= confidence(&turned) - UPRIGHT_BONUS {
                return Ok((*line, letter));
            }
        }
        Ok((upwards, turned))
    }

    fn words_along(&mut self, page: &RgbImage, line: &Quad) -> Result<Vec<Span>, EngineError> {
        let width = crop::width_of(line);
        let columns = crop::bucket(width);
        let output = self
            .recogniser
            .run([1, 3, crop::HEIGHT, columns], |input| {
                crop::fill(input, page, line, width, columns)
            })?;
        Ok(self
            .alphabet
            .words(&output, width as f32 / crop::STRIDE as f32, WIDE_GAP))
    }
}

fn confidence(words: &[Span]) -> f32 {
    words.iter().map(|w| w.confidence).fold(0.0, f32::max)
}

impl Recogniser for Ppocr {
    fn name(&self) -> &'static str {
        "ppocr"
    }

    fn read(&mut self, page: &RgbImage, alive: &mut dyn FnMut()) -> Result<Vec<Word>, EngineError> {
        let lines = detect::lines(&mut self.detector, page)?;
        alive();
        let mut words = Vec::new();
        for (i, line) in lines.iter().enumerate() {
            let (line, spans) = self.words_of_line(page, line)?;
            words.extend(spans.into_iter().map(|span| placed(span, &line, page)));
            if i % LINES_PER_SIGN == 0 {
                alive();
            }
        }
        Ok(words)
    }
}

fn placed(span: Span, line: &Quad, page: &RgbImage) -> Word {
    let per_column = line.width / crop::width_of(line) as f32 * crop::STRIDE as f32;
    let [left, top, right, bottom] = line.extent(span.from * per_column, span.to * per_column);
    let ratio = |v: f32, size: u32| (v / size as f32).clamp(0.0, 1.0);
    let (left, right) = (ratio(left, page.width()), ratio(right, page.width()));
    let (top, bottom) = (ratio(top, page.height()), ratio(bottom, page.height()));
    Word {
        text: span.text,
        bounds: BoundingBox {
            left,
            top,
            width: right - left,
            height: bottom - top,
        },
        confidence: span.confidence.clamp(0.0, 1.0),
    }
}
