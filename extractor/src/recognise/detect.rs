//! The detector's map of probabilities to lines of text (differentiable binarisation).

use image::RgbImage;
use image::imageops::{self, FilterType};

use super::network::{EngineError, Network};
use super::quad::{Point, Quad};

/// The picture is shrunk until its longer side has this many pixels.
const LONG_SIDE: u32 = 1280;
/// Smaller pictures are enlarged until the shorter side has this many, so that small print is seen.
const SHORT_SIDE: u32 = 320;
/// The network wants multiples of this.
const STEP: u32 = 32;
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
/// A pixel belongs to text from here.
const PIXEL_THRESHOLD: f32 = 0.3;
/// A box is text when the mean over its pixels reaches this.
const BOX_THRESHOLD: f32 = 0.5;
/// The network draws shrunken lines; this undoes it.
const UNCLIP: f32 = 1.5;
/// Boxes flatter than this (pixels of the map) are specks.
const MIN_SIDE: f32 = 3.0;
/// More lines than any page has; the rest is noise.
const MAX_LINES: usize = 2_000;

/// Finds lines of text, from top to bottom and left to right.
pub(super) fn lines(network: &mut Network, page: &RgbImage) -> Result<Vec<Quad>, EngineError> {
    let (width, height) = page.dimensions();
    let scale = scale(width, height);
    let fit = |side: u32| ((side as f32 * scale).round() as u32).max(1);
    let small = imageops::resize(page, fit(width), fit(height), FilterType::Triangle);
    let (columns, rows) = (
        small.width().next_multiple_of(STEP),
        small.height().next_multiple_of(STEP),
    );
    let output = network.run([1, 3, rows, columns], |input| {
        fill(input, &small, columns, rows)
    })?;
    let map = Map {
        values: &output,
        width: columns as usize,
        height: rows as usize,
    };
    let mut found: Vec<Quad> = map
        .lines()
        .iter()
        .map(|quad| quad.scaled(1.0 / scale))
        .collect();
    sort_in_reading_order(&mut found);
    Ok(found)
}

fn scale(width: u32, height: u32) -> f32 {
    let (long, short) = (width.max(height) as f32, width.min(height) as f32);
    let enlarge = (SHORT_SIDE as f32 / short).max(1.0);
    enlarge.min(LONG_SIDE as f32 / long)
}

/// Planes in the order blue, green, red, as the network was trained; the margin stays at the mean colour.
fn fill(input: &mut [f32], picture: &RgbImage, columns: u32, rows: u32) {
    let plane = (columns * rows) as usize;
    for (x, y, pixel) in picture.enumerate_pixels() {
        let at = (y * columns + x) as usize;
        for (channel, value) in pixel.0.iter().rev().enumerate() {
            input[channel * plane + at] =
                (f32::from(*value) / 255.0 - MEAN[channel]) / DEVIATION[channel];
        }
    }
}

/// Lines that overlap vertically by half are one row and go from left to right.
fn sort_in_reading_order(quads: &mut Vec<Quad>) {
    let middle = |q: &Quad| q.at(q.width / 2.0, q.height / 2.0);
    quads.sort_by(|a, b| middle(a).y.total_cmp(&middle(b).y));
    let mut rows: Vec<Vec<Quad>> = Vec::new();
    for quad in quads.drain(..) {
        match rows.last_mut() {
            Some(row)
                if (middle(&quad).y - middle(&row[0]).y).abs()
                    < 0.5 * row[0].height.min(quad.height) =>
            {
                row.push(quad)
            }
            _ => rows.push(vec![quad]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| middle(a).x.total_cmp(&middle(b).x));
    }
    quads.extend(rows.into_iter().flatten());
}

/// How likely each pixel is text.
struct Map<'a> {
    values: &'a [f32],
    width: usize,
    height: usize,
}

impl Map<'_> {
    fn lines(&self) -> Vec<Quad> {
        let mut seen = vec![false; self.values.len()];
        let mut found = Vec::new();
        for start in 0..self.values.len() {
            if seen[start] || self.values[start] <= PIXEL_THRESHOLD {
                continue;
            }
            let mut outline = self.outline_of_component(start, &mut seen);
            let Some(quad) = Quad::around(&mut outline) else {
                continue;
            };
            if quad.width.min(quad.height) < MIN_SIDE || self.mean_inside(&quad) < BOX_THRESHOLD {
                continue;
            }
            let margin = quad.width * quad.height * UNCLIP / (2.0 * (quad.width + quad.height));
            let grown = quad.grown(margin);
            if grown.width.min(grown.height) >= MIN_SIDE + 2.0 {
                found.push(grown);
            }
            if found.len() == MAX_LINES {
                break;
            }
        }
        found
    }

    /// Flood fill; returns the outer corners of the pixels where the component ends in a row.
    fn outline_of_component(&self, start: usize, seen: &mut [bool]) -> Vec<Point> {
        let (mut stack, mut outline) = (vec![start], Vec::new());
        seen[start] = true;
        while let Some(at) = stack.pop() {
            let (x, y) = (at % self.width, at / self.width);
            let is_text = |x: usize, y: usize| self.values[y * self.width + x] > PIXEL_THRESHOLD;
            if x == 0 || !is_text(x - 1, y) {
                outline.extend([0.0, 1.0].map(|dy| Point {
                    x: x as f32,
                    y: y as f32 + dy,
                }));
            }
            if x + 1 == self.width || !is_text(x + 1, y) {
                outline.extend([0.0, 1.0].map(|dy| Point {
                    x: x as f32 + 1.0,
                    y: y as f32 + dy,
                }));
            }
            for ny in y.saturating_sub(1)..=(y + 1).min(self.height - 1) {
                for nx in x.saturating_sub(1)..=(x + 1).min(self.width - 1) {
                    let next = ny * self.width + nx;
                    if !seen[next] && is_text(nx, ny) {
                        seen[next] = true;
                        stack.push(next);
                    }
                }
            }
        }
        outline
    }

    fn mean_inside(&self, quad: &Quad) -> f32 {
        let (mut sum, mut count) = (0.0, 0.0);
        for v in 0..quad.height.ceil() as u32 {
            for u in 0..quad.width.ceil() as u32 {
                let p = quad.at(u as f32 + 0.5, v as f32 + 0.5);
                if p.x >= 0.0
                    && p.y >= 0.0
                    && (p.x as usize) < self.width
                    && (p.y as usize) < self.height
                {
                    sum += self.values[p.y as usize * self.width + p.x as usize];
                    count += 1.0;
                }
            }
        }
        if count == 0.0 { 0.0 } else { sum / count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_of_high_probability_becomes_one_grown_line() {
        let (width, height) = (64, 32);
        let mut values = vec![0.0; width * height];
        for y in 10..16 {
            values[y * width + 8..y * width + 56].fill(0.9);
        }
        let lines = Map {
            values: &values,
            width,
            height,
        }
        .lines();
        assert_eq!(lines.len(), 1);
        let margin = 48.0 * 6.0 * UNCLIP / (2.0 * 54.0);
        assert!(
            (lines[0].width - (48.0 + 2.0 * margin)).abs() < 0.01,
            "{:?}",
            lines[0]
        );
        assert!(
            (lines[0].origin.y - (10.0 - margin)).abs() < 0.01,
            "{:?}",
            lines[0]
        );
    }

    #[test]
    fn faint_components_and_specks_are_left_out() {
        let (width, height) = (64, 32);
        let mut values = vec![0.0; width * height];
        for y in 10..16 {
            values[y * width + 8..y * width + 56].fill(0.4);
        }
        values[2 * width + 2] = 1.0;
        assert!(
            Map {
                values: &values,
                width,
                height
            }
            .lines()
            .is_empty()
        );
    }

    #[test]
    fn pages_are_shrunk_and_thumbnails_enlarged() {
        assert!((scale(2560, 1280) - 0.5).abs() < 1e-6);
        assert!((scale(160, 160) - 2.0).abs() < 1e-6);
        assert!((scale(800, 600) - 1.0).abs() < 1e-6);
    }
}
