//! From bytes to a result, and `extractor extract FILE...`, which needs no database and no cloud.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::document::{self, DocumentType, Extraction};
use crate::geometry::Page;
use crate::page::{Reason, Refusal};
use crate::process::{PageEvent, ReadError, Reader, ReaderSettings};
use crate::result::{ExtractionResult, SCHEMA, Timings};

mod table;

/// Finding the fields gets at least so long, however long reading took.
const LEAST_TIME: Duration = Duration::from_secs(10);

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
    let left = reader.timeout().saturating_sub(recognised - start);
    let (pages, document_type, found) =
        find_fields(pages, document_type, left.max(LEAST_TIME)).await?;
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

/// Runs beside the tasks: a crowded page takes long, and whoever holds the job must go on saying so.
async fn find_fields(
    pages: Vec<Page>,
    document_type: Option<DocumentType>,
    limit: Duration,
) -> Result<(Vec<Page>, DocumentType, Extraction), Refusal> {
    let finding = tokio::task::spawn_blocking(move || {
        let document_type = document_type.unwrap_or_else(|| DocumentType::guess(&pages));
        let found = document::extract(document_type, &pages);
        (pages, document_type, found)
    });
    match tokio::time::timeout(limit, finding).await {
        Ok(Ok(found)) => Ok(found),
        // A panic costs this document, not its delivery and four more.
        Ok(Err(_)) => Err(Refusal::new(
            Reason::Crashed,
            "The extraction of the document ended unexpectedly.",
        )),
        Err(_) => Err(Refusal::new(
            Reason::Timeout,
            "Finding the fields of the document took too long.",
        )),
    }
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

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;
    use crate::geometry::{BoundingBox, Word};

    /// Many words, each on a line of its own.
    fn crowded_page() -> Page {
        let word = |place: u16| Word {
            text: "Total".to_owned(),
            bounds: BoundingBox {
                left: 0.1,
                top: f32::from(place) / 1_000.0,
                width: 0.1,
                height: 0.000_5,
            },
            confidence: 1.0,
        };
        Page {
            number: 1,
            width: 100.0,
            height: 100.0,
            engine: "text_layer".to_owned(),
            words: (0..1_000).map(word).collect(),
        }
    }

    #[tokio::test]
    async fn finding_fields_stops_no_other_task() {
        let finding = find_fields(vec![crowded_page()], None, Duration::from_secs(300));
        let mut finding = pin!(finding);
        assert!(futures::poll!(finding.as_mut()).is_pending());
        let (pages, ..) = finding.await.expect("ends in time");
        assert_eq!(pages.len(), 1);
    }

    #[tokio::test]
    async fn finding_fields_has_a_time_limit() {
        let finding = find_fields(vec![crowded_page()], None, Duration::ZERO);
        let refusal = finding.await.expect_err("there was no time");
        assert_eq!(refusal.reason, Reason::Timeout);
    }
}
