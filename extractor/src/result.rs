//! The result of one document as clients read it; versioned by `schema`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::geometry::{BoundingBox, Page};

/// Name and version of this format, in every result.
pub const SCHEMA: &str = "extraction.dev/result/v1";

/// What extraction found in one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExtractionResult {
    /// The format of this result, always `extraction.dev/result/v1`.
    pub schema: String,
    /// The job that made it; absent for `extractor extract`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// The document type that was extracted.
    #[schemars(with = "crate::document::DocumentType")]
    pub document_type: String,
    /// Pages with their words.
    pub pages: Vec<Page>,
    /// Fields by name (Textract's AnalyzeExpense names in lower snake case). A field that the document
    /// does not print is absent.
    pub fields: BTreeMap<String, Field>,
    /// Rows of the table of goods, top to bottom.
    pub line_items: Vec<LineItem>,
    /// Whether a person has to look, and why.
    pub routing: Routing,
    /// Where the time went.
    pub timings: Timings,
}

/// One value with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// Normalised: amounts as decimals with a point, dates ISO 8601, currency ISO 4217.
    pub value: String,
    /// As printed. Never invented: it stands on the page, inside `box`.
    pub raw: String,
    /// Page number from 1.
    pub page: u32,
    /// Where it stands on the page.
    #[serde(rename = "box")]
    pub bounds: BoundingBox,
    /// Estimated probability that `value` is right, 0..=1.
    pub confidence: f32,
    /// `text_layer` or `ppocr`.
    pub engine: String,
    /// Checks that this value took part in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
}

/// The outcome of one check, e.g. `subtotal_plus_tax_is_total`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Stable snake-case name.
    pub name: String,
    /// Whether it held.
    pub passed: bool,
}

/// One row of the table of goods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineItem {
    /// Cells by name: `item`, `quantity`, `unit_price`, `price`, `product_code`.
    pub fields: BTreeMap<String, Field>,
}

/// Where the document goes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Routing {
    /// `succeeded` or `needs_review`.
    pub outcome: Outcome,
    /// Stable reason codes for a review, e.g. `missing_total`, `arithmetic_mismatch`; empty when succeeded.
    pub reasons: Vec<String>,
}

/// Whether a person should look at the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The required fields are there, confident, and agree with each other.
    Succeeded,
    /// A person should look.
    NeedsReview,
}

/// Milliseconds of wall-clock time by stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timings {
    /// Decoding, rasterising and recognition, in the child process.
    pub recognise_ms: u64,
    /// Words to fields.
    pub extract_ms: u64,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Compares the published schema with the types; `WRITE_GENERATED=1` writes it.
    #[test]
    fn the_schema_is_a_generated_file() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/result.v1.json");
        let schema = schemars::schema_for!(super::ExtractionResult);
        let fresh = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("WRITE_GENERATED").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &fresh).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == fresh,
            "{} is outdated: make generated",
            path.display()
        );
    }
}
