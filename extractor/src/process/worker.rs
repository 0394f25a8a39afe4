//! One child as its parent sees it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Once;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::message::Reply;
use super::{ChildArguments, PageEvent, ReadError, ReaderSettings};
use crate::geometry::Page;
use crate::page::{Reason, Refusal, WordCount};
use crate::recognise::ModelFolder;

/// Loading the models takes half a second on an idle machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Last words of a dying child that are looked at.
const LAST_WORDS: u64 = 8 << 10;
/// Signals whose meaning is a limit; the numbers are those of Linux on every architecture we build for.
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// Every child has the same kernel, so that one line says it for all.
static TELL_LANDLOCK: Once = Once::new();

/// A running child, killed when dropped.
pub(super) struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    errors: ChildStderr,
    documents: u32,
    is_idle: bool,
    /// It has said something about its last document.
    has_spoken: bool,
    is_dead: bool,
}

impl Worker {
    /// Starts a child and waits until it has loaded the models and given up its rights.
    pub(super) async fn start(
        settings: &ReaderSettings,
        models: &ModelFolder,
    ) -> Result<Self, ReadError> {
        let program = match &settings.program {
            Some(path) => path.clone(),
            None => std::env::current_exe()?,
        };
        let mut child = Command::new(program)
            .args(ChildArguments::of(settings, models).to_command_line())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // A signal to our group (Ctrl-C) is for us: the children finish what they read and end with us.
            .process_group(0)
            .spawn()?;
        let missing = || ReadError::Failed("a pipe is missing".to_owned());
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let errors = child.stderr.take().ok_or_else(missing)?;
        let mut worker = Self {
            child,
            input,
            output,
            errors,
            documents: 0,
            is_idle: false,
            has_spoken: false,
            is_dead: false,
        };
        worker.wait_until_ready().await?;
        Ok(worker)
    }

    async fn wait_until_ready(&mut self) -> Result<(), ReadError> {
        match timeout(START_TIMEOUT, Reply::read(&mut self.output)).await {
            Ok(Ok(Reply::Ready(landlock))) => {
                TELL_LANDLOCK.call_once(|| {
                    tracing::info!(landlock, "landlock is {landlock} in reader processes");
                });
                self.is_idle = true;
            }
            Ok(Ok(Reply::Failed(detail))) => return Err(ReadError::Failed(detail)),
            Ok(Ok(_)) => return Err(ReadError::Failed("it spoke out of turn".to_owned())),
            Ok(Err(_)) => {
                return Err(ReadError::Failed(format!(
                    "it ended before it was ready: {}",
                    self.post_mortem().await.1
                )));
            }
            Err(_) => return Err(ReadError::Failed("it did not become ready".to_owned())),
        }
        Ok(())
    }

    /// Its process id while it runs.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Whether it waits for a document and has not served too many.
    pub(super) fn is_reusable(&self, documents: u32) -> bool {
        self.is_idle && self.documents < documents
    }

    /// Whether it ended without a word about its document: it may have been dead before it got it.
    pub(super) fn died_silent(&self) -> bool {
        self.is_dead && !self.has_spoken
    }

    /// Sends the document and collects its pages.
    pub(super) async fn read(
        &mut self,
        bytes: Bytes,
        stall: Duration,
        progress: &mut (impl FnMut(PageEvent) + Send),
    ) -> Result<Vec<Page>, ReadError> {
        self.is_idle = false;
        self.has_spoken = false;
        self.documents += 1;
        match timeout(stall, send(&mut self.input, &bytes)).await {
            Ok(Ok(())) => self.listen(stall, progress).await,
            _ => Err(self.death().await.into()),
        }
    }

    async fn listen(
        &mut self,
        stall: Duration,
        progress: &mut (impl FnMut(PageEvent) + Send),
    ) -> Result<Vec<Page>, ReadError> {
        let (mut pages, mut total, mut count) = (Vec::new(), 0, WordCount::default());
        loop {
            let reply = timeout(stall, Reply::read(&mut self.output)).await;
            self.has_spoken |= matches!(reply, Ok(Ok(_)));
            match reply {
                Ok(Ok(Reply::Opened(pages))) => total = pages,
                Ok(Ok(Reply::Alive)) => {}
                Ok(Ok(Reply::Page(page))) => {
                    count.add(&page)?;
                    progress(PageEvent {
                        number: page.number,
                        total,
                    });
                    pages.push(page);
                }
                Ok(Ok(Reply::Done)) => {
                    self.is_idle = true;
                    return Ok(pages);
                }
                Ok(Ok(Reply::Refused(refusal))) => {
                    self.is_idle = true;
                    return Err(refusal.into());
                }
                Ok(Ok(Reply::Failed(detail))) if is_about_memory(&detail) => {
                    return Err(out_of_memory().into());
                }
                Ok(Ok(Reply::Failed(detail))) => return Err(ReadError::Failed(detail)),
                Ok(Ok(Reply::Ready(_)) | Err(_)) => return Err(self.death().await.into()),
                Err(_) => {
                    let detail = format!("One page took longer than {} seconds.", stall.as_secs());
                    return Err(Refusal::new(Reason::Timeout, detail).into());
                }
            }
        }
    }

    /// Why the child died over a document.
    async fn death(&mut self) -> Refusal {
        self.is_dead = true;
        let (status, last_words) = self.post_mortem().await;
        match status.and_then(|s| s.signal()) {
            Some(SIGXCPU) => Refusal::new(
                Reason::Timeout,
                "The document took more processor time than allowed.",
            ),
            // Nobody but the kernel kills a child that still has time: the container is out of memory.
            Some(SIGKILL) => out_of_memory(),
            _ if is_about_memory(&last_words) => out_of_memory(),
            _ => Refusal::new(Reason::Crashed, "The process that read the document ended."),
        }
    }

    /// The status and what it wrote at last, which may hold words of the document and is never passed on.
    async fn post_mortem(&mut self) -> (Option<ExitStatus>, String) {
        let mut words = Vec::new();
        let mut errors = (&mut self.errors).take(LAST_WORDS);
        // A child that closed its output without ending is killed by the drop.
        let _ended = timeout(Duration::from_secs(2), errors.read_to_end(&mut words)).await;
        let status = timeout(Duration::from_secs(2), self.child.wait())
            .await
            .ok()
            .and_then(Result::ok);
        (status, String::from_utf8_lossy(&words).into_owned())
    }
}

async fn send(input: &mut ChildStdin, bytes: &[u8]) -> io::Result<()> {
    input.write_u64_le(bytes.len() as u64).await?;
    input.write_all(bytes).await?;
    input.flush().await
}

fn is_about_memory(text: &str) -> bool {
    [
        "memory allocation of",
        "bad_alloc",
        "annot allocate memory",
        "out of memory",
        "Failed to allocate",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

fn out_of_memory() -> Refusal {
    Refusal::new(
        Reason::MemoryLimit,
        "The document needs more memory than allowed.",
    )
}
