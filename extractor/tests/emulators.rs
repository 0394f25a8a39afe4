//! The queue in SQS and objects in S3: needs EXTRACTION_TEST_AWS_ENDPOINT, the URL of an emulator of both.
//! Not part of a plain `cargo test`; `cargo test -p extractor --test emulators` fails without it.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod ports;

mod adapters {
    use std::path::PathBuf;
    use std::sync::LazyLock;
    use std::time::Duration;

    use aws_sdk_sqs::types::QueueAttributeName;
    use extractor::blobs::{Blobs, S3};
    use extractor::credentials::AwsSettings;
    use extractor::dependencies::Dependency;
    use extractor::queue::{Queue, Sqs};

    /// The emulator, with keys as a mounted Secret would have them.
    pub(crate) fn settings() -> AwsSettings {
        let endpoint = std::env::var("EXTRACTION_TEST_AWS_ENDPOINT").expect(
            "EXTRACTION_TEST_AWS_ENDPOINT must name an emulator of SQS and S3 to test with",
        );
        AwsSettings {
            region: "us-east-1".into(),
            endpoint_url: Some(endpoint),
            credentials_dir: Some(KEYS.clone()),
            web_identity: None,
        }
    }

    /// Written once: a test that wrote the files anew would show another test an empty one.
    static KEYS: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("keys");
        std::fs::create_dir_all(&folder).expect("a folder for the keys");
        for key in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            std::fs::write(folder.join(key), "test").expect("a key is written");
        }
        folder
    });

    pub(crate) fn fresh_name() -> String {
        format!("extraction-test-{}", uuid::Uuid::now_v7())
    }

    pub(crate) async fn sqs(
        name: &str,
        visibility: Duration,
    ) -> (Sqs, aws_sdk_sqs::Client, Dependency) {
        let settings = settings();
        let aws = settings.load().await;
        let health = Dependency::default();
        let queue = Sqs::new(&aws, settings, name, visibility, health.clone());
        (queue, aws_sdk_sqs::Client::new(&aws), health)
    }

    /// A queue with a dead-letter queue behind it; returns their URLs.
    pub(crate) async fn create_queue(
        client: &aws_sdk_sqs::Client,
        name: &str,
        max_receive_count: u32,
    ) -> (String, String) {
        let dead = client
            .create_queue()
            .queue_name(format!("{name}-dead"))
            .send()
            .await
            .unwrap();
        let arn = client
            .get_queue_attributes()
            .queue_url(dead.queue_url().unwrap())
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await
            .unwrap();
        let arn = &arn.attributes().unwrap()[&QueueAttributeName::QueueArn];
        let policy =
            format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":"{max_receive_count}"}}"#);
        let created = client.create_queue().queue_name(name);
        let created = created
            .attributes(QueueAttributeName::RedrivePolicy, policy)
            .send()
            .await
            .unwrap();
        (created.queue_url.unwrap(), dead.queue_url.unwrap())
    }

    /// An empty queue of its own for one test.
    pub(crate) async fn queue(visibility: Duration, max_receive_count: u32) -> Box<dyn Queue> {
        let name = fresh_name();
        let (queue, client, _) = sqs(&name, visibility).await;
        create_queue(&client, &name, max_receive_count).await;
        Box::new(queue)
    }

    pub(crate) async fn s3(bucket: &str) -> (S3, aws_sdk_s3::Client, Dependency) {
        let settings = settings();
        let aws = settings.load().await;
        let health = Dependency::default();
        let config = aws_sdk_s3::config::Builder::from(&aws)
            .force_path_style(true)
            .build();
        let blobs = S3::new(&aws, settings, bucket, "below/here", health.clone());
        (blobs, aws_sdk_s3::Client::from_conf(config), health)
    }

    /// An empty bucket of its own for one test.
    pub(crate) async fn blobs() -> (Box<dyn Blobs>, Option<tempfile::TempDir>) {
        let bucket = fresh_name();
        let (blobs, client, _) = s3(&bucket).await;
        client.create_bucket().bucket(&bucket).send().await.unwrap();
        (Box::new(blobs), None)
    }
}

use std::time::{Duration, Instant};

use extractor::blobs::{BlobError, Blobs, PresignedPut, S3};
use extractor::credentials::WebIdentity;
use extractor::dependencies::{Dependency, Fault};
use extractor::queue::{Queue, QueueError, Sqs};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_message_that_is_not_ours_goes_to_the_dead_letter_queue_and_stops_nobody() {
    let name = adapters::fresh_name();
    let (queue, client, _) = adapters::sqs(&name, 30 * SECOND).await;
    let (url, dead) = adapters::create_queue(&client, &name, 2).await;
    client
        .send_message()
        .queue_url(&url)
        .message_body("not json")
        .send()
        .await
        .unwrap();
    let id = uuid::Uuid::now_v7().to_string();
    queue.send(std::slice::from_ref(&id)).await.unwrap();
    let mut seen = Vec::new();
    let deadline = Instant::now() + 20 * SECOND;
    loop {
        assert!(
            Instant::now() < deadline,
            "the message did not reach the dead-letter queue"
        );
        seen.extend(
            queue
                .receive(10, SECOND)
                .await
                .unwrap()
                .into_iter()
                .map(|message| message.job_id),
        );
        let received = client
            .receive_message()
            .queue_url(&dead)
            .send()
            .await
            .unwrap();
        if let [message] = received.messages() {
            assert_eq!(message.body(), Some("not json"));
            break;
        }
    }
    assert_eq!(seen, [id]);
}

#[tokio::test]
async fn a_missing_queue_is_named_and_found_once_it_is_there() {
    let name = adapters::fresh_name();
    let (queue, client, health) = adapters::sqs(&name, SECOND).await;
    let Err(QueueError::Unavailable(fault)) = queue.probe().await else {
        panic!("there is no such queue")
    };
    assert!(
        matches!(
            fault.reason.as_str(),
            "NonExistentQueue" | "QueueDoesNotExist"
        ),
        "{fault}"
    );
    assert!(fault.message.contains(&name), "{fault}");
    assert_eq!(health.health().reachable, Some(false));
    adapters::create_queue(&client, &name, 3).await;
    queue.probe().await.unwrap();
    assert_eq!(health.health().reachable, Some(true));
}

#[tokio::test]
async fn a_missing_bucket_is_named() {
    let bucket = adapters::fresh_name();
    let (blobs, _, health) = adapters::s3(&bucket).await;
    for answer in [
        blobs.probe().await,
        blobs.head("a").await.map(drop),
        blobs.get("a").await.map(drop),
    ] {
        let Err(BlobError::Unavailable(fault)) = answer else {
            panic!("there is no such bucket: {answer:?}")
        };
        assert_eq!(fault.reason, "NoSuchBucket");
        assert!(fault.message.contains(&bucket), "{fault}");
    }
    assert_eq!(health.health().reason.as_deref(), Some("NoSuchBucket"));
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_told_in_time() {
    let mut settings = adapters::settings();
    // Port 9 of the loopback: nobody listens there.
    settings.endpoint_url = Some("http://127.0.0.1:9".into());
    let aws = settings.load().await;
    let queue = extractor::queue::Sqs::new(&aws, settings, "any", SECOND, Default::default());
    let started = Instant::now();
    let Err(QueueError::Unavailable(fault)) = queue.probe().await else {
        panic!("nobody listens there")
    };
    assert_eq!(fault.reason, "Unreachable", "{fault}");
    assert!(fault.message.contains("http://127.0.0.1:9"), "{fault}");
    assert!(started.elapsed() < 16 * SECOND);
}

#[tokio::test]
async fn missing_keys_are_told_apart_from_a_refusal() {
    let mut settings = adapters::settings();
    let folder = tempfile::tempdir().unwrap();
    settings.credentials_dir = Some(folder.path().to_owned());
    let aws = settings.load().await;
    let queue = extractor::queue::Sqs::new(&aws, settings, "any", SECOND, Default::default());
    let Err(QueueError::Unavailable(fault)) = queue.probe().await else {
        panic!("there are no keys")
    };
    assert_eq!(fault.reason, "NoCredentials", "{fault}");
    assert!(fault.message.contains("AWS_ACCESS_KEY_ID"), "{fault}");
}

#[tokio::test]
async fn an_access_key_that_aws_does_not_know_is_told_by_queue_and_storage_alike() {
    let mut settings = adapters::settings();
    let folder = tempfile::tempdir().unwrap();
    for key in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        std::fs::write(folder.path().join(key), "nobodys").unwrap();
    }
    settings.credentials_dir = Some(folder.path().to_owned());
    let aws = settings.load().await;
    let health = Dependency::default();
    let queue = Sqs::new(&aws, settings.clone(), "any", SECOND, Dependency::default());
    let blobs = S3::new(&aws, settings, "any", "", health.clone());
    let Err(QueueError::Unavailable(refused)) = queue.probe().await else {
        panic!("nobody has this key")
    };
    assert_eq!(refused.reason, "InvalidClientTokenId", "{refused}");
    assert!(
        refused.message.contains("correct `AWS_ACCESS_KEY_ID`"),
        "{refused}"
    );
    // S3 refuses a HEAD without a code; that of the object asks again, as does that of the bucket.
    for answer in [blobs.head("a").await.map(drop), blobs.probe().await] {
        let Err(BlobError::Unavailable(refused)) = answer else {
            panic!("nobody has this key")
        };
        assert_eq!(refused.reason, "InvalidAccessKeyId", "{refused}");
        assert!(
            refused.message.contains("correct `AWS_ACCESS_KEY_ID`"),
            "{refused}"
        );
    }
    assert_eq!(
        health.health().reason.as_deref(),
        Some("InvalidAccessKeyId")
    );
}

const ROLE: &str = "arn:aws:iam::000000000000:role/extraction";
/// Claims `{"sub":"system:serviceaccount:a:b","exp":4102444800}`, which is the year 2100.
const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6YTpiIiwiZXhwIjo0MTAyNDQ0ODAwfQ.none";
/// The same with `"exp":1`.
const EXPIRED_TOKEN: &str =
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6YTpiIiwiZXhwIjoxfQ.none";
/// Claims `{"exp":4102444800}`: a subject that no trust policy names.
const STRANGERS_TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.none";

/// What the queue's probe meets with such a token in the pod's file.
async fn probe_as_role(token: &str) -> (Result<(), QueueError>, Dependency) {
    let name = adapters::fresh_name();
    let (_, client, _) = adapters::sqs(&name, SECOND).await;
    adapters::create_queue(&client, &name, 3).await;
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, token).unwrap();
    let mut settings = adapters::settings();
    settings.credentials_dir = None;
    settings.web_identity = Some(WebIdentity {
        role_arn: ROLE.into(),
        token_file,
    });
    let aws = settings.load().await;
    let health = Dependency::default();
    let queue = Sqs::new(&aws, settings, &name, SECOND, health.clone());
    (queue.probe().await, health)
}

#[tokio::test]
async fn a_role_is_assumed_with_the_token_of_the_pod_and_its_credentials_work() {
    let (answer, health) = probe_as_role(TOKEN).await;
    answer.unwrap();
    assert_eq!(health.health().reachable, Some(true));
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_is_named_with_the_reason() {
    for (token, reason, next_step) in [
        (EXPIRED_TOKEN, "ExpiredTokenException", "has expired"),
        (STRANGERS_TOKEN, "AccessDenied", "trust policy"),
        ("no token", "InvalidIdentityToken", "OIDC provider"),
    ] {
        let (answer, health) = probe_as_role(token).await;
        assert!(answer.is_err(), "{token}");
        let health = health.health();
        assert_eq!(health.reason.as_deref(), Some(reason), "{health:?}");
        let message = health.message.unwrap();
        for part in ["sts:AssumeRoleWithWebIdentity", ROLE, next_step] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(!message.contains(token), "{message}");
    }
}

#[tokio::test]
async fn a_denied_action_is_told_while_others_work_until_a_probe_may_do_it_again() {
    let bucket = adapters::fresh_name();
    let (blobs, client, health) = adapters::s3(&bucket).await;
    client.create_bucket().bucket(&bucket).send().await.unwrap();
    let denied = Fault::new("AccessDenied", "s3:PutObject denied").of_one_action();
    health.failed("s3:PutObject", &denied);
    blobs.head("nothing").await.unwrap();
    assert_eq!(health.health().reason.as_deref(), Some("AccessDenied"));
    blobs.probe().await.unwrap();
    assert_eq!(health.health().reachable, Some(true));
    assert_eq!(
        blobs.head("probe").await.unwrap(),
        None,
        "it leaves nothing"
    );
}

#[tokio::test]
async fn a_client_can_upload_with_nothing_but_the_presigned_request() {
    let bucket = adapters::fresh_name();
    let (blobs, client, _) = adapters::s3(&bucket).await;
    client.create_bucket().bucket(&bucket).send().await.unwrap();
    let put = blobs
        .presign_put("documents/a", "text/plain", 5, 60 * SECOND)
        .await
        .unwrap();
    assert!(put.url.contains("/below/here/documents/a"), "{}", put.url);
    assert_eq!(send(&put, b"hello").await, 200);
    assert_eq!(blobs.get("documents/a").await.unwrap(), "hello");
}

/// Sends the request as it stands and returns the status of the answer.
async fn send(put: &PresignedPut, body: &[u8]) -> u16 {
    let (host, path) = put
        .url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut request = format!("PUT /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in &put.headers {
        if name != "host" {
            request += &format!("{name}: {value}\r\n");
        }
    }
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    stream
        .write_all(format!("{request}\r\n").as_bytes())
        .await
        .unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}
