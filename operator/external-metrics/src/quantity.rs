//! Numbers in the form that Kubernetes calls a quantity.

use std::fmt;

/// A number with three decimals, e.g. `12` or `1500m`, which is 1.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity {
    milli: i64,
}

impl Quantity {
    /// A whole number; beyond 9.2e15 the largest number there is.
    pub fn whole(value: i64) -> Self {
        Self::milli(value.saturating_mul(1000))
    }

    /// Thousandths.
    pub fn milli(milli: i64) -> Self {
        Self { milli }
    }

    /// The number rounded up to thousandths, so that a little work is never told as none; `None` when `value` is not finite.
    pub fn from_f64(value: f64) -> Option<Self> {
        // The cast saturates at the largest number.
        value
            .is_finite()
            .then(|| Self::milli((value * 1000.0).ceil() as i64))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.milli % 1000 {
            0 => write!(formatter, "{}", self.milli / 1000),
            _ => write!(formatter, "{}m", self.milli),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_has_no_suffix_and_a_fraction_is_in_thousandths() {
        assert_eq!(Quantity::whole(12).to_string(), "12");
        assert_eq!(Quantity::default().to_string(), "0");
        assert_eq!(Quantity::milli(1500).to_string(), "1500m");
        assert_eq!(Quantity::milli(-2000).to_string(), "-2");
        assert_eq!(Quantity::milli(-1).to_string(), "-1m");
    }

    #[test]
    fn a_floating_number_is_rounded_up_so_that_a_little_is_not_nothing() {
        let text = |value| Quantity::from_f64(value).map(|quantity| quantity.to_string());
        assert_eq!(text(0.000_01).as_deref(), Some("1m"));
        assert_eq!(text(2.0).as_deref(), Some("2"));
        assert_eq!(text(0.5).as_deref(), Some("500m"));
        assert_eq!(text(f64::NAN), None);
        assert_eq!(text(f64::INFINITY), None);
    }

    #[test]
    fn a_number_that_is_too_large_becomes_the_largest_one() {
        assert_eq!(Quantity::whole(i64::MAX), Quantity::milli(i64::MAX));
        assert_eq!(Quantity::from_f64(1e300), Some(Quantity::milli(i64::MAX)));
    }
}
