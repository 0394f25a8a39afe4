//! Waiting for an object to become what a test expects, by watching it.

use std::fmt::Debug;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures::StreamExt;
use kube::runtime::watcher;
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Watches one object until `holds` is true of it and gives it back with the time that took; `None` means
/// that the object does not exist.
pub async fn until<K>(
    api: Api<K>,
    name: &str,
    expectation: &str,
    within: Duration,
    holds: impl Fn(Option<&K>) -> bool,
) -> Result<(Option<K>, Duration)>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned + Send + 'static,
{
    let started = Instant::now();
    let mut seen = None;
    let watch = async {
        let mut changes = pin!(watcher::watch_object(api, name));
        while let Some(change) = changes.next().await {
            // The watcher reconnects by itself; an error in between says nothing about the object.
            let Ok(object) = change else { continue };
            let done = holds(object.as_ref());
            seen = object;
            if done {
                return;
            }
        }
    };
    if tokio::time::timeout(within, watch).await.is_err() {
        let last = serde_json::to_value(&seen)?;
        let last = last
            .get("status")
            .filter(|status| !status.is_null())
            .unwrap_or(&last);
        bail!("{name}: {expectation}: not within {within:?}; last seen: {last:#}");
    }
    Ok((seen, started.elapsed()))
}

/// The object, once it is there and `holds`.
pub async fn present<K>(
    api: Api<K>,
    name: &str,
    expectation: &str,
    within: Duration,
    holds: impl Fn(&K) -> bool,
) -> Result<K>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned + Send + 'static,
{
    let (object, _) = until(api, name, expectation, within, |object| {
        object.is_some_and(&holds)
    })
    .await?;
    match object {
        Some(object) => Ok(object),
        None => bail!("{name}: {expectation}: the watch ended"),
    }
}

/// Least time for a question, so that even the last one may be answered.
const LAST_ASK: Duration = Duration::from_secs(10);

/// Asks again and again for what cannot be watched, until it answers `Some`.
pub async fn poll<T, F>(
    expectation: &str,
    within: Duration,
    mut ask: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    let deadline = Instant::now() + within;
    loop {
        // A question that hangs must not outlast the limit.
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = tokio::time::timeout(left.max(LAST_ASK), ask()).await;
        match answer.unwrap_or(Ok(None)) {
            Ok(Some(value)) => return Ok(value),
            Ok(None) if Instant::now() < deadline => {}
            Ok(None) => bail!("{expectation}: not within {within:?}"),
            Err(_) if Instant::now() < deadline => {}
            Err(error) => {
                return Err(error.context(format!("{expectation}: not within {within:?}")));
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
