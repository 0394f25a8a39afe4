//! What a document may cost. Every number has a setting and a safe default.

use serde::{Deserialize, Serialize};

use super::{Reason, Refusal};

/// Bounds on one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Number of pages.
    pub pages: u32,
    /// Pixels of one picture, as stored or inside a PDF.
    pub page_pixels: u64,
    /// Bytes that one compressed part may unfold to.
    pub decompressed_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 50 << 20,
            pages: 200,
            page_pixels: 40_000_000,
            decompressed_bytes: 256 << 20,
        }
    }
}

impl Limits {
    pub(crate) fn check_bytes(&self, bytes: u64) -> Result<(), Refusal> {
        if bytes == 0 {
            return Err(Refusal::new(Reason::EmptyFile, "The file has no bytes."));
        }
        if bytes > self.bytes {
            return Err(Refusal::new(
                Reason::FileTooLarge,
                format!("The file has {bytes} bytes; the limit is {}.", self.bytes),
            ));
        }
        Ok(())
    }

    pub(super) fn check_pages(&self, pages: usize) -> Result<(), Refusal> {
        if pages > self.pages as usize {
            return Err(Refusal::new(
                Reason::TooManyPages,
                format!(
                    "The document has more than {} pages, which is the limit.",
                    self.pages
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn check_pixels(&self, width: u32, height: u32) -> Result<(), Refusal> {
        if u64::from(width) * u64::from(height) > self.page_pixels {
            return Err(Refusal::new(
                Reason::TooManyPixels,
                format!(
                    "A picture has {width} x {height} pixels; the limit is {} pixels.",
                    self.page_pixels
                ),
            ));
        }
        Ok(())
    }
}
