//! Boxes, words and pages of text: what recognition hands to extraction.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An axis-aligned box as ratios of the page's width and height, origin at the top left, y downwards
/// (Textract's `BoundingBox`). All four are within 0..=1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BoundingBox {
    /// Distance of the left edge from the left of the page, over the page's width.
    pub left: f32,
    /// Distance of the upper edge from the top of the page, over the page's height.
    pub top: f32,
    /// Width of the box over the page's width.
    pub width: f32,
    /// Height of the box over the page's height.
    pub height: f32,
}

impl BoundingBox {
    /// Right edge as a ratio of the page's width.
    #[must_use]
    pub fn right(&self) -> f32 {
        self.left + self.width
    }

    /// Lower edge as a ratio of the page's height.
    #[must_use]
    pub fn bottom(&self) -> f32 {
        self.top + self.height
    }

    /// The smallest box that holds both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let left = self.left.min(other.left);
        let top = self.top.min(other.top);
        Self {
            left,
            top,
            width: self.right().max(other.right()) - left,
            height: self.bottom().max(other.bottom()) - top,
        }
    }
}

/// One word, without white space inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Word {
    /// The characters as read.
    pub text: String,
    /// Where it stands on the page.
    #[serde(rename = "box")]
    pub bounds: BoundingBox,
    /// The engine's own confidence, 0..=1; 1 for a PDF text layer. Not a probability.
    pub confidence: f32,
}

/// A page after recognition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// Number of the page, from 1.
    pub number: u32,
    /// Width in points (PDF) or pixels (image), upright.
    pub width: f32,
    /// Height in points (PDF) or pixels (image), upright.
    pub height: f32,
    /// Which engine read it: `text_layer` or `ppocr`.
    pub engine: String,
    /// Words in reading order of the engine.
    pub words: Vec<Word>,
}
