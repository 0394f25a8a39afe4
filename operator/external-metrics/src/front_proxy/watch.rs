//! Keeps [`Trust`] as the ConfigMap says.

use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use tracing::warn;

use super::{NAME, NAMESPACE, Trust};

/// Never ends. An error of the watch says nothing about the ConfigMap, so what was read last is kept meanwhile.
pub(crate) async fn run(client: Client, trust: Arc<Trust>) {
    let api: Api<ConfigMap> = Api::namespaced(client, NAMESPACE);
    loop {
        let fields = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
        let changes = watcher(api.clone(), fields).default_backoff();
        follow(&trust, changes).await;
    }
}

async fn follow(
    trust: &Trust,
    changes: impl futures::Stream<Item = watcher::Result<watcher::Event<ConfigMap>>>,
) {
    let mut changes = pin!(changes);
    let mut listed = None;
    while let Some(change) = changes.next().await {
        match change {
            Ok(watcher::Event::Init) => listed = None,
            Ok(watcher::Event::InitApply(map)) => listed = Some(map),
            Ok(watcher::Event::InitDone) => trust.replace(listed.take().as_ref()),
            Ok(watcher::Event::Apply(map)) => trust.replace(Some(&map)),
            Ok(watcher::Event::Delete(_)) => trust.replace(None),
            Err(error) => {
                warn!(%error, "cannot watch {NAMESPACE}/{NAME}; is this server allowed to (extension-apiserver-authentication-reader)?");
            }
        }
    }
}
