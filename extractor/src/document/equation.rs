//! Finds the printed parts that add up: subtotal - discount + shipping + service + rounding + tax = total.

use super::decimal::Decimal;
use super::lexicon::Kind;
use super::rows::MoneyRow;
use super::totals::Sum;

/// Parts that give a total within [`Decimal::TOLERANCE`].
#[derive(Clone, Debug)]
pub(super) struct Equation {
    pub(super) subtotal: Option<Sum>,
    pub(super) tax: Option<Sum>,
    pub(super) discount: Option<Sum>,
    pub(super) shipping: Option<Sum>,
    /// Whether at least two different amounts took part, so that it is no accident.
    pub(super) is_proof: bool,
}

/// At most this many readings of one part are tried: a document with more is no invoice.
const MAX_OPTIONS: usize = 8;

/// The equation for this total that uses the most of what is printed.
pub(super) fn best_equation(
    rows: &[MoneyRow],
    total: Decimal,
    items: Option<Decimal>,
) -> Option<Equation> {
    let mut best: Option<(f32, Equation)> = None;
    let others = combinations(rows);
    for (subtotal, rank) in subtotals(rows, total) {
        for tax in taxes(rows, total) {
            for [discount, shipping, service, rounding] in &others {
                let extras = [discount, shipping, service, rounding, &tax];
                let result = sum_of(subtotal.value, extras, total);
                let score = rank + score(extras, &subtotal, result == total, items);
                let is_better = best.as_ref().is_none_or(|(known, _)| score > *known);
                if result.is_near(total) && is_better {
                    best = Some((score, equation(rows, &subtotal, extras, total)));
                }
            }
        }
    }
    best.map(|(_, equation)| equation)
}

/// Every choice of discount, shipping, service and rounding, each of them at most once.
fn combinations(rows: &[MoneyRow]) -> Vec<[Option<Sum>; 4]> {
    let kinds = [
        Kind::Discount,
        Kind::Shipping,
        Kind::Service,
        Kind::Rounding,
    ];
    let mut out = vec![[None, None, None, None]];
    for (place, kind) in kinds.into_iter().enumerate() {
        let choices = options(rows, kind);
        let with = |chosen: &[Option<Sum>; 4]| {
            let extend = |choice: &Option<Sum>| {
                let mut next = chosen.clone();
                next[place] = choice.clone();
                next
            };
            choices.iter().map(extend).collect::<Vec<_>>()
        };
        out = out.iter().flat_map(with).collect();
    }
    out
}

/// Discount, shipping, service, rounding, tax.
type Extras<'a> = [&'a Option<Sum>; 5];

fn value(part: &Option<Sum>) -> Decimal {
    part.as_ref().map_or(Decimal::ZERO, |sum| sum.value)
}

fn sum_of(
    subtotal: Decimal,
    [discount, shipping, service, rounding, tax]: Extras<'_>,
    total: Decimal,
) -> Decimal {
    // Discounts are printed with and without a minus; on a credit note everything is turned around.
    let less = if total < Decimal::ZERO {
        -value(discount).abs()
    } else {
        value(discount).abs()
    };
    subtotal - less + value(shipping) + value(service) + value(rounding) + value(tax)
}

/// More parts are better, an exact sum is better, a subtotal that the goods add up to is better.
fn score(extras: Extras<'_>, subtotal: &Sum, is_exact: bool, items: Option<Decimal>) -> f32 {
    let used = extras.iter().filter(|part| part.is_some()).count() as f32;
    let goods = if items.is_some_and(|sum| sum.is_near(subtotal.value)) {
        0.8
    } else {
        0.0
    };
    used + goods + if is_exact { 0.3 } else { 0.0 }
}

fn equation(rows: &[MoneyRow], subtotal: &Sum, extras: Extras<'_>, total: Decimal) -> Equation {
    let [discount, shipping, _, _, tax] = extras.map(Clone::clone);
    Equation {
        is_proof: extras.iter().any(|part| !value(part).is_zero()),
        tax: tax.or_else(|| included_tax(rows, total)),
        subtotal: Some(subtotal.clone()),
        discount,
        shipping,
    }
}

/// Amounts that can be the subtotal, with how well their label says so. The total is not its own subtotal.
fn subtotals(rows: &[MoneyRow], total: Decimal) -> Vec<(Sum, f32)> {
    let ranked = rows.iter().filter_map(|row| {
        let rank = match row.kind {
            Kind::Subtotal => 1.0,
            Kind::TotalBeforeTax => 0.8,
            _ if row.value.is_near(total) => return None,
            Kind::NetTotal => 0.9,
            Kind::Total => 0.3,
            Kind::GrandTotal => 0.2,
            _ => return None,
        };
        Some((
            Sum::of(&[row]),
            rank - if row.is_summary { 0.6 } else { 0.0 },
        ))
    });
    distinct(ranked.filter(|(sum, _)| !sum.value.is_zero()).collect())
}

fn distinct(mut sums: Vec<(Sum, f32)>) -> Vec<(Sum, f32)> {
    sums.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut out: Vec<(Sum, f32)> = Vec::new();
    for sum in sums {
        if out.iter().all(|known| known.0.value != sum.0.value) && out.len() < MAX_OPTIONS {
            out.push(sum);
        }
    }
    out
}

/// Nothing, or one of the amounts with this label.
fn options(rows: &[MoneyRow], kind: Kind) -> Vec<Option<Sum>> {
    let found = rows
        .iter()
        .filter(|r| r.kind == kind && !r.value.is_zero())
        .map(|r| (Sum::of(&[r]), r.likeness));
    std::iter::once(None)
        .chain(
            distinct(found.collect())
                .into_iter()
                .take(3)
                .map(|(sum, _)| Some(sum)),
        )
        .collect()
}

/// Nothing, a total of tax, one tax, or several taxes together.
fn taxes(rows: &[MoneyRow], total: Decimal) -> Vec<Option<Sum>> {
    let smaller = |r: &&MoneyRow| !r.value.is_zero() && r.value.abs() < total.abs();
    let of = |kind| {
        rows.iter()
            .filter(move |r: &&MoneyRow| r.kind == kind)
            .filter(smaller)
    };
    let mut out: Vec<Option<Sum>> = of(Kind::TaxTotal).map(|r| Some(Sum::of(&[r]))).collect();
    let single: Vec<&MoneyRow> = of(Kind::Tax)
        .filter(|r| !r.is_summary)
        .take(MAX_OPTIONS)
        .collect();
    if single.len() > 1 {
        out.push(Some(Sum::of(&single)));
    }
    out.extend(
        single
            .windows(2)
            .filter(|_| single.len() > 2)
            .map(|pair| Some(Sum::of(pair))),
    );
    out.extend(of(Kind::Tax).take(MAX_OPTIONS).map(|r| Some(Sum::of(&[r]))));
    out.truncate(2 * MAX_OPTIONS);
    out.push(None);
    out
}

/// A tax that is printed for information: the prices include it.
fn included_tax(rows: &[MoneyRow], total: Decimal) -> Option<Sum> {
    let limit = total.abs().percent(Decimal::MOST_TAX);
    let of = |kind| {
        rows.iter()
            .find(|r| r.kind == kind && !r.value.is_zero() && r.value.abs() < limit)
    };
    // A rate of nought is printed with its amount of nought.
    let none = || {
        let is_tax = |r: &&MoneyRow| matches!(r.kind, Kind::TaxTotal | Kind::Tax);
        let mut taxes = rows.iter().filter(is_tax);
        let first = taxes
            .next()
            .filter(|r| r.value.is_zero() && !r.is_summary)?;
        taxes.all(|r| r.value.is_zero()).then_some(first)
    };
    of(Kind::TaxTotal)
        .or_else(|| of(Kind::Tax))
        .or_else(none)
        .map(|r| Sum::of(&[r]))
}
