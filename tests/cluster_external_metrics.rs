//! The crate `external-metrics` before a real API server and a real autoscaler. The servers run in this process, with the
//! rights of the crate's example and no more; the API server reaches them at this machine's address.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use external_metrics::{
    API_SERVICE, Config, Lifetimes, Provider, Quantity, Query, Registration, Sample, Server,
    Service, Unavailable,
};
use extraction_tests::cluster::{self, TestNamespace};
use extraction_tests::figures::{Figure, record};
use extraction_tests::{program, wait};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{Api, DeleteParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::SelectorExt;
use kube::{Client, Resource};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, oneshot};
use tokio::task::JoinHandle;

const START: Duration = Duration::from_secs(60);

/// There is one registration in a cluster.
static REGISTRATION: Mutex<()> = Mutex::const_new(());

/// Metrics with a label `queue`; each check sets numbers of its own.
#[derive(Default)]
struct Numbers(Lock<BTreeMap<(&'static str, &'static str), i64>>);

impl Numbers {
    fn set(&self, metric: &'static str, queue: &'static str, number: i64) {
        self.lock().insert((metric, queue), number);
    }

    fn forget(&self, metric: &str) {
        self.lock().retain(|(found, _), _| *found != metric);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(&'static str, &'static str), i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Provider for Numbers {
    async fn samples(&self, query: &Query) -> Result<Vec<Sample>, Unavailable> {
        let numbers = self.lock();
        let of_metric = numbers
            .iter()
            .filter(|((metric, _), _)| query.metric == *metric);
        let samples = of_metric.map(|((_, queue), number)| Sample {
            labels: BTreeMap::from([("queue".to_owned(), (*queue).to_owned())]),
            value: Quantity::whole(*number),
            at: SystemTime::now(),
            window: None,
        });
        Ok(samples
            .filter(|sample| query.selector.matches(&sample.labels))
            .collect())
    }

    fn is_ready(&self) -> bool {
        true
    }
}

/// What stops a server, and the server.
type Replica = (
    oneshot::Sender<()>,
    JoinHandle<Result<(), external_metrics::Error>>,
);

/// Servers behind one Service, registered.
struct World {
    client: Client,
    namespace: TestNamespace,
    numbers: Arc<Numbers>,
    addresses: Vec<SocketAddr>,
    replicas: Vec<Replica>,
    manifest: String,
    _alone: MutexGuard<'static, ()>,
}

impl World {
    async fn start(lifetimes: Lifetimes, replicas: usize) -> Result<Self> {
        let alone = REGISTRATION.lock().await;
        let client = cluster::client().await?;
        let namespace = TestNamespace::create(&client, "metrics").await?;
        let example = "operator/external-metrics/examples/numbers.yaml";
        let example = std::fs::read_to_string(program::repository().join(example))?;
        let manifest = example
            .replace("  selector: { app: numbers }\n", "")
            .replace("numbers", &namespace.name);
        cluster::apply(&manifest).await?;
        let mut world = Self {
            client,
            namespace,
            numbers: Arc::default(),
            addresses: Vec::new(),
            replicas: Vec::new(),
            manifest,
            _alone: alone,
        };
        for _ in 0..replicas {
            world.add_replica(lifetimes).await?;
        }
        world.until_available().await?;
        Ok(world)
    }

    async fn add_replica(&mut self, lifetimes: Lifetimes) -> Result<()> {
        let name = &self.namespace.name;
        let roles: Api<ClusterRole> = Api::all(self.client.clone());
        let config = Config {
            listen: (machine()?, 0).into(),
            service: Service {
                namespace: name.clone(),
                name: name.clone(),
                port: 443,
            },
            secret: format!("{name}-certificates"),
            owner: roles.get(&format!("{name}-server")).await?.owner_ref(&()),
            lifetimes,
        };
        let client = as_service_account(name).await?;
        let server = Server::bind(client, config, self.numbers.clone()).await?;
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        self.addresses.push(address);
        self.replicas.push((stop, running));
        // As the kubelet does it: nothing is sent to a replica before it says that it is ready.
        wait::poll("the replica is ready", START, || async {
            let probe = direct(&self.client, address, name, json!({})).await?;
            Ok((status(&probe, "/readyz", &[]).await? == 200).then_some(()))
        })
        .await?;
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {
                "name": format!("{name}-{}", self.replicas.len() - 1), "namespace": name,
                "labels": { "kubernetes.io/service-name": name },
            },
            "endpoints": [{ "addresses": [address.ip().to_string()], "conditions": { "ready": true } }],
            "ports": [{ "name": "https", "port": address.port() }],
        });
        cluster::apply(&slice.to_string()).await?;
        Ok(())
    }

    async fn until_available(&self) -> Result<()> {
        let registrations: Api<APIService> = Api::all(self.client.clone());
        wait::present(
            registrations,
            API_SERVICE,
            "it is available",
            START,
            |found| {
                let spec = found.spec.as_ref().and_then(|spec| spec.service.as_ref());
                let is_ours = spec.is_some_and(|service| {
                    service.namespace.as_ref() == Some(&self.namespace.name)
                });
                let conditions = found
                    .status
                    .iter()
                    .flat_map(|status| &status.conditions)
                    .flatten();
                let available = conditions
                    .filter(|condition| condition.type_ == "Available")
                    .any(|condition| condition.status == "True");
                is_ours && available
            },
        )
        .await?;
        Ok(())
    }

    fn path(&self, rest: &str) -> String {
        let group = external_metrics::discovery::group_version();
        format!("/apis/{group}/namespaces/{}/{rest}", self.namespace.name)
    }

    /// What kubectl reads.
    async fn raw(&self, path: &str) -> Result<Value> {
        let text = cluster::kubectl(&["get", "--raw", path]).await?;
        serde_json::from_str(&text).context(text)
    }

    /// Talks to the first replica as the API server would, but with what the user brings.
    async fn directly(&self, user: Value) -> Result<Client> {
        direct(&self.client, self.addresses[0], &self.namespace.name, user).await
    }

    /// Ends in the order of an uninstall: the rights, with them the registration, then the servers.
    async fn end(mut self) -> Result<()> {
        program::run_with_input("kubectl", &delete()?, &self.manifest).await?;
        let registrations: Api<APIService> = Api::all(self.client.clone());
        wait::until(
            registrations,
            API_SERVICE,
            "it goes with its owner",
            START,
            |found| found.is_none(),
        )
        .await?;
        for (stop, running) in self.replicas.drain(..) {
            let _ = stop.send(());
            running.await??;
        }
        Ok(())
    }
}

impl Drop for World {
    /// A registration that nobody serves would hinder the whole cluster, so not even a failed test leaves one.
    fn drop(&mut self) {
        if self.replicas.is_empty() {
            return;
        }
        let arguments = delete();
        let manifest = format!(
            "{}---\n{}",
            self.manifest,
            json!({
                "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": API_SERVICE },
            })
        );
        let begun = arguments.and_then(|arguments| {
            let mut kubectl = Command::new("kubectl");
            kubectl
                .args(arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::null());
            Ok(kubectl.spawn()?)
        });
        // What cannot be deleted here goes with the cluster, and a drop has nobody to tell.
        let Ok(mut kubectl) = begun else { return };
        if let Some(mut input) = kubectl.stdin.take() {
            let _ = input.write_all(manifest.as_bytes());
        }
        let _ = kubectl.wait();
    }
}

/// `kubectl delete` of what its input names, as arguments.
fn delete() -> Result<[&'static str; 7]> {
    let path = cluster::kubeconfig()?;
    // A few bytes once for each test.
    let path: &'static str = Box::leak(path.display().to_string().into_boxed_str());
    Ok([
        "--kubeconfig",
        path,
        "delete",
        "--ignore-not-found",
        "--wait=false",
        "-f",
        "-",
    ])
}

/// The address of this machine that the API server reaches: the one from which we reach it.
fn machine() -> Result<IpAddr> {
    let kubeconfig = Kubeconfig::read_from(cluster::kubeconfig()?)?;
    let cluster = kubeconfig
        .clusters
        .first()
        .and_then(|named| named.cluster.as_ref());
    let server = cluster
        .and_then(|cluster| cluster.server.clone())
        .context("no server")?;
    let uri: http::Uri = server.parse()?;
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // Sends nothing.
    socket.connect((
        uri.host().context("no host")?,
        uri.port_u16().unwrap_or(443),
    ))?;
    Ok(socket.local_addr()?.ip())
}

/// A client with the rights of the example's service account.
async fn as_service_account(namespace: &str) -> Result<Client> {
    let token = cluster::kubectl(&["create", "token", namespace, "--namespace", namespace]).await?;
    let mut kubeconfig = Kubeconfig::read_from(cluster::kubeconfig()?)?;
    for named in &mut kubeconfig.auth_infos {
        named.auth_info = serde_json::from_value(json!({ "token": token }))?;
    }
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    Ok(Client::try_from(config)?)
}

/// A client on a connection of its own to one replica, which trusts what the registration says now.
async fn direct(client: &Client, address: SocketAddr, name: &str, user: Value) -> Result<Client> {
    let registrations: Api<APIService> = Api::all(client.clone());
    let spec = registrations
        .get(API_SERVICE)
        .await?
        .spec
        .context("no spec")?;
    ensure!(
        spec.insecure_skip_tls_verify != Some(true),
        "verification is off"
    );
    let bundle = spec.ca_bundle.context("no bundle")?;
    let kubeconfig = serde_json::from_value(json!({
        "current-context": "direct",
        "clusters": [{ "name": "direct", "cluster": {
            "server": format!("https://{address}"),
            "certificate-authority-data": bundle,
            "tls-server-name": format!("{name}.{name}.svc"),
        } }],
        "users": [{ "name": "direct", "user": user }],
        "contexts": [{ "name": "direct", "context": { "cluster": "direct", "user": "direct" } }],
    }))?;
    let options = KubeConfigOptions::default();
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}

/// The status code of a read with these headers.
async fn status(client: &Client, path: &str, headers: &[(&str, &str)]) -> Result<u16> {
    let mut request = http::Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    match client.request_text(request.body(Vec::new())?).await {
        Ok(_) => Ok(200),
        Err(kube::Error::Api(status)) => Ok(status.code),
        Err(error) => Err(error.into()),
    }
}

fn values(list: &Value) -> Vec<&str> {
    let items = list["items"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item["value"].as_str())
        .collect()
}

/// One world for all four: what holds while certificates change holds in quiet times, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_an_autoscaler_and_strangers_get_their_answers_from_two_replicas_while_certificates_change()
-> Result<()> {
    let _quiet = cluster::shared().await;
    let lifetimes = Lifetimes {
        authority: Duration::from_secs(45),
        leaf: Duration::from_secs(15),
        overlap: Duration::from_secs(5),
        skew: Duration::from_secs(2),
    };
    let world = World::start(lifetimes, 2).await?;
    tokio::try_join!(
        no_read_fails_while_certificates_change(&world),
        kubectl_reads_metrics_and_discovers_them_without_noise(&world),
        an_autoscaler_follows_an_external_metric_and_keeps_its_replicas_without_one(&world),
        a_client_is_who_it_proves_to_be_and_not_who_it_says(&world),
    )?;
    world.end().await
}

async fn kubectl_reads_metrics_and_discovers_them_without_noise(world: &World) -> Result<()> {
    world.numbers.set("depth", "a", 3);
    world.numbers.set("depth", "b", 4);
    for (path, expected) in [
        ("depth", vec!["3", "4"]),
        ("depth?labelSelector=queue%3Da", vec!["3"]),
        ("depth?labelSelector=queue%20in%20(a,b),queue!=a", vec!["4"]),
        ("depth?labelSelector=queue%3Dc", vec![]),
        ("width", vec![]),
    ] {
        let list = world.raw(&world.path(path)).await?;
        ensure!(values(&list) == expected, "{path}: {list}");
    }
    let list = world.raw("/apis/external.metrics.k8s.io/v1beta1").await?;
    ensure!(
        list["resources"]
            .as_array()
            .is_some_and(|found| found.len() == 1),
        "{list}"
    );
    let group = world.raw("/apis/external.metrics.k8s.io").await?;
    ensure!(group["preferredVersion"]["version"] == "v1beta1", "{group}");

    // Both kinds of discovery: kubectl asks for the aggregated one, which the API server has asked us for.
    wait::poll("kubectl lists the resource", START, || async {
        let kubeconfig = cluster::kubeconfig()?;
        let output = tokio::process::Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .args(["api-resources", "--cached=false"])
            .output()
            .await?;
        let noise = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success() && noise.is_empty(), "{noise}");
        let listed = String::from_utf8_lossy(&output.stdout);
        let line = listed
            .lines()
            .find(|line| line.contains("external.metrics.k8s.io/v1beta1"));
        Ok(line
            .filter(|line| line.contains("ExternalMetricValueList"))
            .map(|_| ()))
    })
    .await?;
    Ok(())
}

async fn an_autoscaler_follows_an_external_metric_and_keeps_its_replicas_without_one(
    world: &World,
) -> Result<()> {
    // The autoscaler looks every 15 s.
    const SYNC: Duration = Duration::from_secs(90);
    let namespace = world.namespace.name.clone();
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "worker", "namespace": namespace },
        "spec": {
            "selector": { "matchLabels": { "app": "worker" } },
            "template": {
                "metadata": { "labels": { "app": "worker" } },
                "spec": {
                    "nodeSelector": { "extraction.dev/nowhere": "true" },
                    "containers": [{ "name": "worker", "image": "localhost/none:1" }],
                },
            },
        },
    });
    let metric = json!({
        "metric": { "name": "length", "selector": { "matchLabels": { "queue": "a" } } },
        "target": { "type": "AverageValue", "averageValue": "1" },
    });
    let autoscaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "worker", "namespace": namespace },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "worker" },
            "minReplicas": 1, "maxReplicas": 20,
            "metrics": [{ "type": "External", "external": metric }],
            "behavior": {
                "scaleUp": { "policies": [{ "type": "Pods", "value": 20, "periodSeconds": 15 }] },
                "scaleDown": { "stabilizationWindowSeconds": 0 },
            },
        },
    });
    world.numbers.set("length", "a", 7);
    world.numbers.set("length", "b", 100);
    cluster::apply(&deployment.to_string()).await?;
    cluster::apply(&autoscaler.to_string()).await?;
    let deployments: Api<Deployment> = Api::namespaced(world.client.clone(), &namespace);
    let has = |count: i32| {
        move |found: &Deployment| found.spec.as_ref().and_then(|spec| spec.replicas) == Some(count)
    };
    let text = "the autoscaler follows";
    wait::present(deployments.clone(), "worker", text, SYNC, has(7)).await?;
    world.numbers.set("length", "a", 2);
    wait::present(deployments.clone(), "worker", text, SYNC, has(2)).await?;

    // The metric is gone: no number, so no change, and the reason is said.
    world.numbers.forget("length");
    let autoscalers: Api<HorizontalPodAutoscaler> =
        Api::namespaced(world.client.clone(), &namespace);
    wait::present(
        autoscalers,
        "worker",
        "it says that there is no value",
        SYNC,
        |found| {
            let conditions = found
                .status
                .iter()
                .flat_map(|status| &status.conditions)
                .flatten();
            let mut active = conditions.filter(|condition| condition.type_ == "ScalingActive");
            active.any(|condition| {
                condition.status == "False"
                    && condition.reason.as_deref() == Some("FailedGetExternalMetric")
            })
        },
    )
    .await?;
    ensure!(
        has(2)(&deployments.get("worker").await?),
        "the replicas changed"
    );
    Ok(())
}

async fn a_client_is_who_it_proves_to_be_and_not_who_it_says(world: &World) -> Result<()> {
    let path = world.path("nothing");
    let admin = [
        ("X-Remote-User", "admin"),
        ("X-Remote-Group", "system:masters"),
    ];

    let nobody = world.directly(json!({})).await?;
    ensure!(
        status(&nobody, &path, &admin).await? == 401,
        "without a certificate"
    );
    ensure!(
        status(&nobody, "/readyz", &[]).await? == 200,
        "a probe needs no name"
    );
    let kubeconfig = Kubeconfig::read_from(cluster::kubeconfig()?)?;
    let own = kubeconfig
        .auth_infos
        .first()
        .and_then(|named| named.auth_info.clone());
    let cluster_admin = world
        .directly(serde_json::to_value(own.context("no user")?)?)
        .await?;
    ensure!(
        status(&cluster_admin, &path, &admin).await? == 401,
        "with a certificate of the cluster's own authority"
    );
    let forged = world.directly(forged_proxy()?).await?;
    ensure!(
        status(&forged, &path, &admin).await? == 401,
        "with the front proxy's name from another authority"
    );
    let stranger = world.directly(json!({ "token": "not.a.token" })).await?;
    ensure!(
        status(&stranger, &path, &admin).await? == 401,
        "with a token that nobody gave"
    );

    let name = &world.namespace.name;
    let token = cluster::kubectl(&["create", "token", "default", "--namespace", name]).await?;
    let known = world.directly(json!({ "token": token })).await?;
    ensure!(
        status(&known, &path, &admin).await? == 403,
        "known, but without a right"
    );
    let binding = [
        "create",
        "rolebinding",
        "reader",
        "--namespace",
        name,
        "--clusterrole",
        &format!("{name}-reader"),
        "--serviceaccount",
        &format!("{name}:default"),
    ];
    cluster::kubectl(&binding).await?;
    // The answer before is remembered for ten seconds.
    wait::poll("the right counts", Duration::from_secs(30), || async {
        // A client anew, since the authority may have changed meanwhile.
        let known = world.directly(json!({ "token": token })).await?;
        Ok((status(&known, &path, &[]).await? == 200).then_some(()))
    })
    .await
}

/// A certificate with the name that the front proxy has, signed by somebody else.
fn forged_proxy() -> Result<Value> {
    let mut authority = rcgen::CertificateParams::new(Vec::new())?;
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(rcgen::DnType::CommonName, "front-proxy-ca");
    let signer = rcgen::Issuer::new(authority, rcgen::KeyPair::generate()?);
    let mut params = rcgen::CertificateParams::new(Vec::new())?;
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "front-proxy-client");
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let key = rcgen::KeyPair::generate()?;
    let certificate = params.signed_by(&key, &signer)?;
    let data = |pem: String| k8s_openapi::ByteString(pem.into_bytes());
    Ok(json!({
        "client-certificate-data": data(certificate.pem()),
        "client-key-data": data(key.serialize_pem()),
    }))
}

/// What has been seen in the Secret.
#[derive(Debug, Default)]
struct Rotation {
    leaves: Vec<Vec<u8>>,
    /// What `ca.crt` was.
    signers: Vec<Vec<u8>>,
    overlapped: bool,
    /// The first authority has been forgotten.
    over: bool,
}

impl Rotation {
    async fn look(&mut self, secrets: &Api<Secret>, name: &str) -> Result<()> {
        let data = secrets.get(name).await?.data.unwrap_or_default();
        let text = |key: &str| data.get(key).map(|bytes| bytes.0.clone());
        let leaf = text("tls.crt").context("no leaf")?;
        let signer = text("ca.crt").context("no authority")?;
        for (all, one) in [(&mut self.leaves, leaf), (&mut self.signers, signer)] {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        self.overlapped |= data.contains_key("next-ca.crt") || data.contains_key("previous-ca.crt");
        self.over |= self.signers.len() > 1 && !data.contains_key("previous-ca.crt");
        Ok(())
    }
}

async fn no_read_fails_while_certificates_change(world: &World) -> Result<()> {
    const TICK: Duration = Duration::from_millis(100);
    const END: Duration = Duration::from_secs(240);
    world.numbers.set("steady", "a", 3);
    let mut config = kube::Config::from_custom_kubeconfig(
        Kubeconfig::read_from(cluster::kubeconfig()?)?,
        &KubeConfigOptions::default(),
    )
    .await?;
    // A retry would hide a failure.
    config.default_retry = false;
    let reader = Client::try_from(config)?;
    let (name, path) = (world.namespace.name.clone(), world.path("steady"));
    let secrets: Api<Secret> = Api::namespaced(world.client.clone(), &name);
    let mut rotation = Rotation::default();
    let (mut reads, mut longest) = (0_usize, Duration::ZERO);
    let mut ticks = tokio::time::interval(TICK);
    let begun = Instant::now();
    while !(rotation.over && rotation.leaves.len() > 3) {
        ensure!(
            begun.elapsed() < END,
            "no whole rotation: {} leaves",
            rotation.leaves.len()
        );
        ticks.tick().await;
        let started = Instant::now();
        let text = reader
            .request_text(http::Request::get(&path).body(Vec::new())?)
            .await;
        let text = text.with_context(|| format!("read {reads} after {:?}", begun.elapsed()))?;
        ensure!(values(&serde_json::from_str(&text)?) == ["3"], "{text}");
        longest = longest.max(started.elapsed());
        reads += 1;
        if reads % 5 == 0 {
            // As an API server that has no connection yet.
            let address = world.addresses[reads / 5 % world.addresses.len()];
            let fresh = direct(&world.client, address, &name, json!({})).await?;
            let answer = fresh
                .request_text(http::Request::get("/readyz").body(Vec::new())?)
                .await;
            answer
                .with_context(|| format!("new connection {reads} after {:?}", begun.elapsed()))?;
            rotation
                .look(&secrets, &format!("{name}-certificates"))
                .await?;
        }
    }
    ensure!(rotation.overlapped, "authorities did not overlap");
    let note = format!(
        "{reads} reads in {:.0} s, none failed; {} certificates of {} authorities",
        begun.elapsed().as_secs_f64(),
        rotation.leaves.len(),
        rotation.signers.len()
    );
    let longest = Figure {
        name: "longest read of a metric while certificates change",
        value: longest.as_secs_f64(),
        unit: "s",
        at_most: 5.0,
        note: &note,
    };
    record("external-metrics", &longest)?;
    Ok(())
}

#[tokio::test]
async fn the_registration_of_another_server_is_left_alone_and_taken_when_it_goes() -> Result<()> {
    let _quiet = cluster::shared().await;
    let alone = REGISTRATION.lock().await;
    let client = cluster::client().await?;
    let namespace = TestNamespace::create(&client, "other").await?;
    let registration = |service: &str| {
        json!({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": API_SERVICE },
            "spec": {
                "group": "external.metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100,
                "versionPriority": 100, "insecureSkipTLSVerify": true,
                "service": { "namespace": namespace.name, "name": service },
            },
        })
    };
    cluster::apply(&registration("theirs").to_string()).await?;
    let config = Config {
        listen: (machine()?, 0).into(),
        service: Service {
            namespace: namespace.name.clone(),
            name: "ours".to_owned(),
            port: 443,
        },
        secret: "certificates".to_owned(),
        owner: None,
        lifetimes: Lifetimes {
            overlap: Duration::from_secs(2),
            ..Lifetimes::default()
        },
    };
    let server = Server::bind(client.clone(), config, Arc::new(Numbers::default())).await?;
    let mut seen = server.registration();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    let registrations: Api<APIService> = Api::all(client.clone());
    let checked = async {
        let theirs = Registration::Other {
            service: Some(format!("{}/theirs", namespace.name)),
        };
        tokio::time::timeout(START, seen.wait_for(|found| *found == theirs)).await??;
        let found = registrations
            .get(API_SERVICE)
            .await?
            .spec
            .context("no spec")?;
        ensure!(
            found.ca_bundle.is_none(),
            "another server's registration was changed"
        );

        // What is registered for us without verification is corrected.
        cluster::apply(&registration("ours").to_string()).await?;
        wait::present(
            registrations.clone(),
            API_SERVICE,
            "it verifies",
            START,
            |found| {
                let spec = found.spec.as_ref();
                spec.is_some_and(|spec| {
                    spec.ca_bundle.is_some() && spec.insecure_skip_tls_verify != Some(true)
                })
            },
        )
        .await?;
        registrations
            .delete(API_SERVICE, &DeleteParams::default())
            .await?;
        wait::present(
            registrations.clone(),
            API_SERVICE,
            "it is registered again",
            START,
            |found| {
                found
                    .spec
                    .as_ref()
                    .is_some_and(|spec| spec.ca_bundle.is_some())
            },
        )
        .await?;
        let ours = |found: &Registration| matches!(found, Registration::Ours { .. });
        tokio::time::timeout(START, seen.wait_for(ours)).await??;
        anyhow::Ok(())
    };
    let checked = checked.await;
    let _ = stop.send(());
    running.await??;
    // After the server, or it would register again.
    let gone = registrations
        .delete(API_SERVICE, &DeleteParams::default())
        .await;
    drop(alone);
    checked?;
    if let Err(error) = gone {
        bail!("the registration stays: {error}");
    }
    Ok(())
}
