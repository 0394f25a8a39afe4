//! Which amount is the total, the subtotal, the tax: labels propose, arithmetic decides.

use super::decimal::Decimal;
use super::equation::{Equation, best_equation};
use super::lexicon::Kind;
use super::reading::{Reading, Spot};
use super::rows::MoneyRow;

/// An amount with where it stands; more than one place when it is a sum of printed amounts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sum {
    pub(super) value: Decimal,
    pub(super) spots: Vec<Spot>,
    /// How sure the label is, 0..=1.
    pub(super) likeness: f32,
}

impl Sum {
    pub(super) fn of(rows: &[&MoneyRow]) -> Self {
        Self {
            value: rows.iter().map(|r| r.value).sum(),
            spots: rows.iter().map(|r| r.spot.clone()).collect(),
            likeness: rows.iter().map(|r| r.likeness).fold(1.0, f32::min),
        }
    }
}

/// The sums of a document and how they were confirmed.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) total: Option<Sum>,
    pub(super) subtotal: Option<Sum>,
    pub(super) tax: Option<Sum>,
    pub(super) discount: Option<Sum>,
    pub(super) shipping: Option<Sum>,
    /// Whether subtotal, discount, shipping and tax give the total; `None` when too little is printed to tell.
    pub(super) is_consistent: Option<bool>,
    /// Whether cash less change gives the total.
    pub(super) is_paid: Option<bool>,
    /// How far the total's score is above that of the next different amount.
    pub(super) margin: f32,
}

/// Decides. `items` is the sum of the prices of the goods.
pub(super) fn decide(reading: &Reading<'_>, rows: &[MoneyRow], items: Option<Decimal>) -> Totals {
    let paid = paid(rows);
    let mut candidates = candidates(reading, rows, paid);
    for candidate in &mut candidates {
        candidate.score += support(reading, rows, candidate, paid, items);
    }
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let Some(best) = candidates.first().cloned() else {
        return Totals::default();
    };
    let margin = candidates
        .iter()
        .find(|c| c.value != best.value)
        .map_or(2.0, |next| best.score - next.score);
    let likeness = if best.has_label { best.likeness } else { 0.6 };
    let total = Sum {
        value: best.value,
        spots: vec![best.spot.clone()],
        likeness,
    };
    let mut totals = Totals {
        total: Some(total),
        margin,
        ..Totals::default()
    };
    totals.is_paid = paid.map(|p| p == best.value);
    match best.equation {
        Some(equation) => totals.take(equation),
        None => totals.take_labelled(rows, best.value),
    }
    totals
}

impl Totals {
    fn take(&mut self, equation: Equation) {
        self.is_consistent = equation.is_proof.then_some(true);
        self.subtotal = equation.subtotal;
        self.tax = equation.tax;
        self.discount = equation.discount;
        self.shipping = equation.shipping;
    }

    /// Without an equation: what the labels say, and a failed check where all parts were there.
    fn take_labelled(&mut self, rows: &[MoneyRow], total: Decimal) {
        let first = |kinds: &[Kind]| {
            rows.iter()
                .find(|r| kinds.contains(&r.kind) && !r.is_summary)
        };
        self.subtotal = first(&[Kind::Subtotal])
            .or_else(|| first(&[Kind::TotalBeforeTax]))
            .map(|r| Sum::of(&[r]));
        let is_plausible = |r: &&MoneyRow| {
            r.value.abs() < total.abs().percent(Decimal::MOST_TAX) && !r.value.is_zero()
        };
        let taxes = |kind| {
            rows.iter()
                .filter(move |r| r.kind == kind)
                .filter(is_plausible)
        };
        self.tax = taxes(Kind::TaxTotal)
            .chain(taxes(Kind::Tax))
            .next()
            .map(|r| Sum::of(&[r]));
        self.discount = first(&[Kind::Discount])
            .filter(|r| !r.value.is_zero())
            .map(|r| Sum::of(&[r]));
        self.shipping = first(&[Kind::Shipping])
            .filter(|r| !r.value.is_zero())
            .map(|r| Sum::of(&[r]));
        if let (Some(subtotal), Some(_)) = (&self.subtotal, &self.tax) {
            // A tax that the subtotal includes leaves nothing to add up.
            self.is_consistent = (!subtotal.value.is_near(total)).then_some(false);
        }
    }
}

#[derive(Clone, Debug)]
struct Candidate {
    value: Decimal,
    spot: Spot,
    score: f32,
    likeness: f32,
    has_label: bool,
    equation: Option<Equation>,
}

/// How strongly a label says "this is the total".
fn weight(kind: Kind) -> Option<f32> {
    Some(match kind {
        Kind::GrandTotal => 3.0,
        Kind::Total => 2.3,
        Kind::NetTotal => 1.7,
        Kind::Subtotal => 0.7,
        Kind::TotalBeforeTax => 0.2,
        _ => return None,
    })
}

/// One candidate per amount: its best label. What was paid less the change counts without any label.
fn candidates(reading: &Reading<'_>, rows: &[MoneyRow], paid: Option<Decimal>) -> Vec<Candidate> {
    let mut out: Vec<Candidate> = Vec::new();
    for row in rows {
        let Some(weight) = weight(row.kind) else {
            continue;
        };
        let place = row.spot.line as f32 / reading.lines.len().max(1) as f32;
        let score = weight * row.likeness + 0.3 * place
            - if row.is_summary { 1.5 } else { 0.0 }
            - if row.value.is_zero() { 3.0 } else { 0.0 };
        match out.iter_mut().find(|c| c.value == row.value) {
            Some(known) if known.score >= score => {}
            Some(known) => *known = candidate(row, score),
            None => out.push(candidate(row, score)),
        }
    }
    if let Some(value) = paid.filter(|v| out.iter().all(|c| c.value != *v))
        && let Some(spot) = unlabelled(reading, value)
    {
        out.push(Candidate {
            value,
            spot,
            score: 1.0,
            likeness: 0.6,
            has_label: false,
            equation: None,
        });
    }
    out
}

/// The last place where this amount is neither called paid nor change.
fn unlabelled(reading: &Reading<'_>, value: Decimal) -> Option<Spot> {
    let lines = reading.found.iter().enumerate().rev();
    let mut lines = lines.filter(|(_, found)| !found.has(Kind::Paid) && !found.has(Kind::Change));
    lines.find_map(|(line, found)| {
        let range = found.money().find(|a| a.value == value)?.range.clone();
        Some(Spot { line, range })
    })
}

fn candidate(row: &MoneyRow, score: f32) -> Candidate {
    Candidate {
        value: row.value,
        spot: row.spot.clone(),
        score,
        likeness: row.likeness,
        has_label: true,
        equation: None,
    }
}

/// What else speaks for an amount being the total.
fn support(
    reading: &Reading<'_>,
    rows: &[MoneyRow],
    candidate: &mut Candidate,
    paid: Option<Decimal>,
    items: Option<Decimal>,
) -> f32 {
    let mut score = 0.0;
    if paid == Some(candidate.value) {
        score += 1.6;
    } else if rows
        .iter()
        .any(|r| r.kind == Kind::Paid && r.value == candidate.value)
    {
        score += 0.8;
    }
    if items.is_some_and(|sum| sum.is_near(candidate.value)) {
        score += 0.4;
    }
    let seen = reading
        .found
        .iter()
        .flat_map(super::reading::Found::money)
        .filter(|a| a.value == candidate.value)
        .count();
    score += 0.15 * (seen.min(4) as f32 - 1.0);
    candidate.equation = best_equation(rows, candidate.value, items);
    score
        + candidate
            .equation
            .as_ref()
            .map_or(0.0, |e| if e.is_proof { 1.5 } else { 0.2 })
}

/// Cash less change, where both are printed.
fn paid(rows: &[MoneyRow]) -> Option<Decimal> {
    let change = rows.iter().rfind(|r| r.kind == Kind::Change)?;
    let cash = rows.iter().rfind(|r| {
        r.kind == Kind::Paid && r.spot.line <= change.spot.line && r.value > change.value
    })?;
    Some(cash.value - change.value.abs()).filter(|v| *v > Decimal::ZERO)
}
