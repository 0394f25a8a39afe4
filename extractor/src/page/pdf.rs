//! PDF pages: the text layer when it is usable, a raster of bounded size when it is not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hayro::hayro_interpret::{InterpreterCache, InterpreterSettings, InterpreterWarning};
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use image::RgbImage;

use super::text_layer::{self, Layer};
use super::{Content, Limits, Reason, Refusal};

/// Resolution of rasters in dots per point: 200 dpi, at which small print is 20 pixels high.
const SCALE: f32 = 200.0 / 72.0;
/// Rasters never have more pixels, whatever the size of the page.
const RASTER_PIXELS: f32 = 16_000_000.0;
/// Ten times the largest page that the format foresees, in points.
const MAX_SIDE: f32 = 144_000.0;

/// An opened PDF.
pub struct PdfDocument(Pdf);

impl PdfDocument {
    pub(super) fn open(bytes: Vec<u8>, limits: &Limits) -> Result<Self, Refusal> {
        let opened = guarded(|| Pdf::new(bytes))?;
        let pdf = opened.map_err(|e| match e {
            LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Refusal::new(
                Reason::PasswordRequired,
                "The PDF is encrypted with a password.",
            ),
            LoadPdfError::Decryption(_) => Refusal::new(
                Reason::UnsupportedType,
                "The PDF is encrypted in a way that is not supported.",
            ),
            LoadPdfError::Invalid => Refusal::malformed("The PDF cannot be parsed."),
        })?;
        if pdf.pages().is_empty() {
            return Err(Refusal::malformed("The PDF has no pages."));
        }
        limits.check_pages(pdf.pages().len())?;
        Ok(Self(pdf))
    }

    pub(super) fn pages(&self) -> u32 {
        self.0.pages().len() as u32
    }

    /// Pages share fonts and forms, so the caches live as long as the document.
    pub(super) fn each_page<E: From<Refusal>>(
        &self,
        limits: &Limits,
        visit: &mut dyn FnMut(Content) -> Result<(), E>,
    ) -> Result<(), E> {
        let has_broken_picture = Arc::new(AtomicBool::new(false));
        let settings = settings(&has_broken_picture);
        let cache = RenderCache::new();
        let text_cache = InterpreterCache::new();
        for page in self.0.pages().iter() {
            let content = guarded(|| -> Result<Content, Refusal> {
                let size = page.render_dimensions();
                if size.0.max(size.1) > MAX_SIDE {
                    return Err(Refusal::new(
                        Reason::PageTooLarge,
                        "A page is larger than any paper.",
                    ));
                }
                text_layer::check_contents(page, limits)?;
                let layer = text_layer::read(page, &text_cache, &settings);
                limits.check_pixels(layer.largest_picture.0, layer.largest_picture.1)?;
                let is_scan = layer.is_without_letters();
                let content = content(page, size, layer, &cache, &settings);
                if has_broken_picture.swap(false, Ordering::Relaxed) && is_scan {
                    return Err(Refusal::malformed(
                        "A picture that makes up a page of the PDF is cut or damaged.",
                    ));
                }
                Ok(content)
            })??;
            visit(content)?;
        }
        Ok(())
    }
}

/// The interpreter skips what it cannot decode; it is told on so that a lost scan is no empty page.
fn settings(has_broken_picture: &Arc<AtomicBool>) -> InterpreterSettings {
    let flag = Arc::clone(has_broken_picture);
    InterpreterSettings {
        warning_sink: Arc::new(move |warning| {
            if matches!(warning, InterpreterWarning::ImageDecodeFailure) {
                flag.store(true, Ordering::Relaxed);
            }
        }),
        ..InterpreterSettings::default()
    }
}

fn content<'a>(
    page: &'a Page<'a>,
    size: (f32, f32),
    layer: Layer,
    cache: &RenderCache<'a>,
    settings: &InterpreterSettings,
) -> Content {
    if layer.is_usable() {
        return Content::Text {
            size,
            words: layer.words,
        };
    }
    Content::Picture {
        size,
        pixels: raster(page, size, cache, settings),
    }
}

fn raster<'a>(
    page: &'a Page<'a>,
    size: (f32, f32),
    cache: &RenderCache<'a>,
    settings: &InterpreterSettings,
) -> RgbImage {
    let area = size.0 * size.1;
    let scale = SCALE
        .min((RASTER_PIXELS / area).sqrt())
        .min(f32::from(u16::MAX) / size.0.max(size.1));
    let pixmap_settings = PixmapSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: WHITE,
    };
    let pixmap = hayro::render(
        page,
        cache,
        settings,
        &RenderSettings::default(),
        &pixmap_settings,
    );
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    let data = pixmap.data_as_u8_slice();
    RgbImage::from_fn(width, height, |x, y| {
        let at = (y * width + x) as usize * 4;
        image::Rgb([data[at], data[at + 1], data[at + 2]])
    })
}

/// A panic of the parser is the document's fault and costs that document only.
fn guarded<T>(f: impl FnOnce() -> T) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(f))
        .map_err(|_| Refusal::malformed("The PDF breaks the rules of its format."))
}
