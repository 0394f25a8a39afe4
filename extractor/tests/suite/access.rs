//! Keys, scopes and rates.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use extractor::api::{Access, Rate, route_list};
use tokio::sync::Notify;

use super::harness::{ADMIN_KEY, Api, Form, request};

/// A path of the table with an id in it.
fn with_id(path: &str) -> String {
    path.replace("{id}", "01890000-0000-7000-8000-000000000000")
}

#[tokio::test]
async fn nothing_but_health_and_documentation_is_open_without_a_key() {
    let api = Api::start().await;
    for (method, path, access) in route_list() {
        let answer = api.anonymous(method.as_str(), &with_id(path)).await;
        match access {
            Access::Probe | Access::Open => assert_eq!(answer.status, 200, "{method} {path}"),
            Access::Link => drop(answer.assert_problem(403, "link-refused")),
            Access::Key(_) => {
                answer.assert_problem(401, "unauthenticated");
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_key_is_no_key() {
    let api = Api::start().await;
    let well_formed = format!("xk_{}", "0".repeat(64));
    for key in ["", "wrong", &well_formed, &ADMIN_KEY[1..]] {
        let answer = api.with_key(key, "GET", "/api/v1/jobs").await;
        answer.assert_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn each_route_asks_for_its_own_scope_and_no_other() {
    let api = Api::start().await;
    for (method, path, access) in route_list() {
        let Access::Key(scope) = access else { continue };
        let (_, right) = api.make_key(&[scope.as_str()]).await;
        let others: Vec<_> = extractor::api::Scope::ALL
            .iter()
            .filter(|other| **other != scope)
            .map(|other| other.as_str())
            .collect();
        let (_, wrong) = api.make_key(&others).await;
        let refused = api.with_key(&wrong, method.as_str(), &with_id(path)).await;
        let detail = refused.assert_problem(403, "missing-scope");
        assert!(detail.contains(scope.as_str()), "{detail}");
        let passed = api.with_key(&right, method.as_str(), &with_id(path)).await;
        assert!(
            ![401, 403].contains(&passed.status.as_u16()),
            "{method} {path} {passed:?}"
        );
    }
}

#[tokio::test]
async fn a_revoked_key_stops_working_at_once() {
    let api = Api::start().await;
    let (id, key) = api.make_key(&["jobs:read"]).await;
    assert_eq!(api.with_key(&key, "GET", "/api/v1/jobs").await.status, 200);
    let revoked = api
        .call("DELETE", &format!("/api/v1/keys/{id}"))
        .await
        .assert_json(200);
    assert!(revoked["revoked_at"].is_string());
    api.with_key(&key, "GET", "/api/v1/jobs")
        .await
        .assert_problem(401, "unauthenticated");
    let listed = api.call("GET", "/api/v1/keys").await.assert_json(200);
    assert_eq!(listed["keys"][0], revoked);
    let unknown = format!("/api/v1/keys/{}", uuid::Uuid::now_v7());
    api.call("DELETE", &unknown)
        .await
        .assert_problem(404, "not-found");
}

#[tokio::test]
async fn the_token_is_shown_once_and_only_its_hash_is_kept() {
    let api = Api::start().await;
    let (id, key) = api.make_key(&["jobs:read"]).await;
    let listed = api.call("GET", "/api/v1/keys").await;
    assert!(
        listed.text.contains(&id) && !listed.text.contains(&key),
        "{}",
        listed.text
    );
    assert!(api.store.api_key_by_hash(&key).await.unwrap().is_none());
}

#[tokio::test]
async fn a_key_cannot_make_a_stronger_one() {
    let api = Api::start().await;
    let (_, key) = api.make_key(&["keys:admin", "jobs:read"]).await;
    let make = async |scopes: &str| {
        let body = format!("{{\"name\":\"x\",\"scopes\":{scopes}}}");
        let request = request("POST", "/api/v1/keys")
            .header("x-api-key", &key)
            .header("content-type", "application/json");
        api.send(request.body(body.into()).unwrap()).await
    };
    make("[\"documents:write\"]")
        .await
        .assert_problem(403, "missing-scope");
    make("[\"jobs:read\"]").await.assert_json(201);
    make("[]").await.assert_problem(422, "invalid");
    make("[\"everything\"]")
        .await
        .assert_problem(422, "invalid");
}

#[tokio::test]
async fn a_rotated_admin_key_is_taken_without_a_restart() {
    let api = Api::start().await;
    assert_eq!(api.call("GET", "/api/v1/keys").await.status, 200);
    std::fs::write(&api.admin_key_file, "another-admin-key\n").unwrap();
    api.pass_ms(5_000);
    api.call("GET", "/api/v1/keys")
        .await
        .assert_problem(401, "unauthenticated");
    let answer = api
        .with_key("another-admin-key", "GET", "/api/v1/keys")
        .await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn strangers_are_slowed_down_and_probes_and_keys_are_not() {
    let api = Api::start_with(|config| {
        config.anonymous_rate = Rate {
            requests: 2,
            per: Duration::from_secs(60),
        };
    })
    .await;
    api.anonymous("GET", "/api/v1/jobs")
        .await
        .assert_problem(401, "unauthenticated");
    assert_eq!(api.anonymous("GET", "/docs").await.status, 200);
    for path in ["/api/v1/jobs", "/docs", "/openapi.json"] {
        let answer = api.anonymous("GET", path).await;
        answer.assert_problem(429, "too-many-requests");
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=31).contains(&seconds), "{seconds}");
    }
    assert_eq!(api.anonymous("GET", "/health/ready").await.status, 200);
    assert_eq!(api.call("GET", "/api/v1/jobs").await.status, 200);
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_clients_own_address_is_charged() {
    let api = Api::start_with(|config| {
        config.trusted_proxies = 1;
        config.anonymous_rate = Rate {
            requests: 1,
            per: Duration::from_secs(60),
        };
    })
    .await;
    let from = async |forwarded: &str| {
        let request = request("GET", "/docs").header("x-forwarded-for", forwarded);
        api.send(request.body(Body::empty()).unwrap())
            .await
            .status
            .as_u16()
    };
    assert_eq!(from("192.0.2.1").await, 200);
    assert_eq!(from("192.0.2.1").await, 429);
    assert_eq!(
        from("198.51.100.9, 192.0.2.1").await,
        429,
        "what the client wrote is not believed"
    );
    assert_eq!(from("192.0.2.2").await, 200);
}

#[tokio::test]
async fn each_key_has_its_own_rate() {
    let api = Api::start_with(|config| {
        config.key_rate = Rate {
            requests: 3,
            per: Duration::from_secs(60),
        };
    })
    .await;
    let (_, key) = api.make_key(&["jobs:read"]).await;
    for _ in 0..3 {
        assert_eq!(api.with_key(&key, "GET", "/api/v1/jobs").await.status, 200);
    }
    let answer = api.with_key(&key, "GET", "/api/v1/jobs").await;
    answer.assert_problem(429, "too-many-requests");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(api.call("GET", "/api/v1/jobs").await.status, 200);
    assert_eq!(api.submit(Form::pdf()).await.status, 202);
}

#[tokio::test]
async fn an_address_over_its_rate_cannot_have_made_up_keys_looked_up() {
    let api = Api::start_with(|config| {
        config.anonymous_rate = Rate {
            requests: 1,
            per: Duration::from_secs(3600),
        };
    })
    .await;
    let made_up = |digit: &str| format!("xk_{}", digit.repeat(64));
    let (_, valid) = api.make_key(&["jobs:read"]).await;
    let list = async |key: &str| api.with_key(key, "GET", "/api/v1/jobs").await;
    assert_eq!(list(&valid).await.status, 200);
    list(&made_up("0"))
        .await
        .assert_problem(401, "unauthenticated");
    api.pass_ms(6_000);
    assert_eq!(list(&valid).await.status, 200, "it was a key before");
    api.store.close().await;
    let refused = list(&made_up("1")).await;
    refused.assert_problem(429, "too-many-requests");
}

#[tokio::test]
async fn requests_that_wait_for_a_job_keep_no_other_out() {
    let api = Arc::new(Api::start_with(|config| config.max_concurrent_requests = 1).await);
    let id = api.submit_pdf().await;
    let waiting = tokio::spawn({
        let api = api.clone();
        async move {
            let path = format!("/api/v1/jobs/{id}?wait=20");
            while api.call("GET", &path).await.status == 503 {
                tokio::task::yield_now().await;
            }
        }
    });
    let wait = "/api/v1/jobs/00000000-0000-7000-8000-000000000000?wait=1";
    while api.call("GET", wait).await.status != 503 {
        tokio::task::yield_now().await;
    }
    let other = api.submit(Form::pdf()).await;
    assert_eq!(other.status, 202);
    waiting.abort();
}

#[tokio::test]
async fn to_ask_for_a_wait_makes_no_room_where_nothing_waits() {
    let api = Arc::new(Api::start_with(|config| config.max_concurrent_requests = 1).await);
    let asked = Arc::new(Notify::new());
    let in_hand = tokio::spawn({
        let (api, asked) = (api.clone(), asked.clone());
        async move {
            let body = futures::stream::once(async move {
                asked.notify_one();
                std::future::pending::<std::io::Result<Vec<u8>>>().await
            });
            let request = request("POST", "/api/v1/documents")
                .header("x-api-key", ADMIN_KEY)
                .header("content-type", "multipart/form-data; boundary=frontier");
            api.send(request.body(Body::from_stream(body)).unwrap())
                .await
        }
    });
    asked.notified().await;
    for (method, path) in [
        ("POST", "/api/v1/documents?wait=1"),
        ("POST", "/api/v1/uploads?wait=1"),
        ("GET", "/api/v1/jobs?wait=1"),
        (
            "POST",
            "/api/v1/jobs/00000000-0000-7000-8000-000000000000/retry?wait=1",
        ),
    ] {
        let answer = api.call(method, path).await;
        answer.assert_problem(503, "overloaded");
    }
    in_hand.abort();
}
