//! Measured numbers, one JSON object per line, where the closing summary finds them.

use std::io::Write;

use anyhow::Result;
use serde_json::json;

/// A number with what it should be.
pub struct Figure<'a> {
    /// What was measured.
    pub name: &'a str,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: &'a str,
    /// What it must not exceed.
    pub at_most: f64,
    /// How it came about.
    pub note: &'a str,
}

/// Prints a figure and appends it to `target/figures/<file>.jsonl`.
pub fn record(file: &str, figure: &Figure<'_>) -> Result<()> {
    let Figure {
        name,
        value,
        unit,
        at_most,
        note,
    } = figure;
    eprintln!("{name}: {value:.2} {unit} (at most {at_most})");
    let folder = crate::program::repository().join("target/figures");
    std::fs::create_dir_all(&folder)?;
    let line = json!({
        "name": name, "value": value, "unit": unit, "target": format!("<= {at_most}"),
        "met": value <= at_most, "peer": null, "note": note,
    });
    let mut lines = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join(format!("{file}.jsonl")))?;
    writeln!(lines, "{line}")?;
    Ok(())
}
