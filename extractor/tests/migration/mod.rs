//! Runs `extractor migrate` as its Job does, and reads what it leaves behind.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// What a failed run said, and how long it took.
pub(crate) struct Told {
    pub(crate) reason: String,
    pub(crate) migration: Option<String>,
    pub(crate) message: String,
    pub(crate) took: Duration,
}

/// Migrates the database of this URL, which must fail.
pub(crate) fn fails(url: &str) -> Told {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    run(&file("url", url), &file("termination-log", ""))
}

fn run(url: &Path, termination: &Path) -> Told {
    let started = Instant::now();
    let ended = Command::new(env!("CARGO_BIN_EXE_extractor"))
        .arg("migrate")
        .arg("--database-url-file")
        .arg(url)
        .arg("--termination-log")
        .arg(termination)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let took = started.elapsed();
    assert!(!ended.success(), "it migrated");
    let text = std::fs::read_to_string(termination).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: Value = serde_json::from_str(&text).unwrap();
    let word = |name: &str| line[name].as_str().map(str::to_owned);
    Told {
        reason: word("reason").unwrap(),
        migration: word("migration"),
        message: word("message").unwrap(),
        took,
    }
}
