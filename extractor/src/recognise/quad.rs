//! Rotated rectangles: where a line of text stands on a picture.

/// A point in pixels, y downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

/// A rectangle that may be turned: its upper left corner in reading direction, and its two edges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quad {
    pub(super) origin: Point,
    /// Along the line of text, one pixel long.
    pub(super) along: Point,
    /// Length in reading direction, pixels.
    pub(super) width: f32,
    /// Height across it, pixels.
    pub(super) height: f32,
}

impl Quad {
    /// The point at `u` pixels along the line and `v` pixels below its upper edge.
    pub(super) fn at(&self, u: f32, v: f32) -> Point {
        Point {
            x: self.origin.x + self.along.x * u - self.along.y * v,
            y: self.origin.y + self.along.y * u + self.along.x * v,
        }
    }

    /// Grown by `margin` pixels on every side.
    pub(super) fn grown(&self, margin: f32) -> Self {
        Self {
            origin: self.at(-margin, -margin),
            width: self.width + 2.0 * margin,
            height: self.height + 2.0 * margin,
            along: self.along,
        }
    }

    /// On a picture that is `factor` times as large.
    pub(super) fn scaled(&self, factor: f32) -> Self {
        Self {
            origin: Point {
                x: self.origin.x * factor,
                y: self.origin.y * factor,
            },
            width: self.width * factor,
            height: self.height * factor,
            along: self.along,
        }
    }

    /// Left, top, right and bottom of the part between `from` and `to` pixels along the line.
    pub(super) fn extent(&self, from: f32, to: f32) -> [f32; 4] {
        let corners = [
            (from, 0.0),
            (to, 0.0),
            (from, self.height),
            (to, self.height),
        ]
        .map(|(u, v)| self.at(u, v));
        let fold = |f: fn(f32, f32) -> f32, pick: fn(&Point) -> f32| {
            corners.iter().map(pick).reduce(f).unwrap_or(0.0)
        };
        [
            fold(f32::min, |p| p.x),
            fold(f32::min, |p| p.y),
            fold(f32::max, |p| p.x),
            fold(f32::max, |p| p.y),
        ]
    }

    /// The smallest rectangle round the points; `None` for fewer than three corners.
    ///
    /// Text runs from left to right along the edge nearer to the horizontal.
    pub(super) fn around(points: &mut [Point]) -> Option<Self> {
        let hull = convex_hull(points);
        let mut best: Option<(f32, Self)> = None;
        for (i, a) in hull.iter().enumerate() {
            let b = hull[(i + 1) % hull.len()];
            let length = (b.x - a.x).hypot(b.y - a.y);
            if length < 1e-3 {
                continue;
            }
            let quad = Self::towards(
                &hull,
                Point {
                    x: (b.x - a.x) / length,
                    y: (b.y - a.y) / length,
                },
            );
            let area = quad.width * quad.height;
            if best.is_none_or(|(smallest, _)| area < smallest) {
                best = Some((area, quad));
            }
        }
        best.map(|(_, quad)| quad)
    }

    fn towards(hull: &[Point], edge: Point) -> Self {
        let mut along = if edge.x.abs() >= edge.y.abs() {
            edge
        } else {
            Point {
                x: -edge.y,
                y: edge.x,
            }
        };
        if along.x < 0.0 {
            along = Point {
                x: -along.x,
                y: -along.y,
            };
        }
        Self::spanning(hull, along)
    }

    /// The same rectangle read upwards, as text on a page that lies on its side.
    pub(super) fn upwards(&self) -> Self {
        Self {
            origin: self.at(0.0, self.height),
            along: Point {
                x: self.along.y,
                y: -self.along.x,
            },
            width: self.height,
            height: self.width,
        }
    }

    fn spanning(hull: &[Point], along: Point) -> Self {
        let range = |project: &dyn Fn(&Point) -> f32| {
            hull.iter()
                .map(project)
                .fold((f32::MAX, f32::MIN), |(lo, hi), v| (lo.min(v), hi.max(v)))
        };
        let (u0, u1) = range(&|p| p.x * along.x + p.y * along.y);
        let (v0, v1) = range(&|p| p.y * along.x - p.x * along.y);
        let origin = Point {
            x: along.x * u0 - along.y * v0,
            y: along.y * u0 + along.x * v0,
        };
        Self {
            origin,
            along,
            width: u1 - u0,
            height: v1 - v0,
        }
    }
}

/// Andrew's monotone chain, counter-clockwise in mathematical orientation.
fn convex_hull(points: &mut [Point]) -> Vec<Point> {
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    let mut hull: Vec<Point> = Vec::new();
    let mut append = |chain: &mut dyn Iterator<Item = &Point>| {
        let start = hull.len();
        for &p in chain {
            while hull.len() >= start + 2
                && turn(hull[hull.len() - 2], hull[hull.len() - 1], p) <= 0.0
            {
                hull.pop();
            }
            hull.push(p);
        }
        hull.pop();
    };
    append(&mut points.iter());
    append(&mut points.iter().rev());
    hull
}

fn turn(a: Point, b: Point, c: Point) -> f32 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rectangle(degrees: f32, width: f32, height: f32) -> Vec<Point> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        [
            (0.0, 0.0),
            (width, 0.0),
            (width, height),
            (0.0, height),
            (width / 2.0, height / 2.0),
        ]
        .map(|(u, v)| Point {
            x: 100.0 + u * cos - v * sin,
            y: 100.0 + u * sin + v * cos,
        })
        .to_vec()
    }

    #[test]
    fn a_turned_line_is_found_with_its_angle() {
        for degrees in [-30.0_f32, -2.0, 0.0, 1.5, 20.0] {
            let quad = Quad::around(&mut rectangle(degrees, 200.0, 20.0)).expect("a rectangle");
            assert!(
                (quad.width - 200.0).abs() < 0.1 && (quad.height - 20.0).abs() < 0.1,
                "{quad:?}"
            );
            assert!(
                (quad.along.y.asin().to_degrees() - degrees).abs() < 0.1,
                "{quad:?}"
            );
            assert!(
                (quad.origin.x - 100.0).abs() < 0.1 && (quad.origin.y - 100.0).abs() < 0.1,
                "{quad:?}"
            );
        }
    }

    #[test]
    fn a_tall_box_can_be_read_upwards() {
        let quad = Quad::around(&mut rectangle(0.0, 20.0, 200.0))
            .expect("a rectangle")
            .upwards();
        assert!((quad.width - 200.0).abs() < 0.1, "{quad:?}");
        assert!(
            (quad.origin.x - 100.0).abs() < 0.1 && (quad.origin.y - 300.0).abs() < 0.1,
            "{quad:?}"
        );
        let end = quad.at(quad.width, 0.0);
        assert!((end.y - 100.0).abs() < 0.1, "{end:?}");
    }

    #[test]
    fn a_point_makes_no_rectangle() {
        assert_eq!(Quad::around(&mut [Point { x: 1.0, y: 1.0 }]), None);
    }
}
