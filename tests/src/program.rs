//! Runs helm, kubectl and the like with a time limit and with their output in the error.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

/// Long enough for `helm install` with images already on the node.
const LIMIT: Duration = Duration::from_secs(240);

/// The root of the repository.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The standard output of a program that ended well.
pub async fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let (succeeded, output) = attempt(program, arguments, None).await?;
    if !succeeded {
        bail!("{program} {} failed: {output}", arguments.join(" "));
    }
    Ok(output)
}

/// Like [`run`], with text for the program's standard input.
pub async fn run_with_input(program: &str, arguments: &[&str], input: &str) -> Result<String> {
    let (succeeded, output) = attempt(program, arguments, Some(input)).await?;
    if !succeeded {
        bail!("{program} {} failed: {output}", arguments.join(" "));
    }
    Ok(output)
}

/// The error text of a program that must fail.
pub async fn refusal(program: &str, arguments: &[&str], input: Option<&str>) -> Result<String> {
    let (succeeded, output) = attempt(program, arguments, input).await?;
    if succeeded {
        bail!(
            "{program} {} was expected to fail but said: {output}",
            arguments.join(" ")
        );
    }
    Ok(output)
}

async fn attempt(program: &str, arguments: &[&str], input: Option<&str>) -> Result<(bool, String)> {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(repository())
        .kill_on_drop(true)
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} cannot be started; `tests/run` puts it on the PATH"))?;
    if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
        tokio::io::AsyncWriteExt::write_all(&mut pipe, input.as_bytes()).await?;
    }
    let output = tokio::time::timeout(LIMIT, child.wait_with_output())
        .await
        .with_context(|| format!("{program} {} ran over {LIMIT:?}", arguments.join(" ")))??;
    let text = if output.status.success() {
        output.stdout
    } else {
        [output.stdout, output.stderr].concat()
    };
    Ok((
        output.status.success(),
        String::from_utf8_lossy(&text).trim().to_owned(),
    ))
}
