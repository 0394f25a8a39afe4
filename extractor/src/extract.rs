//! From bytes to a result, and `extractor extract FILE...`, which needs no database and no cloud.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::document::{self, DocumentType};
use crate::process::{PageEvent, ReadError, Reader, ReaderSettings};
use crate::result::{ExtractionResult, SCHEMA, Timings};

mod table;

/// Arguments of `extract`.
#[derive(Clone, Debug, Args)]
pub struct ExtractArguments {
    /// PDF, PNG, JPEG, TIFF, WebP, BMP or GIF files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What to print. JSON is one result; for several files one line each with the name of the file.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Invoice or Receipt; guessed when absent.
    #[arg(long = "type")]
    document_type: Option<DocumentType>,
    /// Folder with the OCR models [default: the newest that extractor/models/build has made].
    #[arg(long, env = extraction_contract::env::MODELS_DIR)]
    models_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The result as the API gives it.
    Json,
    /// Fields and line items for a person.
    Table,
}

/// A document that could not be extracted.
#[derive(Debug, thiserror::Error)]
enum ExtractError {
    #[error("cannot read the file: {0}")]
    File(#[source] std::io::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("cannot write the result: {0}")]
    Write(#[from] std::io::Error),
}

/// Reads a document and finds its fields. `progress` hears of each page.
///
/// # Errors
/// See [`Reader::read`].
pub async fn extract(
    reader: &Reader,
    bytes: Bytes,
    document_type: Option<DocumentType>,
    progress: impl FnMut(PageEvent) + Send,
) -> Result<ExtractionResult, ReadError> {
    let start = Instant::now();
    let pages = reader.read(bytes, progress).await?;
    let recognised = Instant::now();
    let document_type = document_type.unwrap_or_else(|| DocumentType::guess(&pages));
    let found = document::extract(document_type, &pages);
    Ok(ExtractionResult {
        schema: SCHEMA.to_owned(),
        job_id: None,
        document_type: document_type.name().to_owned(),
        pages,
        fields: found.fields,
        line_items: found.line_items,
        routing: found.routing,
        timings: Timings {
            recognise_ms: (recognised - start).as_millis() as u64,
            extract_ms: recognised.elapsed().as_millis() as u64,
        },
    })
}

/// Extracts each file and prints its result; returns how many failed. Failures go to standard error.
///
/// # Errors
/// When there are no models.
pub async fn run(arguments: &ExtractArguments) -> Result<usize, ReadError> {
    let reader = Reader::new(ReaderSettings {
        models_dir: arguments.models_dir.clone(),
        ..ReaderSettings::default()
    })?;
    let mut failed = 0;
    for file in &arguments.files {
        if let Err(e) = one(&reader, file, arguments).await {
            failed += 1;
            eprintln!("{}: {e}", file.display());
        }
    }
    Ok(failed)
}

async fn one(
    reader: &Reader,
    file: &Path,
    arguments: &ExtractArguments,
) -> Result<(), ExtractError> {
    let bytes = tokio::fs::read(file).await.map_err(ExtractError::File)?;
    let result = extract(reader, bytes.into(), arguments.document_type, |_| ()).await?;
    let mut out = std::io::stdout().lock();
    match arguments.format {
        Format::Table => table::write(&mut out, &file.display().to_string(), &result)?,
        Format::Json if arguments.files.len() == 1 => {
            serde_json::to_writer_pretty(&mut out, &result).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        Format::Json => writeln!(out, "{}", json!({ "file": file, "result": result }))?,
    }
    Ok(())
}
