//! The operator ends after each of the writes of its first reconcile in turn, at the worst moment: the API server has
//! done what it was asked for and the answer is lost. The next operator must end in the same state as one that never
//! ended. (A write that does not reach the API server leaves what the write before it left.)
//! The operators run inside this test, so the installed one is stopped meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use extraction_operator::client::write;
use extraction_operator::controller::observe::Settings;
use extraction_operator::controller::{self, Config};
use extraction_operator::metrics::Metrics;
use extraction_tests::cluster::{self, TestNamespace};
use extraction_tests::{children, pipeline, release, sample, wait};
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use kube::client::{Body, ClientBuilder};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tower::{Layer, Service};

const NAME: &str = "cut";
const PATIENCE: Duration = Duration::from_secs(60);
/// Cuts tried at the same time, each in a namespace of its own.
const PARALLEL: usize = 6;
const STATUS: &str = "patch extractionpipelines/status";

/// Passes on the first `allowed` writes, loses the answer to the last of them and everything from then on.
#[derive(Clone)]
struct Cut {
    allowed: usize,
    writes: Arc<Mutex<Vec<String>>>,
    dead: Arc<Notify>,
}

impl Cut {
    fn after(allowed: usize) -> Self {
        Self {
            allowed,
            writes: Arc::default(),
            dead: Arc::default(),
        }
    }

    fn writes(&self) -> Vec<String> {
        let writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        writes.clone()
    }

    /// Counts a request; gives how many writes there were, and whether this is one.
    fn count(&self, request: &http::Request<Body>) -> (usize, bool) {
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        let write = write(request.method(), request.uri().path());
        let is_write = write.is_some();
        writes.extend(write.map(|(resource, verb)| format!("{verb} {resource}")));
        (writes.len(), is_write)
    }
}

impl<S> Layer<S> for Cut {
    type Service = Severed<S>;

    fn layer(&self, inner: S) -> Severed<S> {
        Severed {
            cut: self.clone(),
            inner,
        }
    }
}

struct Severed<S> {
    cut: Cut,
    inner: S,
}

impl<S> Service<http::Request<Body>> for Severed<S>
where
    S: Service<http::Request<Body>>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (number, is_write) = self.cut.count(&request);
        if number > self.cut.allowed {
            return Box::pin(std::future::pending());
        }
        let is_last = is_write && number == self.cut.allowed;
        let dead = self.cut.dead.clone();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            if is_last {
                dead.notify_one();
                std::future::pending::<()>().await;
            }
            answer
        })
    }
}

/// Runs an operator for one namespace as long as `until` takes.
async fn operate<T>(
    namespace: &str,
    cut: &Cut,
    until: impl Future<Output = Result<T>>,
) -> Result<T> {
    let config = Config {
        namespaces: vec![namespace.to_owned()],
        concurrency: 4,
        identity: "test".to_owned(),
        settings: Settings {
            default_image: "localhost/extractor:none".to_owned(),
            pull_policy: "Never".to_owned(),
            operator_namespace: release::NAMESPACE.to_owned(),
        },
    };
    let kubeconfig = Kubeconfig::read_from(cluster::kubeconfig()?)?;
    let client =
        kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    let client = ClientBuilder::try_from(client)?.with_layer(cut).build();
    let operator = controller::run(client, config, Metrics::new()?, CancellationToken::new());
    tokio::select! {
        () = operator => bail!("the operator ended by itself"),
        result = until => result,
    }
}

/// What the operator decided of every child; one namespace reads as another.
async fn children(client: &Client, namespace: &str) -> Result<BTreeMap<String, String>> {
    let found = children::of(client, namespace, NAME).await?;
    let state = |(kind, child)| {
        let text = children::wanted(kind, &child)
            .to_string()
            .replace(namespace, "NAMESPACE");
        (children::title(kind, &child), text)
    };
    Ok(found.into_iter().map(state).collect())
}

/// The generated Secrets' uids: a second making would change them, and with them every key given out.
async fn keys(client: &Client, namespace: &str) -> Result<BTreeMap<String, String>> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let mut found = BTreeMap::new();
    for name in ["admin-key", "token-signing-key"].map(|suffix| format!("{NAME}-{suffix}")) {
        if let Some(secret) = api.get_opt(&name).await? {
            found.insert(name, secret.uid().unwrap_or_default());
        }
    }
    Ok(found)
}

/// A namespace with the pipeline and what it refers to. Its status says that the database is migrated, so that the
/// first reconcile makes all there is.
async fn prepare(client: &Client, spec: &Value) -> Result<TestNamespace> {
    let namespace = TestNamespace::create(client, "faults").await?;
    sample::create_silent_database(client, &namespace.name).await?;
    pipeline::apply_migrated(client, &namespace.name, NAME, spec).await?;
    Ok(namespace)
}

/// The children that an operator makes whom nobody ends, and the writes of its first reconcile.
async fn whole(client: &Client, spec: &Value) -> Result<(BTreeMap<String, String>, Vec<String>)> {
    let namespace = prepare(client, spec).await?;
    let cut = Cut::after(usize::MAX);
    let (mut before, mut quiet) = (0, 0);
    let at_rest = wait::poll("the operator comes to rest", PATIENCE, || {
        let writes = cut.writes();
        quiet = if writes.len() == before { quiet + 1 } else { 0 };
        before = writes.len();
        let has_reported = writes.iter().any(|write| write == STATUS);
        std::future::ready(Ok((has_reported && quiet >= 10).then_some(writes)))
    });
    let mut writes = operate(&namespace.name, &cut, at_rest).await?;
    let reported = writes.iter().position(|write| write == STATUS);
    let reported = reported.context("no status was written")?;
    let events = writes[reported + 1..].iter();
    let events = events
        .take_while(|write| write.ends_with(" events"))
        .count();
    writes.truncate(reported + 1 + events);
    Ok((children(client, &namespace.name).await?, writes))
}

/// Ends an operator after its first `after` writes and lets another one finish.
async fn cut_after(
    client: &Client,
    spec: &Value,
    after: usize,
    reference: &BTreeMap<String, String>,
) -> Result<()> {
    let namespace = prepare(client, spec).await?;
    let name = namespace.name.as_str();
    let cut = Cut::after(after);
    let dies = tokio::time::timeout(PATIENCE, cut.dead.notified());
    operate(name, &cut, async { Ok(dies.await?) }).await?;
    let made = keys(client, name).await?;

    let next = Cut::after(usize::MAX);
    let finished = wait::poll("the next operator makes the rest", PATIENCE, || async {
        let is_finished = children(client, name).await? == *reference;
        Ok(is_finished.then_some(()))
    });
    if let Err(error) = operate(name, &next, finished).await {
        let found = children(client, name).await?;
        bail!("{error:#}\nfound {found:#?}\nwanted {reference:#?}");
    }
    let kept = keys(client, name).await?;
    ensure!(kept.len() == 2, "only {kept:?}");
    let is_kept = |(name, uid): (&String, &String)| kept.get(name) == Some(uid);
    ensure!(made.iter().all(is_kept), "made twice: {made:?}, {kept:?}");
    Ok(())
}

/// Cuts the first reconcile of `spec` after each of its writes.
async fn sweep(client: &Client, spec: &Value) -> Result<()> {
    let (reference, writes) = whole(client, spec).await?;
    eprintln!("{} children, writes: {writes:?}", reference.len());
    let cuts = (1..=writes.len()).map(|after| {
        let (reference, write) = (&reference, &writes[after - 1]);
        async move {
            let ended = cut_after(client, spec, after, reference).await;
            ended.with_context(|| format!("ended after write {after}, {write}"))
        }
    });
    stream::iter(cuts)
        .buffer_unordered(PARALLEL)
        .try_collect::<()>()
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_that_ends_after_any_write_is_continued_by_the_next() -> Result<()> {
    let _alone = cluster::alone().await;
    release::installed().await?;
    let client = cluster::client().await?;
    // No node takes the pods: what is tested is what the operator writes. With a host of its own, the public URL does
    // not depend on the namespace.
    let embedded = json!({
        "api": { "ingress": { "host": "cut.localhost" } },
        "worker": { "podTemplate": sample::nowhere() },
    });
    let on_services = json!({
        "aws": { "region": "eu-west-1" }, "queue": { "name": "cut" }, "storage": { "bucket": "cut-documents" },
        "database": { "urlSecretRef": { "name": "db", "key": "url" } },
        "api": { "podTemplate": sample::nowhere(), "ingress": { "host": "cut.localhost" } },
        "worker": { "podTemplate": sample::nowhere() },
    });
    let installed = release::Stopped::now(&client).await?;
    let swept = futures::try_join!(sweep(&client, &embedded), sweep(&client, &on_services));
    installed.start().await?;
    swept.map(drop)
}
