//! Decimal numbers with four places: exact sums of money without binary fractions.

use std::fmt;
use std::ops::{Add, Neg, Sub};

/// A number in ten-thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Decimal(i64);

const ONE: i64 = 10_000;

impl Decimal {
    pub(super) const ZERO: Self = Self(0);
    /// Sums of printed amounts may differ from the printed total by this much: two roundings.
    pub(super) const TOLERANCE: Self = Self(ONE / 50);
    pub(super) const THOUSAND: Self = Self(1000 * ONE);
    /// No tax is this many hundredths of a total.
    pub(super) const MOST_TAX: Self = Self(40 * ONE);

    /// From digits without any grouping, e.g. `1234.5`; more than four places are cut off.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.len() > 12
            || !whole
                .bytes()
                .chain(fraction.bytes())
                .all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let whole: i64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        let mut fraction = fraction.to_owned();
        fraction.truncate(4);
        while fraction.len() < 4 {
            fraction.push('0');
        }
        Some(Self(whole * ONE + fraction.parse::<i64>().ok()?))
    }

    pub(super) fn abs(self) -> Self {
        Self(self.0.abs())
    }

    pub(super) fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The product, rounded to four places.
    pub(super) fn times(self, other: Self) -> Self {
        let product = i128::from(self.0) * i128::from(other.0);
        let half = i128::from(ONE / 2) * product.signum();
        Self(i64::try_from((product + half) / i128::from(ONE)).unwrap_or(i64::MAX))
    }

    /// This many hundredths of `self`.
    pub(super) fn percent(self, rate: Self) -> Self {
        Self(self.times(rate).0 / 100)
    }

    /// Whether both are the same up to [`Self::TOLERANCE`].
    pub(super) fn is_near(self, other: Self) -> bool {
        self.0.abs_diff(other.0) <= Self::TOLERANCE.0.unsigned_abs()
    }

    /// Money: at least two places, e.g. `12.50`.
    pub(super) fn money(self) -> String {
        let plain = self.to_string();
        match plain.split_once('.') {
            None => format!("{plain}.00"),
            Some((_, fraction)) if fraction.len() == 1 => format!("{plain}0"),
            Some(_) => plain,
        }
    }
}

/// The shortest form, e.g. `12.5`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (self.0.abs() / ONE, self.0.abs() % ONE);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{fraction:04}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl Add for Decimal {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Decimal {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Decimal {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl std::iter::Sum for Decimal {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn every_amount_of_cents_survives_printing_and_parsing() {
        for cents in (0..200_000).step_by(7) {
            let text = format!("{}.{:02}", cents / 100, cents % 100);
            assert_eq!(decimal(&text).money(), text);
        }
    }

    #[test]
    fn quantity_times_unit_price_is_exact() {
        assert_eq!(decimal("13.5").times(decimal("112.00")), decimal("1512"));
        assert_eq!(decimal("0.31").times(decimal("2000")).money(), "620.00");
        assert_eq!((-decimal("2")).times(decimal("13.09")).money(), "-26.18");
    }

    #[test]
    fn a_percentage_of_an_amount_is_taken_in_hundredths() {
        assert_eq!(decimal("200").percent(decimal("5.5")).money(), "11.00");
    }

    #[test]
    fn letters_are_no_number() {
        assert_eq!(Decimal::parse("12a"), None);
    }
}
