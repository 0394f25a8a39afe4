//! Whether a person has to look.

use std::collections::BTreeMap;

use crate::result::{Field, Outcome, Routing};

use super::DocumentType;

/// Fields below this are shown to a person.
const SURE_AMOUNT: f32 = 0.8;
const SURE_TEXT: f32 = 0.6;

/// Fields without which a document is not done, and how sure each has to be.
fn required(document_type: DocumentType) -> &'static [(&'static str, f32)] {
    match document_type {
        DocumentType::Invoice => &[
            ("vendor_name", SURE_TEXT),
            ("invoice_receipt_id", SURE_TEXT),
            ("invoice_receipt_date", SURE_AMOUNT),
            ("total", SURE_AMOUNT),
        ],
        DocumentType::Receipt => &[
            ("vendor_name", SURE_TEXT),
            ("invoice_receipt_date", SURE_AMOUNT),
            ("total", SURE_AMOUNT),
        ],
    }
}

/// Decides from the fields and the checks they carry.
pub(super) fn route(document_type: DocumentType, fields: &BTreeMap<String, Field>) -> Routing {
    let mut reasons = Vec::new();
    for (name, least) in required(document_type) {
        match fields.get(*name) {
            None => reasons.push(format!("missing_{name}")),
            Some(field) if field.confidence < *least => {
                reasons.push(format!("low_confidence_{name}"))
            }
            Some(_) => {}
        }
    }
    let failed = |check: &str| {
        fields
            .values()
            .flat_map(|f| &f.checks)
            .any(|c| c.name == check && !c.passed)
    };
    if failed(super::SUM_CHECK) {
        reasons.push("arithmetic_mismatch".to_owned());
    }
    if failed(super::DUE_CHECK) {
        reasons.push("due_before_issue".to_owned());
    }
    let outcome = if reasons.is_empty() {
        Outcome::Succeeded
    } else {
        Outcome::NeedsReview
    };
    Routing { outcome, reasons }
}
