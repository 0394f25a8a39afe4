//! From evidence to the probability that a value is right.
//!
//! A field starts from how well its place is explained (label, neighbourhood, form), is lifted by checks that hold and
//! lowered by checks that fail, and is limited by the engine: its own confidence is no probability (words that it calls
//! 0.90 to 0.95 sure are right two times in three), so it maps through [`engine`]. The steps were set by hand
//! on receipts and invoices with known values, aiming at nine in ten right among the fields called 0.9.

use crate::result::Check;

/// The share of words with this confidence of the engine that are read right.
pub(super) fn engine(confidence: f32) -> f32 {
    const STEPS: [(f32, f32); 6] = [
        (0.0, 0.2),
        (0.8, 0.5),
        (0.9, 0.7),
        (0.95, 0.85),
        (0.98, 0.96),
        (1.0, 1.0),
    ];
    let above = STEPS
        .iter()
        .position(|s| confidence <= s.0)
        .unwrap_or(STEPS.len() - 1)
        .max(1);
    let ((x0, y0), (x1, y1)) = (STEPS[above - 1], STEPS[above]);
    y0 + (y1 - y0) * ((confidence - x0) / (x1 - x0)).clamp(0.0, 1.0)
}

/// `likeness` says how well the value's place is explained, 0..=1.
pub(super) fn of(likeness: f32, engine_confidence: f32, checks: &[Check]) -> f32 {
    let passed = checks.iter().filter(|c| c.passed).count();
    let failed = checks.len() - passed;
    // Arithmetic that holds also proves that the digits were read right.
    let read = if passed > 0 {
        engine(engine_confidence).max(0.97)
    } else {
        engine(engine_confidence)
    };
    let lifted = 1.0
        - (1.0 - likeness.clamp(0.0, 1.0))
            * 0.35_f32.powi(i32::try_from(passed.min(2)).unwrap_or(2));
    let lowered = lifted * 0.6_f32.powi(i32::try_from(failed.min(2)).unwrap_or(2));
    let value = (lowered * read).clamp(0.01, 0.99);
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::{engine, of};
    use crate::result::Check;

    fn check(passed: bool) -> Check {
        Check {
            name: "sum".to_owned(),
            passed,
        }
    }

    #[test]
    fn a_more_confident_engine_never_lowers_the_estimate() {
        let estimates: Vec<f32> = (0..=100).map(|p| engine(p as f32 / 100.0)).collect();
        assert!(estimates.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn checks_move_the_estimate_in_their_direction() {
        let plain = of(0.8, 0.97, &[]);
        assert!(of(0.8, 0.97, &[check(true)]) > plain);
        assert!(of(0.8, 0.97, &[check(false)]) < plain);
    }
}
