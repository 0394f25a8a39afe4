//! Document types and what they yield: pure functions from words to fields.
//!
//! Knows no file format, no engine, no clock and no IO. A value is never invented: each field names the place on the page
//! that it was read from.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::geometry::Page;
use crate::result::{Field, LineItem, Routing};

mod amounts;
mod company;
mod confidence;
mod currency;
mod dates;
mod dating;
mod decimal;
mod descriptions;
mod equation;
mod fields;
mod guess;
mod identifiers;
mod labels;
mod lexicon;
mod line_items;
mod lines;
mod misread;
mod months;
mod reading;
mod routing;
mod rows;
mod slopes;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;
mod text_columns;
mod till;
mod totals;
mod vendor;

use lexicon::Kind;
use line_items::Item;
use reading::Reading;

/// Subtotal, discount, shipping and tax give the total.
const SUM_CHECK: &str = "subtotal_plus_tax_is_total";
/// Cash less change gives the total.
const PAID_CHECK: &str = "paid_less_change_is_total";
/// The prices of the goods give the subtotal, or the total where no subtotal is printed.
const ITEMS_CHECK: &str = "line_items_add_up";
/// Quantity times unit price gives the price.
const ITEM_CHECK: &str = "quantity_times_unit_price_is_price";
/// The due date is not before the date of issue.
const DUE_CHECK: &str = "due_date_not_before_issue";

/// What a document is; decides which fields it must have.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum DocumentType {
    /// An invoice or a credit note.
    Invoice,
    /// A proof of a payment made at a till.
    Receipt,
}

/// A name that is no document type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown document type {0:?}: must be one of Invoice, Receipt")]
pub struct UnknownDocumentType(pub String);

/// What was found in a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Extraction {
    /// Fields by name; one that is not printed is absent.
    pub fields: BTreeMap<String, Field>,
    /// Things bought, top to bottom.
    pub line_items: Vec<LineItem>,
    /// Whether a person has to look, and why.
    pub routing: Routing,
}

impl DocumentType {
    /// All types, in the order of the API's documentation.
    pub const ALL: [Self; 2] = [Self::Invoice, Self::Receipt];

    /// The name used in the API, in the database and in the custom resource.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invoice => "Invoice",
            Self::Receipt => "Receipt",
        }
    }

    /// The more likely type of a document whose sender did not say.
    #[must_use]
    pub fn guess(pages: &[Page]) -> Self {
        guess::guess(&Reading::of(pages))
    }
}

impl fmt::Display for DocumentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DocumentType {
    type Err = UnknownDocumentType;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|t| t.name() == name)
            .ok_or_else(|| UnknownDocumentType(name.to_owned()))
    }
}

/// Fields, line items and routing of a recognised document.
#[must_use]
pub fn extract(document_type: DocumentType, pages: &[Page]) -> Extraction {
    let reading = Reading::of(pages);
    let rows = rows::money_rows(&reading);
    let items = items(document_type, &reading, &rows);
    let prices = || items.iter().filter_map(|i| i.price.as_ref());
    let sum = (!items.is_empty()).then(|| prices().map(|p| p.value).sum());
    let totals = totals::decide(&reading, &rows, sum);
    let printed = totals.subtotal.as_ref().or(totals.total.as_ref());
    let goods = printed
        .zip(sum)
        .map(|(printed, sum)| printed.value.is_near(sum));

    let mut fields = fields::Fields::new(&reading);
    fields.vendor(vendor::vendor(&reading));
    let identifier = |kind| identifiers::identifier(&reading, kind);
    fields.identifier("invoice_receipt_id", identifier(Kind::Number));
    let (issued, due) = dating::dates(&reading);
    match document_type {
        DocumentType::Invoice => {
            fields.identifier("po_number", identifier(Kind::PurchaseOrder));
            fields.dates(issued, due);
        }
        DocumentType::Receipt => fields.dates(issued, None),
    }
    fields.totals(&totals, goods);
    fields.currency(&totals);
    let fields = fields.by_name;
    let line_items = items
        .iter()
        .map(|item| fields::line_item(&reading, item))
        .collect();
    let routing = routing::route(document_type, &fields);
    Extraction {
        fields,
        line_items,
        routing,
    }
}

/// By columns where there are any; receipts also by the shape of their lines, whichever adds up to a printed sum.
fn items(document_type: DocumentType, reading: &Reading<'_>, rows: &[rows::MoneyRow]) -> Vec<Item> {
    let columns = line_items::line_items(reading);
    let by_shape = || till::till_items(reading);
    let adds_up = |items: &[Item]| {
        let sum = items
            .iter()
            .filter_map(|i| i.price.as_ref())
            .map(|p| p.value)
            .sum();
        !items.is_empty()
            && rows.iter().any(|r| {
                matches!(
                    r.kind,
                    Kind::Subtotal | Kind::Total | Kind::GrandTotal | Kind::NetTotal
                ) && r.value.is_near(sum)
            })
    };
    let has_names = |items: &[Item]| items.iter().all(|i| !i.description.is_empty());
    match document_type {
        DocumentType::Invoice => columns,
        DocumentType::Receipt if adds_up(&columns) && has_names(&columns) => columns,
        DocumentType::Receipt => {
            let lines = by_shape();
            if adds_up(&lines) || columns.is_empty() {
                lines
            } else {
                columns
            }
        }
    }
}
