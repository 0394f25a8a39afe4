//! What a file is, by its first bytes alone. The first match wins, whatever else the file may also be.

use super::{Reason, Refusal};

/// Formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Portable Document Format.
    Pdf,
    /// Portable Network Graphics.
    Png,
    /// JPEG in any of its wrappers.
    Jpeg,
    /// Tagged Image File Format, classic or big.
    Tiff,
    /// WebP.
    WebP,
    /// Windows bitmap.
    Bmp,
    /// Graphics Interchange Format.
    Gif,
}

impl Kind {
    /// Every format.
    pub const ALL: [Self; 7] = [
        Self::Pdf,
        Self::Png,
        Self::Jpeg,
        Self::Tiff,
        Self::WebP,
        Self::Bmp,
        Self::Gif,
    ];

    /// The media type to store and to answer with.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Tiff => "image/tiff",
            Self::WebP => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Gif => "image/gif",
        }
    }

    /// Sniffs; `None` when the bytes are none of ours. Safe to call anywhere: it only compares.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let starts = |magic: &[u8]| bytes.starts_with(magic);
        match bytes {
            _ if starts(b"\x89PNG\r\n\x1a\n") => Some(Self::Png),
            _ if starts(b"\xff\xd8\xff") => Some(Self::Jpeg),
            _ if starts(b"II*\0")
                || starts(b"MM\0*")
                || starts(b"II+\0\x08\0")
                || starts(b"MM\0+\0\x08") =>
            {
                Some(Self::Tiff)
            }
            _ if starts(b"GIF87a") || starts(b"GIF89a") => Some(Self::Gif),
            _ if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => Some(Self::WebP),
            // A bitmap says its header size, which two letters alone do not.
            _ if starts(b"BM")
                && matches!(
                    bytes.get(14..18),
                    Some([12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0])
                ) =>
            {
                Some(Self::Bmp)
            }
            _ if is_pdf(bytes) => Some(Self::Pdf),
            _ => None,
        }
    }
}

/// Readers accept some junk before the header; markup is no junk, because a browser would take it for a page.
fn is_pdf(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(1024)];
    let Some(at) = head.windows(5).position(|w| w == b"%PDF-") else {
        return false;
    };
    let before = head[..at].trim_ascii_start();
    !before.starts_with(b"<")
        && !before.starts_with(b"MZ")
        && !before.starts_with(b"\x7fELF")
        && !before.starts_with(b"PK")
}

pub(super) fn kind(bytes: &[u8]) -> Result<Kind, Refusal> {
    Kind::of(bytes).ok_or_else(|| {
        Refusal::new(
            Reason::UnsupportedType,
            "The file is neither a PDF nor a PNG, JPEG, TIFF, WebP, BMP or GIF picture.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide() {
        assert_eq!(Kind::of(b"%PDF-1.7 .."), Some(Kind::Pdf));
        assert_eq!(Kind::of(b"\r\n%PDF-1.7 .."), Some(Kind::Pdf));
        assert_eq!(Kind::of(b"\xff\xd8\xff\xe0 %PDF-"), Some(Kind::Jpeg));
        assert_eq!(Kind::of(b"RIFF....WEBPVP8 "), Some(Kind::WebP));
        assert_eq!(Kind::of(b"MM\0*...."), Some(Kind::Tiff));
    }

    #[test]
    fn markup_and_programs_are_not_documents() {
        for bytes in [
            &b"<html>%PDF-1.4"[..],
            b"MZ\x90 %PDF-1.4",
            b"<svg/>",
            b"BM is a name",
            b"",
            b"plain",
        ] {
            assert_eq!(Kind::of(bytes), None, "{bytes:?}");
        }
    }
}
