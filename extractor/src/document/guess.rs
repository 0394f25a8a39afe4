//! Invoice or receipt, by shape and words.

use super::DocumentType;
use super::lexicon::Kind;
use super::reading::Reading;
use super::text::squeeze;

/// A title stands on one of the first lines.
const TITLE_LINES: usize = 12;

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
    receipt += if is_titled_receipt(reading) { 2.0 } else { 0.0 };
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

/// A line at the top that says nothing but `RECEIPT`, `Payment receipt` or the like.
fn is_titled_receipt(reading: &Reading<'_>) -> bool {
    let top = reading.lines.iter().take(TITLE_LINES);
    let titles = top.flat_map(|line| line.segments().map(|range| squeeze(&line.text[range])));
    titles
        .filter(|title| title.ends_with("receipt") || title.ends_with("quittung"))
        .any(|title| title.len() <= "official payment receipt".len())
}

#[cfg(test)]
mod tests {
    use super::{DocumentType, guess};
    use crate::document::reading::Reading;
    use crate::document::testing::written;

    #[test]
    fn a_title_makes_a_receipt_of_what_names_a_guest_and_a_bank() {
        let lines = [
            "PAYMENT RECEIPT",
            "Guest Name: Mira Holt|Date: 31/12/2025",
            "Description|Rate|Amount",
            "Room charges|1939.00|1939.00",
            "Grand Total|1939.00",
            "Paid through cash|1939.00",
            "Bank name: Harbour Bank",
        ];
        let of = |lines: &[&str]| guess(&Reading::of(&[written(lines)]));
        assert_eq!(of(&lines), DocumentType::Receipt);
        assert_eq!(of(&lines[1..]), DocumentType::Invoice);
    }
}
