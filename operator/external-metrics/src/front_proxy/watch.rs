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

#[cfg(test)]
mod tests {
    use futures::channel::mpsc;
    use kube::runtime::watcher::{Error, Event};
    use rustls::pki_types::{CertificateDer, UnixTime};

    use super::super::tests::{authority, client, map};
    use super::*;

    #[tokio::test]
    async fn a_rotated_authority_is_trusted_as_soon_as_the_config_map_says_so() {
        let (old, new) = (authority("old"), authority("new"));
        let [shows_old, shows_new] =
            [&old, &new].map(|authority| client(authority, "front-proxy-client"));
        let trust = Trust::default();
        let trusts = |peer: &[CertificateDer<'static>]| match &*trust.current() {
            Some(proxy) => proxy.signed(peer, UnixTime::now()),
            None => false,
        };
        let (send, changes) = mpsc::unbounded();
        let mut following = pin!(follow(&trust, changes));
        let mut tell = async |event: watcher::Result<Event<ConfigMap>>| {
            send.unbounded_send(event).unwrap();
            // It has taken all there is once it waits.
            assert!(futures::poll!(&mut following).is_pending());
        };

        let both = [old.pem.as_str(), &new.pem].concat();
        tell(Ok(Event::Init)).await;
        tell(Ok(Event::InitApply(map(&old.pem, None)))).await;
        tell(Ok(Event::InitDone)).await;
        assert!(trusts(&shows_old) && !trusts(&shows_new));
        tell(Ok(Event::Apply(map(&both, None)))).await;
        assert!(trusts(&shows_old) && trusts(&shows_new));
        tell(Ok(Event::Apply(map(&new.pem, None)))).await;
        assert!(!trusts(&shows_old) && trusts(&shows_new));
        tell(Err(Error::NoResourceVersion)).await;
        tell(Ok(Event::Init)).await;
        assert!(
            trusts(&shows_new),
            "a watch that begins again is no reason for doubt"
        );
        tell(Ok(Event::InitDone)).await;
        assert!(!trusts(&shows_new), "the ConfigMap is gone");
    }
}
