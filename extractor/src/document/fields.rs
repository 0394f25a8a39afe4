//! Puts the chosen values into named fields with their checks and confidence.

use std::collections::BTreeMap;

use crate::result::{Check, Field, LineItem};

use super::dating::Dated;
use super::identifiers::Identifier;
use super::line_items::Item;
use super::reading::{Reading, Spot};
use super::totals::{Sum, Totals};
use super::vendor::Vendor;
use super::{DUE_CHECK, ITEM_CHECK, ITEMS_CHECK, PAID_CHECK, SUM_CHECK, confidence, currency};

/// Collects fields by name.
pub(super) struct Fields<'r, 'p> {
    reading: &'r Reading<'p>,
    pub(super) by_name: BTreeMap<String, Field>,
}

fn check(name: &str, passed: Option<bool>) -> Option<Check> {
    passed.map(|passed| Check {
        name: name.to_owned(),
        passed,
    })
}

impl<'r, 'p> Fields<'r, 'p> {
    pub(super) fn new(reading: &'r Reading<'p>) -> Self {
        Self {
            reading,
            by_name: BTreeMap::new(),
        }
    }

    fn add(
        &mut self,
        name: &str,
        value: String,
        spots: &[Spot],
        joint: &str,
        likeness: f32,
        checks: Vec<Check>,
    ) {
        if let Some(field) = field(self.reading, value, spots, joint, likeness, checks) {
            self.by_name.insert(name.to_owned(), field);
        }
    }

    pub(super) fn identifier(&mut self, name: &str, found: Option<Identifier>) {
        if let Some(Identifier {
            value,
            spot,
            likeness,
        }) = found
        {
            self.add(name, value, &[spot], " ", likeness, Vec::new());
        }
    }

    pub(super) fn vendor(&mut self, found: Option<Vendor>) {
        if let Some(Vendor {
            name,
            spots,
            likeness,
        }) = found
        {
            self.add("vendor_name", name, &spots, " ", likeness, Vec::new());
        }
    }

    pub(super) fn dates(&mut self, issued: Option<Dated>, due: Option<Dated>) {
        let order = issued
            .as_ref()
            .zip(due.as_ref())
            .map(|(a, b)| a.iso <= b.iso);
        let checks: Vec<Check> = check(DUE_CHECK, order).into_iter().collect();
        for (name, date) in [("invoice_receipt_date", issued), ("due_date", due)] {
            if let Some(Dated {
                iso,
                spot,
                likeness,
            }) = date
            {
                // An earlier issue date is what one expects, no proof that both were read right.
                let checks: Vec<Check> = checks
                    .iter()
                    .filter(|c| !c.passed || name == "due_date")
                    .cloned()
                    .collect();
                self.add(name, iso, &[spot], " ", likeness, checks);
            }
        }
    }

    /// `items` says whether the prices of the goods add up to the subtotal, or to the total without one.
    pub(super) fn totals(&mut self, totals: &Totals, items: Option<bool>) {
        let sum = check(SUM_CHECK, totals.is_consistent);
        let paid = check(PAID_CHECK, totals.is_paid.filter(|paid| *paid));
        let goods = check(
            ITEMS_CHECK,
            items.filter(|fits| *fits || totals.is_consistent.is_none()),
        );
        let has_subtotal = totals.subtotal.is_some();
        let with = |checks: &[&Option<Check>]| {
            checks
                .iter()
                .filter_map(|c| (*c).clone())
                .collect::<Vec<Check>>()
        };
        let doubt = (0.12 * totals.margin).clamp(0.0, 0.12) - 0.12;
        let total_goods = if has_subtotal { None } else { goods.clone() };
        self.amount(
            "total",
            &totals.total,
            doubt,
            with(&[&sum, &paid, &total_goods]),
        );
        self.amount("subtotal", &totals.subtotal, 0.0, with(&[&sum, &goods]));
        self.amount("tax", &totals.tax, -0.08, with(&[&sum]));
        self.amount("discount", &totals.discount, -0.05, with(&[&sum]));
        self.amount(
            "shipping_handling_charge",
            &totals.shipping,
            -0.05,
            with(&[&sum]),
        );
    }

    fn amount(&mut self, name: &str, sum: &Option<Sum>, doubt: f32, checks: Vec<Check>) {
        if let Some(sum) = sum {
            let value = if name == "discount" {
                sum.value.abs()
            } else {
                sum.value
            };
            self.add(
                name,
                value.money(),
                &sum.spots,
                " + ",
                0.96 * sum.likeness + doubt,
                checks,
            );
        }
    }

    /// The currency beside the total, else the most frequent one, else a code that stands alone.
    pub(super) fn currency(&mut self, totals: &Totals) {
        if let Some((code, spot, likeness)) = currency_of(self.reading, totals) {
            let code = code.to_owned();
            self.add("currency", code, &[spot], " ", likeness, Vec::new());
        }
    }
}

/// Code, place and how likely it is.
fn currency_of(reading: &Reading<'_>, totals: &Totals) -> Option<(&'static str, Spot, f32)> {
    let at_total = totals
        .total
        .as_ref()
        .and_then(|t| t.spots.first())
        .map(|s| s.line);
    let beside = |line: usize| {
        reading.found[line].amounts.iter().rev().find_map(|a| {
            a.currency
                .clone()
                .map(|(c, r)| (c, Spot { line, range: r }))
        })
    };
    let printed = at_total
        .and_then(beside)
        .or_else(|| (0..reading.lines.len()).rev().find_map(beside));
    let alone = |line: usize| {
        currency::code_in(&reading.lines[line].text)
            .map(|(code, range)| (code, Spot { line, range }))
    };
    let stated = at_total
        .and_then(alone)
        .or_else(|| (0..reading.lines.len()).find_map(alone));
    Some(match (printed, stated) {
        (Some((known, spot)), stated) => match (known.code(), stated) {
            (Some(code), _) => (code, spot, 0.98),
            // `$` beside the amounts and a code elsewhere, e.g. "All prices in AUD".
            (None, Some((code, stated))) if code != "MYR" => (code, stated, 0.95),
            (None, _) => (currency::dollar_of(&reading.lines), spot, 0.85),
        },
        (None, Some((code, spot))) => (code, spot, 0.93),
        (None, None) => match currency::of_tax_number(reading) {
            Some((code, spot)) => (code, spot, 0.8),
            None => return None,
        },
    })
}

fn field(
    reading: &Reading<'_>,
    value: String,
    spots: &[Spot],
    joint: &str,
    likeness: f32,
    checks: Vec<Check>,
) -> Option<Field> {
    let confidence = confidence::of(likeness, reading.engine_confidence(spots), &checks);
    reading.field(value, spots, joint, confidence, checks)
}

/// The cells of one item.
pub(super) fn line_item(reading: &Reading<'_>, item: &Item) -> LineItem {
    let Item {
        description,
        code,
        quantity,
        unit_price,
        price,
    } = item;
    let checks: Vec<Check> = check(ITEM_CHECK, item.is_consistent())
        .into_iter()
        .collect();
    let plain = |spots: &[Spot]| {
        let texts = spots.iter().map(|s| reading.raw(s).replace('\t', " "));
        let text = texts.collect::<Vec<_>>().join(" ");
        field(reading, text, spots, " ", 0.93, Vec::new())
    };
    let number = |n: &Option<super::line_items::Number>, is_money: bool| {
        let n = n.as_ref()?;
        let value = if is_money {
            n.value.money()
        } else {
            n.value.to_string()
        };
        let spots = std::slice::from_ref(&n.spot);
        field(reading, value, spots, " ", 0.93, checks.clone())
    };
    let cells = [
        ("item", plain(description)),
        ("product_code", plain(code.as_slice())),
        ("quantity", number(quantity, false)),
        ("unit_price", number(unit_price, true)),
        ("price", number(price, true)),
    ];
    LineItem {
        fields: cells
            .into_iter()
            .filter_map(|(name, cell)| Some((name.to_owned(), cell?)))
            .collect(),
    }
}
