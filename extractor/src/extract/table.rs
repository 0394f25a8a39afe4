//! A result for a person to read in a terminal.

use std::io::{self, Write};

use crate::result::{ExtractionResult, Field, LineItem, Outcome};

/// Columns of the table of goods, as wide as shown.
const COLUMNS: [(&str, usize); 5] = [
    ("item", 44),
    ("product_code", 14),
    ("quantity", 10),
    ("unit_price", 12),
    ("price", 12),
];

/// Writes the fields, then the line items, then what a person should look at.
pub(super) fn write(
    out: &mut impl Write,
    title: &str,
    result: &ExtractionResult,
) -> io::Result<()> {
    let pages = result.pages.len();
    writeln!(
        out,
        "{title}: {}, {pages} page(s), {} ms",
        result.document_type, result.timings.recognise_ms
    )?;
    for (name, field) in &result.fields {
        writeln!(
            out,
            "  {name:22} {:34} {:3.0} %{}",
            cut(&shown(&field.value), 34),
            field.confidence * 100.0,
            failed(field)
        )?;
    }
    if !result.line_items.is_empty() {
        let heads: Vec<String> = COLUMNS
            .iter()
            .map(|(name, width)| format!("{name:width$}"))
            .collect();
        writeln!(out, "  {}", heads.join(" ").trim_end())?;
    }
    for item in &result.line_items {
        writeln!(out, "  {}", row(item).trim_end())?;
    }
    if result.routing.outcome == Outcome::NeedsReview {
        writeln!(out, "  needs review: {}", result.routing.reasons.join(", "))?;
    }
    Ok(())
}

fn row(item: &LineItem) -> String {
    let cell = |(name, width): &(&str, usize)| {
        let value = item
            .fields
            .get(*name)
            .map_or_else(String::new, |field| shown(&field.value));
        format!("{:width$}", cut(&value, *width))
    };
    COLUMNS.iter().map(cell).collect::<Vec<_>>().join(" ")
}

fn failed(field: &Field) -> String {
    let names: Vec<&str> = field
        .checks
        .iter()
        .filter(|c| !c.passed)
        .map(|c| c.name.as_str())
        .collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("  failed: {}", names.join(", "))
    }
}

/// A document may say anything, but not command the terminal.
fn shown(value: &str) -> String {
    value
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn cut(value: &str, width: usize) -> String {
    if value.chars().count() <= width {
        return value.to_owned();
    }
    let mut short: String = value.chars().take(width - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::BoundingBox;
    use crate::result::{Routing, SCHEMA, Timings};

    #[test]
    fn a_result_fits_a_terminal() {
        let field = |value: &str| Field {
            value: value.to_owned(),
            raw: value.to_owned(),
            page: 1,
            bounds: BoundingBox::default(),
            confidence: 0.98,
            engine: "ppocr".to_owned(),
            checks: Vec::new(),
        };
        let result = ExtractionResult {
            schema: SCHEMA.to_owned(),
            job_id: None,
            document_type: "Receipt".to_owned(),
            pages: Vec::new(),
            fields: [("total".to_owned(), field("16.65\x1b[2J"))].into(),
            line_items: vec![LineItem {
                fields: [
                    ("item".to_owned(), field("Tea")),
                    ("price".to_owned(), field("16.65")),
                ]
                .into(),
            }],
            routing: Routing {
                outcome: Outcome::NeedsReview,
                reasons: vec!["missing_date".to_owned()],
            },
            timings: Timings::default(),
        };
        let mut out = Vec::new();
        write(&mut out, "a.png", &result).expect("writes");
        let text = String::from_utf8(out).expect("text");
        assert!(
            text.contains("total")
                && text.contains("98 %")
                && text.contains("Tea")
                && !text.contains('\x1b'),
            "{text}"
        );
        assert!(text.ends_with("needs review: missing_date\n"), "{text}");
    }
}
