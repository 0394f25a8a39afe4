//! The queue in SQS.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    Message as SqsMessage, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use tokio::sync::RwLock;

use super::rejected::Rejected;
use super::{Message, Queue, QueueError, body};
use crate::credentials::{ATTEMPT_TIMEOUT, AwsSettings};
use crate::dependencies::{Dependency, Fault, aws};

/// SQS refuses more in one call.
const BATCH: usize = 10;

/// One SQS queue, found by its name.
#[derive(Debug)]
pub struct Sqs {
    client: Client,
    settings: AwsSettings,
    name: String,
    visibility: Duration,
    health: Dependency,
    rejected: Rejected,
    url: RwLock<Option<String>>,
}

impl Sqs {
    /// Names the queue without calling it. A received message is hidden for `visibility`, whatever the
    /// queue's own setting is.
    #[must_use]
    pub fn new(
        config: &aws_config::SdkConfig,
        settings: AwsSettings,
        name: &str,
        visibility: Duration,
        health: Dependency,
    ) -> Self {
        Self {
            client: Client::new(config),
            settings,
            name: name.to_owned(),
            visibility,
            health,
            rejected: Rejected::default(),
            url: RwLock::default(),
        }
    }

    async fn url(&self) -> Result<String, QueueError> {
        if let Some(url) = self.url.read().await.clone() {
            return Ok(url);
        }
        let answer = self
            .client
            .get_queue_url()
            .queue_name(&self.name)
            .send()
            .await;
        let answer = self.told("sqs:GetQueueUrl", answer)?;
        let url = answer.queue_url().unwrap_or_default().to_owned();
        *self.url.write().await = Some(url.clone());
        Ok(url)
    }

    fn told<T, E>(
        &self,
        action: &str,
        answer: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<T, QueueError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let call = self.settings.call(action, "queue", &self.name);
        let told = aws::told(&self.health, call, answer, is_not_held);
        told.map_err(|fault| match fault {
            None => QueueError::NotHeld,
            Some(fault) => {
                if fault.reason == "NonExistentQueue" || fault.reason == "QueueDoesNotExist" {
                    self.forget_url();
                }
                fault.into()
            }
        })
    }

    fn took_a_part(&self, code: &str) {
        let message = format!(
            "sqs:SendMessage: queue {} took only a part, code {code:?}",
            self.name
        );
        let fault = Fault::new("PartialFailure", message).of_one_action();
        self.health.failed("sqs:SendMessage", &fault);
    }

    /// A queue made anew may have another address.
    fn forget_url(&self) {
        if let Ok(mut url) = self.url.try_write() {
            *url = None;
        }
    }

    /// Keeps what we can read. The rest takes the dead-letter path.
    async fn read(&self, received: Vec<SqsMessage>) -> Vec<Message> {
        let mut messages = Vec::with_capacity(received.len());
        for raw in received {
            let job_id = raw.body().and_then(body::decode);
            let message = Message {
                job_id: job_id.clone().unwrap_or_default(),
                receive_count: receive_count(&raw),
                receipt: raw.receipt_handle.unwrap_or_default(),
            };
            if job_id.is_some() {
                messages.push(message);
                continue;
            }
            let id = raw.message_id.unwrap_or_default();
            let _comes_again_if_that_failed = self
                .dead_letter(&message, &id, "it is not one of ours")
                .await;
        }
        messages
    }

    /// Logged by its first delivery, or by its last one if the first got lost.
    async fn dead_letter(&self, message: &Message, id: &str, why: &str) -> Result<(), QueueError> {
        let limit = self.max_receive_count().await?;
        let is_last = limit.is_none_or(|limit| message.receive_count >= limit);
        if (message.receive_count == 1 || is_last) && self.rejected.is_new(id) {
            tracing::warn!(id, "message {id} is left to the dead-letter queue: {why}");
        }
        match limit {
            // Handed back at once, it uses up its deliveries within moments and SQS moves it.
            Some(_) => self.extend(message, Duration::ZERO).await,
            None => self.delete(message).await,
        }
    }

    async fn attribute(&self, name: QueueAttributeName) -> Result<Option<String>, QueueError> {
        let request = self
            .client
            .get_queue_attributes()
            .queue_url(self.url().await?);
        let answer = request.attribute_names(name.clone()).send().await;
        let answer = self.told("sqs:GetQueueAttributes", answer)?;
        Ok(answer.attributes().and_then(|all| all.get(&name)).cloned())
    }
}

#[async_trait]
impl Queue for Sqs {
    async fn send(&self, job_ids: &[String]) -> Result<Vec<String>, QueueError> {
        let url = self.url().await?;
        let mut sent = Vec::with_capacity(job_ids.len());
        for batch in job_ids.chunks(BATCH) {
            let mut request = self.client.send_message_batch().queue_url(&url);
            for (index, job_id) in batch.iter().enumerate() {
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(body::encode(job_id))
                    .build()
                    .expect("id and body are set");
                request = request.entries(entry);
            }
            match self.told("sqs:SendMessage", request.send().await) {
                Ok(answer) => {
                    let indices = answer
                        .successful()
                        .iter()
                        .filter_map(|entry| entry.id().parse::<usize>().ok());
                    sent.extend(indices.filter_map(|index| batch.get(index).cloned()));
                    if let Some(failure) = answer.failed().first() {
                        self.took_a_part(failure.code());
                    }
                }
                Err(error) if sent.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(sent)
    }

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Message>, QueueError> {
        let count = i32::try_from(max.clamp(1, BATCH)).unwrap_or(1);
        let seconds = i32::try_from(wait.as_secs().min(20)).unwrap_or(20);
        // The long poll is longer than any other call may take.
        let patience = Duration::from_secs(u64::from(seconds.unsigned_abs())) + ATTEMPT_TIMEOUT;
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(patience)
            .operation_timeout(patience * 2);
        let answer = self
            .client
            .receive_message()
            .queue_url(self.url().await?)
            .max_number_of_messages(count)
            .wait_time_seconds(seconds)
            .visibility_timeout(whole_seconds(self.visibility))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .customize()
            .config_override(aws_sdk_sqs::Config::builder().timeout_config(timeouts.build()))
            .send()
            .await;
        let answer = self.told("sqs:ReceiveMessage", answer)?;
        Ok(self.read(answer.messages.unwrap_or_default()).await)
    }

    async fn delete(&self, message: &Message) -> Result<(), QueueError> {
        let request = self.client.delete_message().queue_url(self.url().await?);
        let answer = request.receipt_handle(&message.receipt).send().await;
        self.told("sqs:DeleteMessage", answer).map(drop)
    }

    async fn extend(&self, message: &Message, hidden: Duration) -> Result<(), QueueError> {
        let request = self
            .client
            .change_message_visibility()
            .queue_url(self.url().await?);
        let request = request
            .receipt_handle(&message.receipt)
            .visibility_timeout(whole_seconds(hidden));
        self.told("sqs:ChangeMessageVisibility", request.send().await)
            .map(drop)
    }

    async fn reject(&self, message: &Message, why: &str) -> Result<(), QueueError> {
        self.dead_letter(message, &message.job_id, why).await
    }

    fn visibility(&self) -> Duration {
        self.visibility
    }

    async fn max_receive_count(&self) -> Result<Option<u32>, QueueError> {
        let policy = self.attribute(QueueAttributeName::RedrivePolicy).await?;
        Ok(policy.as_deref().and_then(parse_max_receive_count))
    }

    async fn depth(&self) -> Result<u64, QueueError> {
        let depth = self
            .attribute(QueueAttributeName::ApproximateNumberOfMessages)
            .await?;
        let unreadable = || {
            Fault::new(
                "InvalidResponse",
                format!("queue {} told no number of messages", self.name),
            )
        };
        depth
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| unreadable().into())
    }
}

/// A receipt that SQS does not know, or no longer.
fn is_not_held(code: &str) -> bool {
    matches!(
        code.rsplit(['.', '#']).next(),
        Some("ReceiptHandleIsInvalid" | "MessageNotInflight" | "InvalidIdFormat")
    )
}

fn receive_count(raw: &SqsMessage) -> u32 {
    let all = raw.attributes();
    let count = all.and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount));
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// Some writers of the policy quote the number.
fn parse_max_receive_count(policy: &str) -> Option<u32> {
    let policy: serde_json::Value = serde_json::from_str(policy).ok()?;
    let count = policy.get("maxReceiveCount")?;
    let number = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
    u32::try_from(number).ok()
}

fn whole_seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs_f64().ceil() as i64).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_redrive_policy_is_read_with_and_without_quotes() {
        assert_eq!(
            parse_max_receive_count(r#"{"deadLetterTargetArn":"a","maxReceiveCount":5}"#),
            Some(5)
        );
        assert_eq!(
            parse_max_receive_count(r#"{"maxReceiveCount":"3"}"#),
            Some(3)
        );
        assert_eq!(parse_max_receive_count("{}"), None);
        assert_eq!(parse_max_receive_count(""), None);
    }
}
