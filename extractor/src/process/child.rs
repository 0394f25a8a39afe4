//! The child: loads the models, gives up its rights, then reads documents from its input until it closes.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use image::RgbImage;

use super::message::Reply;
use super::{ReaderSettings, confine};
use crate::geometry::Page;
use crate::page::{Content, Document, Limits, Refusal, WordCount};
use crate::recognise::{EngineError, ModelFolder, Ppocr, Recogniser, read_upright};

/// Name of the hidden subcommand.
pub const SUBCOMMAND: &str = "read-documents";

/// What a child is told.
#[derive(Clone, Debug, Args)]
pub struct ChildArguments {
    #[arg(long)]
    models: PathBuf,
    #[arg(long)]
    memory_bytes: u64,
    #[arg(long)]
    cpu_seconds: u64,
    #[arg(long)]
    max_bytes: u64,
    #[arg(long)]
    max_pages: u32,
    #[arg(long)]
    max_page_pixels: u64,
    #[arg(long)]
    max_decompressed_bytes: u64,
}

impl ChildArguments {
    /// Derived from the parent's settings.
    pub(super) fn of(settings: &ReaderSettings, models: &ModelFolder) -> Self {
        let Limits {
            bytes,
            pages,
            page_pixels,
            decompressed_bytes,
        } = settings.limits;
        Self {
            models: models.path().to_path_buf(),
            memory_bytes: settings.memory_bytes,
            cpu_seconds: settings
                .timeout
                .as_secs()
                .saturating_mul(u64::from(settings.documents_per_child))
                .max(60),
            max_bytes: bytes,
            max_pages: pages,
            max_page_pixels: page_pixels,
            max_decompressed_bytes: decompressed_bytes,
        }
    }

    /// The arguments that [`ChildArguments`] is parsed from, subcommand first.
    pub(super) fn to_command_line(&self) -> Vec<String> {
        let option = |name: &str, value: &dyn ToString| [format!("--{name}"), value.to_string()];
        let mut line = vec![SUBCOMMAND.to_owned()];
        line.extend(option("models", &self.models.display()));
        line.extend(option("memory-bytes", &self.memory_bytes));
        line.extend(option("cpu-seconds", &self.cpu_seconds));
        line.extend(option("max-bytes", &self.max_bytes));
        line.extend(option("max-pages", &self.max_pages));
        line.extend(option("max-page-pixels", &self.max_page_pixels));
        line.extend(option(
            "max-decompressed-bytes",
            &self.max_decompressed_bytes,
        ));
        line
    }

    fn limits(&self) -> Limits {
        Limits {
            bytes: self.max_bytes,
            pages: self.max_pages,
            page_pixels: self.max_page_pixels,
            decompressed_bytes: self.max_decompressed_bytes,
        }
    }
}

/// Serves until the input closes. Call it before any thread is started.
///
/// # Errors
/// When the parent is gone.
pub fn run(arguments: &ChildArguments) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let (mut engine, landlock) = match prepared(arguments) {
        Ok(prepared) => prepared,
        Err(detail) => return Reply::Failed(detail).write(&mut output),
    };
    Reply::Ready(landlock.to_owned()).write(&mut output)?;
    let limits = arguments.limits();
    while let Some(bytes) = next_document(&mut input, &limits)? {
        match read(bytes, &limits, &mut engine, &mut output) {
            Ok(()) => Reply::Done.write(&mut output)?,
            Err(Failure::Refused(refusal)) => Reply::Refused(refusal).write(&mut output)?,
            Err(Failure::Engine(e)) => return Reply::Failed(e.to_string()).write(&mut output),
            Err(Failure::Output(e)) => return Err(e),
        }
    }
    Ok(())
}

/// Memory is bounded before the models are loaded; files and calls are shut after, because loading needs them.
fn prepared(arguments: &ChildArguments) -> Result<(Ppocr, &'static str), String> {
    confine::resources(arguments.memory_bytes, arguments.cpu_seconds).map_err(|e| e.to_string())?;
    let mut engine = load(&arguments.models).map_err(|e| e.to_string())?;
    let landlock = confine::rights().map_err(|e| e.to_string())?;
    // Proves that the engine works without the rights it has just lost.
    engine
        .read(&RgbImage::new(64, 64), &mut || ())
        .map_err(|e| e.to_string())?;
    Ok((engine, landlock))
}

fn load(models: &Path) -> Result<Ppocr, EngineError> {
    let mut engine = Ppocr::load(&ModelFolder::locate(Some(models))?)?;
    // The first run of a network may still read the machine's description.
    let page = RgbImage::from_fn(320, 320, |x, y| {
        image::Rgb([if y % 40 < 20 && x % 12 < 6 { 0 } else { 255 }; 3])
    });
    engine.read(&page, &mut || ())?;
    Ok(engine)
}

enum Failure {
    Refused(Refusal),
    Engine(EngineError),
    Output(io::Error),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The next document, or nothing when the parent has no more. The parent keeps to the limit on bytes; a longer
/// document means that somebody else is speaking.
fn next_document(input: &mut impl Read, limits: &Limits) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 8];
    match input.read_exact(&mut length) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u64::from_le_bytes(length);
    if length > limits.bytes {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length as usize];
    input.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

fn read(
    bytes: Vec<u8>,
    limits: &Limits,
    engine: &mut impl Recogniser,
    output: &mut impl Write,
) -> Result<(), Failure> {
    let mut document = Document::open(bytes, limits)?;
    Reply::Opened(document.pages())
        .write(output)
        .map_err(Failure::Output)?;
    let (mut number, mut count) = (0, WordCount::default());
    document.each_page(limits, &mut |content| {
        number += 1;
        let page = page(number, content, engine, output)?;
        count.add(&page)?;
        Reply::Page(page).write(output).map_err(Failure::Output)
    })
}

fn page(
    number: u32,
    content: Content,
    engine: &mut impl Recogniser,
    output: &mut impl Write,
) -> Result<Page, Failure> {
    match content {
        Content::Text { size, words } => Ok(Page {
            number,
            width: size.0,
            height: size.1,
            engine: "text_layer".to_owned(),
            words,
        }),
        Content::Picture { size, pixels } => {
            let mut lost = None;
            let mut alive = || lost = lost.take().or(Reply::Alive.write(output).err());
            let (words, is_turned) =
                read_upright(engine, pixels, &mut alive).map_err(Failure::Engine)?;
            if let Some(e) = lost {
                return Err(Failure::Output(e));
            }
            let (width, height) = if is_turned { (size.1, size.0) } else { size };
            Ok(Page {
                number,
                width,
                height,
                engine: engine.name().to_owned(),
                words,
            })
        }
    }
}
