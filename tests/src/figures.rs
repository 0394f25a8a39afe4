//! Measured numbers, one JSON object per line, where the closing summary finds them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

/// A number with what it should be.
pub struct Figure<'a> {
    /// What was measured.
    pub name: &'a str,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: &'a str,
    /// What it must not exceed; infinite where nothing is promised.
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
    let is_promised = at_most.is_finite();
    eprintln!("{name}: {value:.2} {unit} (at most {at_most})");
    let folder = crate::program::repository().join("target/figures");
    std::fs::create_dir_all(&folder)?;
    let line = json!({
        "name": name, "value": value, "unit": unit, "target": is_promised.then(|| format!("<= {at_most}")),
        "met": is_promised.then_some(value <= at_most), "peer": null, "note": note,
    });
    let mut lines = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join(format!("{file}.jsonl")))?;
    writeln!(lines, "{line}")?;
    Ok(())
}

/// Records the seconds since `begun` and fails when they are more than `at_most`.
pub fn within(name: &str, begun: Instant, at_most: f64) -> Result<()> {
    let value = begun.elapsed().as_secs_f64();
    let figure = Figure {
        name,
        value,
        unit: "s",
        at_most,
        note: "",
    };
    record("heal", &figure)?;
    ensure!(value <= at_most, "{name}: {value:.2} s");
    Ok(())
}

/// The figures recorded in `<file>.jsonl` as a table.
pub fn table(file: &str) -> Result<String> {
    let path = crate::program::repository().join(format!("target/figures/{file}.jsonl"));
    let mut table = format!(
        "{:<66} {:>10} {:<6} {:<9} met\n",
        "figure", "value", "unit", "target"
    );
    for line in std::fs::read_to_string(path)?.lines() {
        let figure: Value = serde_json::from_str(line)?;
        let text = |key: &str| figure[key].as_str().unwrap_or_default();
        let met = match figure["met"].as_bool() {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        let value = figure["value"].as_f64().unwrap_or_default();
        writeln!(
            table,
            "{:<66} {value:>10.2} {:<6} {:<9} {met}",
            text("name"),
            text("unit"),
            text("target")
        )?;
    }
    Ok(table)
}
