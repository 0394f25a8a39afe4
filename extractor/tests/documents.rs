//! Golden documents through the binary with the real models: bytes to fields, nothing replaced. A case is a
//! pair of files in `tests/documents/<type>/`; adding one needs no code.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Least share of expected fields that documents without a text layer must give. Text layers must give all.
const LEAST_RIGHT_ON_IMAGES: f64 = 0.95;

struct Case {
    document: PathBuf,
    expected: Value,
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/documents");
    let mut cases = Vec::new();
    for folder in ["invoice", "receipt"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let Some(stem) = name.strip_suffix(".expected.json") else {
                continue;
            };
            let expected = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let document = ["pdf", "png", "jpg", "webp", "tiff", "bmp"]
                .map(|extension| path.with_file_name(format!("{stem}.{extension}")))
                .into_iter()
                .find(|document| document.exists())
                .unwrap_or_else(|| panic!("{stem} has no document"));
            cases.push(Case { document, expected });
        }
    }
    cases.sort_by(|one, other| one.document.cmp(&other.document));
    assert!(cases.len() >= 12, "only {} documents", cases.len());
    cases
}

fn extract(case: &Case) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_extractor"))
        .args(["extract", "--type"])
        .arg(case.expected["document_type"].as_str().unwrap())
        .arg(&case.document)
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}: {words}",
        case.document.display()
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What is expected and not found, one line each.
fn differences(case: &Case, result: &Value) -> (usize, Vec<String>) {
    let name = case.document.file_name().unwrap().to_string_lossy();
    let mut wrong = Vec::new();
    let fields = case.expected["fields"].as_object().unwrap();
    for (field, wanted) in fields {
        let found = &result["fields"][field]["value"];
        if found != wanted {
            wrong.push(format!("{name}: {field}: expected {wanted}, found {found}"));
        }
    }
    let wanted = case.expected["line_items"].as_array().unwrap().len();
    let found = result["line_items"].as_array().unwrap().len();
    if found != wanted {
        wrong.push(format!(
            "{name}: expected {wanted} line items, found {found}"
        ));
    }
    (fields.len() + 1, wrong)
}

fn is_text_layer(result: &Value) -> bool {
    let fields = result["fields"].as_object().unwrap();
    fields.values().all(|field| field["engine"] == "text_layer")
}

#[test]
fn text_layers_give_every_field_and_images_nearly_all() {
    let (mut text, mut image) = (Vec::new(), Vec::new());
    let mut expected_on_images = 0;
    for case in cases() {
        let result = extract(&case);
        let (expected, wrong) = differences(&case, &result);
        if is_text_layer(&result) {
            text.extend(wrong);
        } else {
            expected_on_images += expected;
            image.extend(wrong);
        }
    }
    println!(
        "{}",
        [text.as_slice(), image.as_slice()].concat().join("\n")
    );
    assert!(text.is_empty(), "wrong on text layers: {}", text.join("\n"));
    let right = expected_on_images - image.len();
    let share = right as f64 / expected_on_images as f64;
    assert!(
        share >= LEAST_RIGHT_ON_IMAGES,
        "{right} of {expected_on_images} fields right on images: {}",
        image.join("\n")
    );
}

#[test]
fn every_value_stands_on_its_page_inside_its_box() {
    for case in cases() {
        let result = extract(&case);
        for (name, field) in result["fields"].as_object().unwrap() {
            let place = format!("{}: {name}", case.document.display());
            let page = field["page"].as_u64().unwrap();
            assert!(
                (1..=result["pages"].as_array().unwrap().len() as u64).contains(&page),
                "{place}"
            );
            assert!(!field["raw"].as_str().unwrap().is_empty(), "{place}");
            let ratio = |key: &str| field["box"][key].as_f64().unwrap();
            assert!(ratio("width") > 0.0 && ratio("height") > 0.0, "{place}");
            assert!(
                ratio("left") >= 0.0 && ratio("left") + ratio("width") <= 1.001,
                "{place}"
            );
            assert!(
                ratio("top") >= 0.0 && ratio("top") + ratio("height") <= 1.001,
                "{place}"
            );
        }
    }
}
