//! Bytes to pages: what a file is by its first bytes, and its pages within limits.
//!
//! Runs in the child process only. Nothing here trusts a file name, and nothing is fetched or executed.

use image::RgbImage;
use serde::{Deserialize, Serialize};

use crate::geometry::Word;

mod limits;
mod pdf;
mod picture;
mod sniff;
mod text_layer;
mod tiff;
mod unfold;
mod words;

pub use limits::Limits;
pub use pdf::PdfDocument;
pub use sniff::Kind;
pub(crate) use words::WordCount;

/// Why a document is refused. The names are part of the API and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No bytes.
    EmptyFile,
    /// More bytes than allowed.
    FileTooLarge,
    /// Neither PDF nor a known picture format.
    UnsupportedType,
    /// The file breaks the rules of its own format.
    Malformed,
    /// An encrypted PDF.
    PasswordRequired,
    /// More pages than allowed.
    TooManyPages,
    /// The page of a PDF is larger than any paper.
    PageTooLarge,
    /// More words than fields can be found among in reasonable time.
    TooManyWords,
    /// A picture with more pixels than allowed.
    TooManyPixels,
    /// Unfolds to more bytes than allowed.
    DecompressionLimit,
    /// Took longer than allowed.
    Timeout,
    /// Needed more memory than allowed.
    MemoryLimit,
    /// Ended the process that read it.
    Crashed,
}

impl Reason {
    /// The stable code, e.g. `too_many_pixels`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::EmptyFile => "empty_file",
            Self::FileTooLarge => "file_too_large",
            Self::UnsupportedType => "unsupported_type",
            Self::Malformed => "malformed",
            Self::PasswordRequired => "password_required",
            Self::TooManyPages => "too_many_pages",
            Self::PageTooLarge => "page_too_large",
            Self::TooManyWords => "too_many_words",
            Self::TooManyPixels => "too_many_pixels",
            Self::DecompressionLimit => "decompression_limit",
            Self::Timeout => "timeout",
            Self::MemoryLimit => "memory_limit",
            Self::Crashed => "crashed",
        }
    }
}

/// A refused document: a code for machines and a sentence for people, free of document text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}: {detail}", reason.code())]
pub struct Refusal {
    /// The code.
    pub reason: Reason,
    /// The sentence.
    pub detail: String,
}

impl Refusal {
    /// A refusal with its sentence.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }

    /// The file breaks the rules of its format.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(Reason::Malformed, detail)
    }
}

/// What one page holds before recognition.
pub enum Content {
    /// Words that a PDF carries itself.
    Text {
        /// Width and height in points.
        size: (f32, f32),
        /// Words in reading order.
        words: Vec<Word>,
    },
    /// A picture to be recognised.
    Picture {
        /// Width and height as results state them: points for a PDF, pixels for a picture.
        size: (f32, f32),
        /// Upright as far as the file says.
        pixels: RgbImage,
    },
}

/// An opened document.
pub enum Document {
    /// Text or pictures per page.
    Pdf(Box<PdfDocument>),
    /// One picture per page, decoded when asked for.
    Pictures(picture::Pictures),
}

impl Document {
    /// Finds out what the bytes are and counts the pages; decodes nothing yet.
    ///
    /// # Errors
    /// The reason why the document is refused.
    pub fn open(bytes: Vec<u8>, limits: &Limits) -> Result<Self, Refusal> {
        limits.check_bytes(bytes.len() as u64)?;
        match sniff::kind(&bytes)? {
            Kind::Pdf => PdfDocument::open(bytes, limits).map(|pdf| Self::Pdf(Box::new(pdf))),
            kind => picture::Pictures::open(bytes, kind, limits).map(Self::Pictures),
        }
    }

    /// Number of pages.
    #[must_use]
    pub fn pages(&self) -> u32 {
        match self {
            Self::Pdf(pdf) => pdf.pages(),
            Self::Pictures(pictures) => pictures.pages(),
        }
    }

    /// Calls `visit` with each page in order.
    ///
    /// # Errors
    /// The reason why a page is refused, which refuses the document, or what `visit` returns.
    pub fn each_page<E: From<Refusal>>(
        &mut self,
        limits: &Limits,
        visit: &mut dyn FnMut(Content) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Pdf(pdf) => pdf.each_page(limits, visit),
            Self::Pictures(pictures) => {
                for index in 0..pictures.pages() {
                    let pixels = pictures.decode(index, limits)?;
                    let size = (pixels.width() as f32, pixels.height() as f32);
                    visit(Content::Picture { size, pixels })?;
                }
                Ok(())
            }
        }
    }
}
