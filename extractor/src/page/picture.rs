//! Pictures: decoded only after their header has passed the limits, upright, on white, eight bits per channel.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbImage};

use super::tiff::Directories;
use super::{Kind, Limits, Reason, Refusal};

/// The pictures of one file.
pub struct Pictures {
    bytes: Vec<u8>,
    format: ImageFormat,
    directories: Option<Directories>,
}

impl Pictures {
    pub(super) fn open(bytes: Vec<u8>, kind: Kind, limits: &Limits) -> Result<Self, Refusal> {
        let format = match kind {
            Kind::Png => ImageFormat::Png,
            Kind::Jpeg => ImageFormat::Jpeg,
            Kind::Tiff => ImageFormat::Tiff,
            Kind::WebP => ImageFormat::WebP,
            Kind::Bmp => ImageFormat::Bmp,
            Kind::Gif => ImageFormat::Gif,
            Kind::Pdf => {
                return Err(Refusal::new(
                    Reason::UnsupportedType,
                    "A PDF is no picture.",
                ));
            }
        };
        let directories = match kind {
            Kind::Tiff => Some(Directories::parse(&bytes, limits)?),
            _ => None,
        };
        Ok(Self {
            bytes,
            format,
            directories,
        })
    }

    pub(super) fn pages(&self) -> u32 {
        self.directories
            .as_ref()
            .map_or(1, |d| d.offsets.len() as u32)
    }

    pub(super) fn decode(&mut self, index: u32, limits: &Limits) -> Result<RgbImage, Refusal> {
        if let Some(directories) = &self.directories {
            directories.point_header_at(&mut self.bytes, index);
        }
        decode(&self.bytes, self.format, limits).map_err(|e| match e {
            Failure::Refused(refusal) => refusal,
            Failure::Image(e) => refusal_of(&e),
        })
    }
}

enum Failure {
    Refused(Refusal),
    Image(ImageError),
}

impl From<ImageError> for Failure {
    fn from(e: ImageError) -> Self {
        Self::Image(e)
    }
}

fn decode(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<RgbImage, Failure> {
    if format == ImageFormat::Jpeg && is_cut_jpeg(bytes) {
        return Err(Failure::Refused(Refusal::malformed(
            "The picture is cut: its end is missing.",
        )));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut allowed = image::Limits::default();
    allowed.max_alloc = Some(limits.decompressed_bytes.max(limits.page_pixels * 8));
    // The pixels are counted here, so that the reason is named; the library would only say "limits".
    reader.limits(allowed);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    limits
        .check_pixels(width, height)
        .map_err(Failure::Refused)?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(on_white(picture))
}

/// The decoder paints what is missing grey and says nothing, so the mark at the end is looked for here: after the
/// start of the pixels, because a preview in the head has an end of its own.
fn is_cut_jpeg(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some([0xff, marker, high, low]) = bytes.get(at..at + 4) {
        if *marker == 0xda {
            let pixels = &bytes[at..];
            return !pixels.windows(2).any(|pair| pair == [0xff, 0xd9]);
        }
        at += 2 + usize::from(*high) * 256 + usize::from(*low);
    }
    // No pixels at all, or padding between segments: the decoder decides.
    false
}

/// What is transparent shows the paper.
fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, a] = picture.get_pixel(x, y).0.map(u32::from);
        image::Rgb([r, g, b].map(|v| ((v * a + 255 * (255 - a) + 127) / 255) as u8))
    })
}

fn refusal_of(error: &ImageError) -> Refusal {
    match error {
        ImageError::Limits(_) => Refusal::new(
            Reason::DecompressionLimit,
            "The picture unfolds to more bytes than allowed.",
        ),
        ImageError::Unsupported(_) => Refusal::new(
            Reason::UnsupportedType,
            "This variant of the picture format is not supported.",
        ),
        _ => Refusal::malformed("The picture cannot be decoded: it is cut or damaged."),
    }
}

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, Luma, Rgba};

    use super::*;

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).expect("encodes");
        bytes.into_inner()
    }

    fn read(bytes: Vec<u8>, limits: &Limits) -> Result<RgbImage, Refusal> {
        let kind = Kind::of(&bytes).expect("a known kind");
        Pictures::open(bytes, kind, limits)?.decode(0, limits)
    }

    #[test]
    fn transparent_pixels_become_white() {
        let picture = ImageBuffer::from_fn(2, 1, |x, _| {
            Rgba([0_u8, 0, 0, if x == 0 { 0 } else { 255 }])
        });
        let pixels = read(
            encoded(&picture.into(), ImageFormat::Png),
            &Limits::default(),
        )
        .expect("reads");
        assert_eq!(
            (pixels.get_pixel(0, 0).0, pixels.get_pixel(1, 0).0),
            ([255; 3], [0; 3])
        );
    }

    #[test]
    fn sixteen_bits_become_eight() {
        let picture: ImageBuffer<Luma<u16>, _> = ImageBuffer::from_pixel(3, 2, Luma([0x8000]));
        let pixels = read(
            encoded(&DynamicImage::ImageLuma16(picture), ImageFormat::Png),
            &Limits::default(),
        )
        .expect("reads");
        assert_eq!(pixels.get_pixel(2, 1).0, [128; 3]);
    }

    #[test]
    fn every_format_is_read() {
        let picture =
            DynamicImage::ImageRgb8(RgbImage::from_pixel(20, 10, image::Rgb([200, 10, 10])));
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Tiff,
            ImageFormat::WebP,
            ImageFormat::Bmp,
            ImageFormat::Gif,
        ] {
            let pixels = read(encoded(&picture, format), &Limits::default())
                .unwrap_or_else(|e| panic!("{format:?}: {e}"));
            assert_eq!(pixels.dimensions(), (20, 10), "{format:?}");
        }
    }

    #[test]
    fn too_many_pixels_are_refused_before_decoding() {
        let picture = DynamicImage::ImageRgb8(RgbImage::new(20, 10));
        let limits = Limits {
            page_pixels: 199,
            ..Limits::default()
        };
        for format in [
            ImageFormat::Png,
            ImageFormat::Tiff,
            ImageFormat::Bmp,
            ImageFormat::Gif,
        ] {
            assert_eq!(
                read(encoded(&picture, format), &limits).map_err(|r| r.reason),
                Err(Reason::TooManyPixels)
            );
        }
    }

    #[test]
    fn a_cut_picture_is_malformed() {
        let picture = DynamicImage::ImageRgb8(RgbImage::from_fn(64, 64, |x, y| {
            image::Rgb([(x * y) as u8, (x * 31) as u8, (y * 17) as u8])
        }));
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let mut bytes = encoded(&picture, format);
            bytes.truncate(bytes.len() * 3 / 4);
            assert_eq!(
                read(bytes, &Limits::default()).map_err(|r| r.reason),
                Err(Reason::Malformed),
                "{format:?}"
            );
        }
    }
}
