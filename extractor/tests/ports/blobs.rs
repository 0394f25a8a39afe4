use bytes::Bytes;
use extractor::blobs::{BlobError, BlobHead};

use crate::adapters::blobs;

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let (blobs, _guard) = blobs().await;
    let bytes = Bytes::from((0..=255).cycle().take(1_000_000).collect::<Vec<u8>>());
    blobs
        .put("documents/a/original", "application/pdf", bytes.clone())
        .await
        .unwrap();
    assert_eq!(blobs.get("documents/a/original").await.unwrap(), bytes);
    let head = blobs.head("documents/a/original").await.unwrap();
    assert_eq!(head, Some(BlobHead { size: 1_000_000 }));
}

#[tokio::test]
async fn a_second_put_replaces_the_object() {
    let (blobs, _guard) = blobs().await;
    for text in ["one", "two!"] {
        blobs
            .put("results/a.json", "application/json", Bytes::from(text))
            .await
            .unwrap();
    }
    assert_eq!(blobs.get("results/a.json").await.unwrap(), "two!");
}

#[tokio::test]
async fn an_empty_object_is_an_object() {
    let (blobs, _guard) = blobs().await;
    blobs
        .put("empty", "text/plain", Bytes::new())
        .await
        .unwrap();
    assert_eq!(blobs.get("empty").await.unwrap(), "");
    assert_eq!(
        blobs.head("empty").await.unwrap(),
        Some(BlobHead { size: 0 })
    );
}

#[tokio::test]
async fn an_object_that_is_not_there_is_told_apart_from_a_failure() {
    let (blobs, _guard) = blobs().await;
    assert!(matches!(
        blobs.get("nothing").await,
        Err(BlobError::NotFound { .. })
    ));
    assert_eq!(blobs.head("nothing").await.unwrap(), None);
    blobs.probe().await.unwrap();
}

#[tokio::test]
async fn deleting_twice_is_no_error() {
    let (blobs, _guard) = blobs().await;
    blobs
        .put("documents/a", "text/plain", Bytes::from("x"))
        .await
        .unwrap();
    blobs.delete("documents/a").await.unwrap();
    blobs.delete("documents/a").await.unwrap();
    assert_eq!(blobs.head("documents/a").await.unwrap(), None);
}

#[tokio::test]
async fn no_call_takes_a_key_that_could_leave_the_store() {
    let (blobs, _guard) = blobs().await;
    let key = "../outside";
    let minute = std::time::Duration::from_secs(60);
    let refused = [
        blobs.put(key, "text/plain", Bytes::new()).await.err(),
        blobs.get(key).await.err(),
        blobs.head(key).await.err(),
        blobs.delete(key).await.err(),
        blobs.presign_put(key, "text/plain", 1, minute).await.err(),
    ];
    for error in refused {
        assert!(matches!(error, Some(BlobError::InvalidKey)), "{error:?}");
    }
}

#[tokio::test]
async fn a_presigned_put_names_the_headers_to_send() {
    let (blobs, _guard) = blobs().await;
    let put = blobs
        .presign_put(
            "documents/a",
            "application/pdf",
            9,
            std::time::Duration::from_secs(900),
        )
        .await
        .unwrap();
    assert_eq!(put.method, "PUT");
    assert!(put.url.starts_with("http://"), "{}", put.url);
    let header = |name: &str| {
        put.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(header("content-type"), Some("application/pdf"));
    assert_eq!(header("content-length"), Some("9"));
}
