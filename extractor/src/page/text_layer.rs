//! The words that a PDF page carries itself, with their boxes, and whether they can be trusted to be the page.

use hayro::hayro_interpret::font::{Glyph, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::util::TransformExt;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, SoftMask, interpret_page,
};
use hayro::hayro_syntax::object::{Array, Stream};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{Affine, BezPath, Point, Rect, Shape};

use super::{Limits, Reason, Refusal};
use crate::geometry::Word;

mod assemble;

use assemble::{Assembler, Letter};

/// What the content of a page draws.
pub(super) struct Layer {
    /// Visible words in reading order.
    pub(super) words: Vec<Word>,
    /// Width and height in pixels of the largest picture on the page.
    pub(super) largest_picture: (u32, u32),
    letters: u32,
    unknown_letters: u32,
    paths: u32,
    /// Share of the page under pictures.
    picture_share: f64,
}

impl Layer {
    /// Whether the page carries no text of its own.
    pub(super) fn is_without_letters(&self) -> bool {
        self.letters == 0
    }

    /// Whether the words are what a person sees. A scan with a stamped page number is not, nor is text whose
    /// letters are drawn as outlines or come from a font without a map to characters.
    pub(super) fn is_usable(&self) -> bool {
        if self.letters == 0 {
            return self.picture_share == 0.0 && self.paths == 0;
        }
        let is_scan = self.picture_share > 0.5 && self.letters < 400;
        let is_outlined = self.letters < 50 && self.paths > 500;
        self.unknown_letters * 10 < self.letters && !is_scan && !is_outlined
    }
}

/// Refuses a page whose instructions unfold to more than allowed, before they are unfolded for real, and one
/// whose instructions are missing: a file that was cut must not pass for an empty page.
pub(super) fn check_contents(page: &Page<'_>, limits: &Limits) -> Result<(), Refusal> {
    let one = page.raw().get::<Stream<'_>>(b"Contents".as_slice());
    let many = page.raw().get::<Array<'_>>(b"Contents".as_slice());
    let named = match &many {
        Some(array) => array.raw_iter().count(),
        None => usize::from(page.raw().contains_key(b"Contents".as_slice())),
    };
    let streams: Vec<Stream<'_>> = one
        .into_iter()
        .chain(many.iter().flat_map(Array::iter::<Stream<'_>>))
        .collect();
    if streams.len() < named {
        return Err(Refusal::malformed(
            "The PDF is cut or damaged: the content of a page is missing.",
        ));
    }
    let mut left = limits.decompressed_bytes;
    for stream in streams {
        let size = super::unfold::size_of(&stream, left);
        left = left
            .checked_sub(size)
            .filter(|left| *left > 0)
            .ok_or_else(|| {
                Refusal::new(
                    Reason::DecompressionLimit,
                    "The content of a page unfolds to more bytes than allowed.",
                )
            })?;
    }
    Ok(())
}

/// Runs the page's instructions and collects its letters.
pub(super) fn read<'a>(
    page: &'a Page<'a>,
    cache: &InterpreterCache<'a>,
    settings: &InterpreterSettings,
) -> Layer {
    let (width, height) = page.render_dimensions();
    let target = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let transform = page.initial_transform(true).to_kurbo();
    let mut context = Context::new(transform, target, cache, page.xref(), settings.clone());
    let mut collector = Collector {
        assembler: Assembler::new(width, height),
        page: target,
        largest_picture: (0, 0),
        letters: 0,
        unknown_letters: 0,
        paths: 0,
        picture_area: 0.0,
    };
    interpret_page(page, &mut context, &mut collector);
    Layer {
        largest_picture: collector.largest_picture,
        letters: collector.letters,
        unknown_letters: collector.unknown_letters,
        paths: collector.paths,
        picture_share: collector.picture_area / target.area(),
        words: collector.assembler.finish(),
    }
}

struct Collector {
    assembler: Assembler,
    page: Rect,
    largest_picture: (u32, u32),
    letters: u32,
    unknown_letters: u32,
    paths: u32,
    picture_area: f64,
}

impl Collector {
    fn letter(&mut self, glyph: &Glyph<'_>, transform: Affine) {
        let text = match glyph.as_unicode() {
            Some(BfString::Char(c)) => c.to_string(),
            Some(BfString::String(s)) => s,
            None => String::new(),
        };
        let is_known = !text.is_empty() && text.chars().all(is_printable);
        self.letters += 1;
        self.unknown_letters += u32::from(!is_known);
        let advance = match glyph {
            Glyph::Outline(outline) => outline.advance_width(),
            Glyph::Type3(drawn) => drawn.advance_width(),
        };
        let along = f64::from(advance.unwrap_or(500.0));
        self.assembler.push(Letter {
            text: if is_known {
                text
            } else {
                "\u{fffd}".to_owned()
            },
            start: transform * Point::ZERO,
            end: transform * Point::new(along, 0.0),
            up: transform * Point::new(0.0, 1000.0) - transform * Point::ZERO,
        });
    }
}

/// Private use, controls and replacement marks say nothing to a reader.
fn is_printable(c: char) -> bool {
    (c.is_whitespace() || !c.is_control())
        && c != '\u{fffd}'
        && !('\u{e000}'..='\u{f8ff}').contains(&c)
}

impl<'a> Device<'a> for Collector {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        // What cannot be seen is not printed: a hidden layer could say anything.
        if matches!(mode, DrawMode::Invisible) {
            return;
        }
        for glyph in run.glyphs() {
            self.letter(glyph, props.transform * glyph.transform());
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let (width, height) = (image.width(), image.height());
        if u64::from(width) * u64::from(height)
            > u64::from(self.largest_picture.0) * u64::from(self.largest_picture.1)
        {
            self.largest_picture = (width, height);
        }
        let unit = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
        self.picture_area += props
            .transform
            .transform_rect_bbox(unit)
            .intersect(self.page)
            .area();
    }

    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, _: &DrawMode) {
        // Paper is often painted white first; a path that covers the page shows nothing.
        let covered = props
            .transform
            .transform_rect_bbox(path.bounding_box())
            .intersect(self.page)
            .area();
        self.paths += u32::from(covered < 0.9 * self.page.area());
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
