//! `extractor extract FILE...`: reads documents from the command line; needs no database and no cloud.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::{Args, ValueEnum};

use crate::geometry::Page;
use crate::process::{ReadError, Reader, ReaderSettings};

/// Arguments of `extract`.
#[derive(Clone, Debug, Args)]
pub struct ExtractArguments {
    /// PDF, PNG, JPEG, TIFF, WebP, BMP or GIF files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Pages)]
    format: Format,
    /// Folder with the OCR models [default: the newest that extractor/models/build has made].
    #[arg(long, env = extraction_contract::env::MODELS_DIR)]
    models_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The words of each page with their places, as JSON.
    Pages,
}

/// A document that could not be extracted.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The file cannot be read.
    #[error("cannot read the file: {0}")]
    File(#[from] std::io::Error),
    /// The document cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The result cannot be written.
    #[error("cannot write the result: {0}")]
    Write(#[from] serde_json::Error),
}

/// Extracts each file and prints its result; returns how many failed. Failures go to standard error.
///
/// # Errors
/// When there are no models.
pub async fn run(arguments: &ExtractArguments) -> Result<usize, ReadError> {
    let settings = ReaderSettings {
        models_dir: arguments.models_dir.clone(),
        ..ReaderSettings::default()
    };
    let reader = Reader::new(settings)?;
    let mut failed = 0;
    for file in &arguments.files {
        if let Err(e) = extract(&reader, file, arguments).await {
            failed += 1;
            eprintln!("{}: {e}", file.display());
        }
    }
    Ok(failed)
}

async fn extract(
    reader: &Reader,
    file: &Path,
    _arguments: &ExtractArguments,
) -> Result<(), ExtractError> {
    let bytes = Bytes::from(tokio::fs::read(file).await?);
    let pages = reader.read(bytes, |_| ()).await?;
    print_pages(&pages)?;
    Ok(())
}

fn print_pages(pages: &[Page]) -> Result<(), serde_json::Error> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, pages)?;
    std::io::Write::write_all(&mut out, b"\n").map_err(serde_json::Error::io)
}
