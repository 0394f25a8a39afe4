//! Every document in `tests/documents` gives what stands in the `.expected.json` beside it.
//!
//! A pair of files is a case: adding one needs no code. The expected values are what was printed, not what was
//! extracted: `make documents` writes both from one description.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use extractor::geometry::{BoundingBox, Page};
use extractor::result::{ExtractionResult, Field};
use serde::Deserialize;

#[derive(Debug, PartialEq, Deserialize)]
struct Expected {
    document_type: String,
    fields: BTreeMap<String, String>,
    line_items: Vec<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Printed {
    file: PathBuf,
    result: ExtractionResult,
}

#[test]
fn every_document_gives_its_expected_values_with_their_evidence() {
    let documents = documents();
    assert!(documents.len() >= 16, "only {} documents", documents.len());
    let results = extract(&documents);
    let mut problems = Vec::new();
    for document in &documents {
        let name = document.file_stem().unwrap().to_string_lossy();
        let Some(result) = results.get(document) else {
            problems.push(format!("{name}: no result"));
            continue;
        };
        let expected = fs::read(document.with_extension("expected.json")).unwrap();
        let expected: Expected = serde_json::from_slice(&expected).unwrap();
        problems.extend(differences(&expected, &values(result)).map(|d| format!("{name}: {d}")));
        problems.extend(unproven(result).map(|d| format!("{name}: {d}")));
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

fn documents() -> Vec<PathBuf> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/documents");
    let in_folder = |kind: &str| {
        fs::read_dir(home.join(kind))
            .unwrap()
            .map(|entry| entry.unwrap().path())
    };
    let mut found: Vec<PathBuf> = ["invoice", "receipt"]
        .into_iter()
        .flat_map(in_folder)
        .collect();
    found.retain(|path| path.extension().is_some_and(|e| e != "json"));
    found.sort();
    found
}

/// One run for all, so that the models are loaded once. The type is left to be guessed.
fn extract(documents: &[PathBuf]) -> BTreeMap<PathBuf, ExtractionResult> {
    let output = Command::new(env!("CARGO_BIN_EXE_extractor"))
        .arg("extract")
        .args(documents)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let printed = lines
        .lines()
        .map(|line| serde_json::from_str::<Printed>(line).unwrap());
    printed.map(|p| (p.file, p.result)).collect()
}

fn values(result: &ExtractionResult) -> Expected {
    let plain = |fields: &BTreeMap<String, Field>| {
        fields
            .iter()
            .map(|(name, field)| (name.clone(), field.value.clone()))
            .collect()
    };
    Expected {
        document_type: result.document_type.clone(),
        fields: plain(&result.fields),
        line_items: result
            .line_items
            .iter()
            .map(|item| plain(&item.fields))
            .collect(),
    }
}

fn differences(expected: &Expected, found: &Expected) -> impl Iterator<Item = String> {
    let mut out = Vec::new();
    if expected.document_type != found.document_type {
        out.push(format!(
            "type is {}, not {}",
            found.document_type, expected.document_type
        ));
    }
    let names: std::collections::BTreeSet<&String> =
        expected.fields.keys().chain(found.fields.keys()).collect();
    for name in names {
        let (want, got) = (expected.fields.get(name), found.fields.get(name));
        if want != got {
            out.push(format!("{name} is {got:?}, not {want:?}"));
        }
    }
    for row in 0..expected.line_items.len().max(found.line_items.len()) {
        let (want, got) = (expected.line_items.get(row), found.line_items.get(row));
        if want != got {
            out.push(format!("item {row} is {got:?}, not {want:?}"));
        }
    }
    out.into_iter()
}

/// Fields whose raw text does not stand on their page inside their box.
fn unproven(result: &ExtractionResult) -> impl Iterator<Item = String> {
    let cells = result.line_items.iter().flat_map(|item| &item.fields);
    let is_unproven = |(_, field): &(&String, &Field)| {
        let page = result.pages.iter().find(|p| p.number == field.page);
        !page.is_some_and(|page| {
            field
                .raw
                .split_whitespace()
                .all(|part| stands_in(page, &field.bounds, part))
        })
    };
    let unproven = result.fields.iter().chain(cells).filter(is_unproven);
    unproven
        .map(|(name, field)| format!("{name} {:?} is not in its box", field.raw))
        .collect::<Vec<_>>()
        .into_iter()
}

/// `+` joins the amounts of which a value is the sum.
fn stands_in(page: &Page, bounds: &BoundingBox, part: &str) -> bool {
    let overlaps = |b: &BoundingBox| {
        b.left < bounds.right()
            && bounds.left < b.right()
            && b.top < bounds.bottom()
            && bounds.top < b.bottom()
    };
    part == "+"
        || page
            .words
            .iter()
            .any(|word| word.text.contains(part) && overlaps(&word.bounds))
}
