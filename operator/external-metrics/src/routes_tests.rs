use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::SystemTime;

use axum::body::{Body, to_bytes};
use axum::http::Method;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::core::SelectorExt;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use serde_json::json;
use tower::ServiceExt;

use super::*;
use crate::{Quantity, Sample, Unavailable};

/// Knows `depth` with the label `queue=a`, and cannot answer about `broken`.
struct Depth;

impl Provider for Depth {
    async fn samples(&self, query: &Query) -> Result<Vec<Sample>, Unavailable> {
        if query.metric == "broken" {
            return Err(Unavailable("the queue does not answer".to_owned()));
        }
        let labels = BTreeMap::from([("queue".to_owned(), "a".to_owned())]);
        let known = query.metric == "depth" && query.selector.matches(&labels);
        let sample = Sample {
            labels,
            value: Quantity::whole(7),
            at: SystemTime::now(),
            window: None,
        };
        Ok(known.then_some(sample).into_iter().collect())
    }

    fn is_ready(&self) -> bool {
        true
    }
}

/// An API server that allows members of `readers`, knows the token `good`, and writes down what it was asked.
#[derive(Clone, Default)]
struct ApiServer(Arc<Mutex<Vec<Value>>>);

impl ApiServer {
    fn client(&self) -> Client {
        let asked = self.0.clone();
        let answer = tower::service_fn(move |request: axum::http::Request<kube::client::Body>| {
            let asked = asked.clone();
            async move {
                let bytes = request.into_body().collect_bytes().await?;
                let mut review: Value =
                    serde_json::from_slice(&bytes).map_err(kube::Error::SerdeError)?;
                asked.lock().unwrap().push(review["spec"].clone());
                let readers = review["spec"]["groups"]
                    .as_array()
                    .is_some_and(|groups| groups.contains(&json!("readers")));
                review["status"] = match review["kind"].as_str() {
                    Some("TokenReview") if review["spec"]["token"] == "good" => {
                        json!({ "authenticated": true, "user": { "username": "bob", "groups": ["readers"] } })
                    }
                    Some("TokenReview") => json!({ "authenticated": false }),
                    _ => json!({ "allowed": readers }),
                };
                Ok::<_, kube::Error>(axum::http::Response::new(kube::client::Body::from(
                    review.to_string().into_bytes(),
                )))
            }
        });
        Client::new(answer, "default")
    }

    fn asked(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }
}

struct World {
    api_server: ApiServer,
    router: Router,
    proxy: PeerCertificates,
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}

fn certificate(issuer: &Issuer<'static, KeyPair>) -> PeerCertificates {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let signed = params.signed_by(&key, issuer).unwrap();
    PeerCertificates(Arc::new([signed.der().clone()]))
}

fn world() -> World {
    let (pem, issuer) = authority();
    let data = [
        ("requestheader-client-ca-file", pem.as_str()),
        ("requestheader-username-headers", r#"["X-Remote-User"]"#),
        ("requestheader-group-headers", r#"["X-Remote-Group"]"#),
        (
            "requestheader-extra-headers-prefix",
            r#"["X-Remote-Extra-"]"#,
        ),
    ];
    let data = data.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let trust = Arc::new(Trust::default());
    trust.replace(Some(&ConfigMap {
        data: Some(data.into()),
        ..ConfigMap::default()
    }));
    let api_server = ApiServer::default();
    let router = router(App {
        provider: Arc::new(Depth),
        trust: trust.clone(),
        authenticator: Authenticator::new(api_server.client(), trust),
        authorizer: Authorizer::new(api_server.client()),
    });
    World {
        api_server,
        router,
        proxy: certificate(&issuer),
    }
}

const DEPTH: &str = "/apis/external.metrics.k8s.io/v1beta1/namespaces/finance/depth";
const READER: [(&str, &str); 2] = [("x-remote-user", "hpa"), ("x-remote-group", "readers")];

impl World {
    async fn get(
        &self,
        peer: Option<&PeerCertificates>,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (StatusCode, Value) {
        let (response, body) = self.send(Method::GET, peer, path, headers).await;
        (response.status(), body)
    }

    async fn send(
        &self,
        method: Method,
        peer: Option<&PeerCertificates>,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (Response, Value) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer.clone());
        }
        let (parts, body) = self
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        (
            Response::from_parts(parts, Body::empty()),
            serde_json::from_slice(&bytes).unwrap_or_default(),
        )
    }

    async fn proxied(&self, path: &str) -> (StatusCode, Value) {
        self.get(Some(&self.proxy), path, &READER).await
    }
}

#[tokio::test]
async fn a_user_behind_the_front_proxy_is_asked_for_with_all_groups_and_extras_and_only_once() {
    let world = world();
    let headers = [
        ("x-remote-user", "hpa"),
        ("x-remote-group", "readers"),
        ("x-remote-group", "others"),
        ("x-remote-extra-scopes", "a"),
        ("x-remote-extra-scopes", "b"),
        ("x-remote-extra-example.com%2fpod", "c"),
    ];
    for _ in 0..2 {
        let (status, list) = world.get(Some(&world.proxy), DEPTH, &headers).await;
        assert_eq!(
            (status, list["items"][0]["value"].as_str()),
            (StatusCode::OK, Some("7"))
        );
    }
    let expected = json!({
        "user": "hpa",
        "groups": ["readers", "others", "system:authenticated"],
        "extra": { "scopes": ["a", "b"], "example.com/pod": ["c"] },
        "resourceAttributes": {
            "group": "external.metrics.k8s.io", "version": "v1beta1", "namespace": "finance", "resource": "depth",
            "verb": "list",
        },
    });
    assert_eq!(world.api_server.asked(), [expected]);
}

#[tokio::test]
async fn a_name_without_the_front_proxys_certificate_is_not_believed() {
    let world = world();
    let foreign = certificate(&authority().1);
    let admin = [
        ("x-remote-user", "admin"),
        ("x-remote-group", "system:masters"),
    ];
    for peer in [None, Some(&foreign)] {
        for path in [
            DEPTH,
            "/apis",
            "/apis/external.metrics.k8s.io/v1beta1",
            "/openapi/v2",
            "/nowhere",
        ] {
            let (status, body) = world.get(peer, path, &admin).await;
            assert_eq!(
                (status, body["reason"].as_str()),
                (StatusCode::UNAUTHORIZED, Some("Unauthorized")),
                "{path}"
            );
        }
    }
    // The certificate alone says who the proxy is, not who asks.
    assert_eq!(
        world.get(Some(&world.proxy), DEPTH, &[]).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert!(world.api_server.asked().is_empty());
}

#[tokio::test]
async fn a_token_is_reviewed_once_and_headers_beside_it_do_not_count() {
    let world = world();
    let headers = [("authorization", "Bearer good"), ("x-remote-user", "admin")];
    for _ in 0..2 {
        assert_eq!(world.get(None, DEPTH, &headers).await.0, StatusCode::OK);
    }
    let asked = world.api_server.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1]["user"], "bob");
    for _ in 0..2 {
        let wrong = [("authorization", "Bearer wrong")];
        assert_eq!(
            world.get(None, DEPTH, &wrong).await.0,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(world.api_server.asked().len(), 3);
}

#[tokio::test]
async fn a_user_who_may_not_read_is_told_what_he_lacks() {
    let world = world();
    let (status, body) = world
        .get(Some(&world.proxy), DEPTH, &[("x-remote-user", "eve")])
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let message = body["message"].as_str().unwrap();
    assert!(
        message.contains("User \"eve\" cannot list resource \"depth\""),
        "{message}"
    );
}

#[tokio::test]
async fn a_metric_or_selector_that_matches_nothing_is_an_empty_list() {
    let world = world();
    for (path, count) in [
        (format!("{DEPTH}?labelSelector=queue%3Da"), 1),
        (
            format!("{DEPTH}?labelSelector=queue+in+%28a%2Cb%29&limit=500"),
            1,
        ),
        (format!("{DEPTH}?labelSelector=queue%3Db"), 0),
        (DEPTH.replace("depth", "width"), 0),
    ] {
        let (status, list) = world.proxied(&path).await;
        assert_eq!(
            (status, list["items"].as_array().map(Vec::len)),
            (StatusCode::OK, Some(count)),
            "{path}"
        );
        assert_eq!(list["kind"], "ExternalMetricValueList");
    }
}

#[tokio::test]
async fn what_cannot_be_answered_is_an_error_and_never_a_number() {
    let world = world();
    let (status, body) = world.proxied(&DEPTH.replace("depth", "broken")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["message"], "the queue does not answer");
    let (status, body) = world.proxied(&format!("{DEPTH}?labelSelector=%3D")).await;
    assert_eq!(
        (status, body["reason"].as_str()),
        (StatusCode::BAD_REQUEST, Some("BadRequest"))
    );
    assert_eq!(
        world.proxied("/apis/external.metrics.k8s.io/v2").await.0,
        StatusCode::NOT_FOUND
    );
    let (response, body) = world
        .send(Method::DELETE, Some(&world.proxy), DEPTH, &READER)
        .await;
    assert_eq!(
        (response.status(), body["kind"].as_str()),
        (StatusCode::METHOD_NOT_ALLOWED, Some("Status"))
    );
}

#[tokio::test]
async fn aggregated_discovery_is_not_sent_again_to_those_who_have_it() {
    const WANTED: (&str, &str) = (
        "accept",
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    );
    let world = world();
    let mut headers = READER.to_vec();
    headers.push(WANTED);
    let (first, body) = world
        .send(Method::GET, Some(&world.proxy), "/apis", &headers)
        .await;
    assert_eq!(body["kind"], "APIGroupDiscoveryList");
    assert_eq!(first.headers()["content-type"], WANTED.1);
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    headers.push(("if-none-match", &tag));
    let (again, _) = world
        .send(Method::GET, Some(&world.proxy), "/apis", &headers)
        .await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(world.proxied("/apis").await.1["kind"], "APIGroupList");
}

#[tokio::test]
async fn probes_need_no_name_and_readiness_waits_for_the_front_proxy() {
    let world = world();
    for path in ["/healthz", "/livez", "/readyz"] {
        assert_eq!(world.get(None, path, &[]).await.0, StatusCode::OK, "{path}");
    }
    let api_server = ApiServer::default();
    let trust = Arc::new(Trust::default());
    let unready = World {
        router: router(App {
            provider: Arc::new(Depth),
            trust: trust.clone(),
            authenticator: Authenticator::new(api_server.client(), trust),
            authorizer: Authorizer::new(api_server.client()),
        }),
        ..world
    };
    assert_eq!(
        unready.get(None, "/readyz", &[]).await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(unready.get(None, "/livez", &[]).await.0, StatusCode::OK);
}
