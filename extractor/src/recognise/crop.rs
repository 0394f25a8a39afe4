//! Cuts a line of text out of a picture, upright and at the height the recogniser wants.

use image::RgbImage;

use super::quad::Quad;

/// Height of the recogniser's input in pixels.
pub(super) const HEIGHT: u32 = 48;
/// One column of output per this many pixels of width.
pub(super) const STRIDE: u32 = 8;
/// Longer lines are squeezed.
const MAX_WIDTH: u32 = 3_200;

/// Width of the line at [`HEIGHT`], in pixels.
pub(super) fn width_of(quad: &Quad) -> u32 {
    let width = (quad.width / quad.height.max(1.0) * HEIGHT as f32).round() as u32;
    width.clamp(HEIGHT / 2, MAX_WIDTH)
}

/// The input width used for a line: every new width costs the runtime a compilation, so there are few.
pub(super) fn bucket(width: u32) -> u32 {
    let step = match width {
        0..=320 => 32,
        321..=960 => 64,
        _ => 160,
    };
    width.next_multiple_of(step)
}

/// Writes the line into the planes of a `HEIGHT` x `columns` input, blue first, from -1 to 1.
pub(super) fn fill(input: &mut [f32], page: &RgbImage, quad: &Quad, width: u32, columns: u32) {
    let plane = (HEIGHT * columns) as usize;
    let (step_u, step_v) = (quad.width / width as f32, quad.height / HEIGHT as f32);
    // Where a pixel of the crop covers several of the page, their mean is taken.
    let samples = (step_u.max(step_v).round() as u32).clamp(1, 6);
    for y in 0..HEIGHT {
        for x in 0..width {
            let at = (y * columns + x) as usize;
            let colour = mean_colour(
                page,
                quad,
                (x as f32 * step_u, y as f32 * step_v),
                (step_u, step_v),
                samples,
            );
            for channel in 0..3 {
                input[channel * plane + at] = colour[2 - channel] / 127.5 - 1.0;
            }
        }
    }
}

fn mean_colour(
    page: &RgbImage,
    quad: &Quad,
    corner: (f32, f32),
    step: (f32, f32),
    samples: u32,
) -> [f32; 3] {
    let mut sum = [0.0; 3];
    for j in 0..samples {
        for i in 0..samples {
            let offset = |n: u32, step: f32| (n as f32 + 0.5) / samples as f32 * step;
            let p = quad.at(corner.0 + offset(i, step.0), corner.1 + offset(j, step.1));
            let colour = between_pixels(page, p.x - 0.5, p.y - 0.5);
            for (total, value) in sum.iter_mut().zip(colour) {
                *total += value;
            }
        }
    }
    sum.map(|total| total / (samples * samples) as f32)
}

/// Bilinear; beyond the edge the picture continues with its last pixel.
fn between_pixels(page: &RgbImage, x: f32, y: f32) -> [f32; 3] {
    let limit = |v: f32, size: u32| v.clamp(0.0, size as f32 - 1.0);
    let (x, y) = (limit(x, page.width()), limit(y, page.height()));
    let (x0, y0) = (x as u32, y as u32);
    let (x1, y1) = (
        (x0 + 1).min(page.width() - 1),
        (y0 + 1).min(page.height() - 1),
    );
    let (fx, fy) = (x - x0 as f32, y - y0 as f32);
    let [a, b, c, d] =
        [(x0, y0), (x1, y0), (x0, y1), (x1, y1)].map(|(x, y)| page.get_pixel(x, y).0);
    std::array::from_fn(|i| {
        let mix = |left: u8, right: u8| f32::from(left) + (f32::from(right) - f32::from(left)) * fx;
        let (top, bottom) = (mix(a[i], b[i]), mix(c[i], d[i]));
        top + (bottom - top) * fy
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recognise::quad::Point;

    fn quad(width: f32, height: f32) -> Quad {
        Quad {
            origin: Point { x: 0.0, y: 0.0 },
            along: Point { x: 1.0, y: 0.0 },
            width,
            height,
        }
    }

    #[test]
    fn a_crop_keeps_left_and_right() {
        let page = RgbImage::from_fn(96, 48, |x, _| {
            image::Rgb(if x < 48 { [0; 3] } else { [255; 3] })
        });
        let mut input = vec![0.0; 3 * 48 * 128];
        fill(&mut input, &page, &quad(96.0, 48.0), 96, 128);
        assert!(
            (input[10] + 1.0).abs() < 1e-6 && (input[80] - 1.0).abs() < 1e-6 && input[100] == 0.0
        );
    }

    #[test]
    fn buckets_hold_their_widths() {
        for width in 1..4_000 {
            assert!(bucket(width) >= width && bucket(width).is_multiple_of(STRIDE));
        }
    }
}
