//! Invoice or receipt, by shape and words.

use super::DocumentType;
use super::lexicon::Kind;
use super::reading::Reading;

/// Receipts are narrow strips, name a till or change, and print the goods without due dates or orders.
pub(super) fn guess(reading: &Reading<'_>) -> DocumentType {
    let has = |kind| reading.found.iter().any(|f| f.has(kind));
    let pages = reading.lines.last().map_or(1, |l| l.page + 1);
    let mut receipt = 0.0_f32;
    receipt += if has(Kind::Change) { 2.0 } else { 0.0 };
    receipt += if has(Kind::Paid) { 1.0 } else { 0.0 };
    receipt += if has(Kind::Rounding) { 1.0 } else { 0.0 };
    receipt += if reading.height_over_width() > 1.6 {
        1.0
    } else {
        0.0
    };
    receipt -= if has(Kind::Due) { 2.5 } else { 0.0 };
    receipt -= if has(Kind::PurchaseOrder) || has(Kind::Customer) {
        1.0
    } else {
        0.0
    };
    receipt -= if has(Kind::Account) { 0.5 } else { 0.0 };
    receipt -= if pages > 1 { 2.0 } else { 0.0 };
    receipt -= if reading.found.iter().any(|f| f.headers.len() >= 4) {
        0.5
    } else {
        0.0
    };
    if receipt > 0.75 {
        DocumentType::Receipt
    } else {
        DocumentType::Invoice
    }
}
