//! The documents of `tests/documents` with what is printed on them, and how a result differs from that.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// Values by name.
type Values = BTreeMap<String, String>;

/// One document and its expected values.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its file name.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// The media type that its ending stands for.
    pub content_type: &'static str,
    /// What is printed on it.
    pub expected: Expected,
}

/// The content of an `.expected.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// `Invoice` or `Receipt`.
    pub document_type: String,
    /// Values by field name.
    pub fields: Values,
    /// Rows, top to bottom.
    pub line_items: Vec<Values>,
}

impl Document {
    /// Reads `tests/documents/<path>`, e.g. `invoice/german-text.pdf`.
    pub fn read(path: &str) -> Result<Self> {
        Self::open(&home().join(path))
    }

    fn open(path: &Path) -> Result<Self> {
        let expected = std::fs::read(path.with_extension("expected.json"))
            .with_context(|| format!("{}: nothing is expected of it", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            content_type: content_type(path)?,
            name: name.into_owned(),
            bytes: std::fs::read(path)?,
            expected: serde_json::from_slice(&expected)?,
        })
    }

    /// Where a result is not what is printed on the document: values that differ, are missing, or are too many.
    #[must_use]
    pub fn differences(&self, result: &Value) -> Vec<String> {
        let Some(rows) = result["line_items"].as_array() else {
            return vec![format!("{}: no line items in the result", self.name)];
        };
        let found = Expected {
            document_type: result["document_type"].as_str().unwrap_or("").to_owned(),
            fields: values(&result["fields"]),
            line_items: rows.iter().map(|row| values(&row["fields"])).collect(),
        };
        let wanted = &self.expected;
        let mut names: Vec<_> = wanted.fields.keys().chain(found.fields.keys()).collect();
        names.sort();
        names.dedup();
        let fields = names.into_iter().filter_map(|name| {
            let (want, got) = (wanted.fields.get(name), found.fields.get(name));
            (want != got).then(|| format!("{}: {name} is {got:?}, not {want:?}", self.name))
        });
        let mut all: Vec<_> = fields.collect();
        if wanted.document_type != found.document_type || wanted.line_items != found.line_items {
            all.push(format!(
                "{}: {} with items {:?}, not {} with items {:?}",
                self.name,
                found.document_type,
                found.line_items,
                wanted.document_type,
                wanted.line_items
            ));
        }
        all
    }
}

/// All of them, by name of file.
pub fn all() -> Result<Vec<Document>> {
    let mut paths = Vec::new();
    for kind in ["invoice", "receipt"] {
        for entry in std::fs::read_dir(home().join(kind))? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending != "json") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths.iter().map(|path| Document::open(path)).collect()
}

fn home() -> PathBuf {
    crate::program::repository().join("tests/documents")
}

fn content_type(path: &Path) -> Result<&'static str> {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    Ok(match ending.as_ref() {
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "tiff" => "image/tiff",
        "webp" => "image/webp",
        _ => anyhow::bail!("{}: no media type is known for it", path.display()),
    })
}

fn values(fields: &Value) -> Values {
    let fields = fields.as_object().into_iter().flatten();
    fields
        .filter_map(|(name, field)| Some((name.clone(), field["value"].as_str()?.to_owned())))
        .collect()
}
