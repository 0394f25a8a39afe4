//! Calls of SQS, for tests that look into a queue or put something into it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::jobs::setting;

/// The address of a queue.
pub async fn queue_url(name: &str) -> Result<String> {
    let answer = call("GetQueueUrl", &json!({ "QueueName": name })).await?;
    let url = answer["QueueUrl"].as_str();
    Ok(url.with_context(|| format!("no queue {name}"))?.to_owned())
}

/// One call of SQS; the emulator looks at the access key alone.
pub async fn call(action: &str, input: &Value) -> Result<Value> {
    let region = setting("EXTRACTION_TEST_AWS_REGION")?;
    let key = setting("EXTRACTION_TEST_AWS_ACCESS_KEY_ID")?;
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/sqs/aws4_request, SignedHeaders=host, Signature=0"
    );
    let answer = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()?
        .post(setting("EXTRACTION_TEST_AWS_ENDPOINT")?)
        .header("X-Amz-Target", format!("AmazonSQS.{action}"))
        .header("Authorization", authorization)
        .header("Content-Type", "application/x-amz-json-1.0")
        .body(input.to_string())
        .send()
        .await?;
    let status = answer.status();
    let text = answer.text().await?;
    if !status.is_success() {
        bail!("{action}: {status}: {text}");
    }
    Ok(if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text)?
    })
}
