//! The list of work to do: one small trait, with SQS and a queue in memory behind it.
//!
//! A message says "look at job X" and nothing more; the row in the database is the truth. So every call
//! may happen twice, and a lost message is found again by the sweeper.

mod body;
mod local;
mod rejected;
mod sqs;

use std::time::Duration;

use async_trait::async_trait;

pub use local::LocalQueue;
pub use sqs::Sqs;

use crate::dependencies::Fault;

/// At least once, in no order.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Sends one message for each job and returns the ids that were taken, in no order.
    /// An error means that none was, as far as is known.
    async fn send(&self, job_ids: &[String]) -> Result<Vec<String>, QueueError>;

    /// Waits up to `wait` (20 s at most) for a first message and returns up to `max` (10 at most).
    /// Each is hidden from others for [`Queue::visibility`].
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Message>, QueueError>;

    /// This process stops: a receive in hand may end early where nothing is lost by it.
    fn leave(&self) {}

    /// The work is done: the message will not come again.
    async fn delete(&self, message: &Message) -> Result<(), QueueError>;

    /// Hides the message for `hidden` from now: longer to go on working, zero to hand it back at once.
    async fn extend(&self, message: &Message, hidden: Duration) -> Result<(), QueueError>;

    /// Nobody can ever do this work: to the dead-letter queue where there is one, else away. Logs `why`, once.
    async fn reject(&self, message: &Message, why: &str) -> Result<(), QueueError>;

    /// How long a received message is hidden.
    fn visibility(&self) -> Duration;

    /// How often a message is received before it goes to the dead-letter queue; `None` without one.
    async fn max_receive_count(&self) -> Result<Option<u32>, QueueError>;

    /// Messages that wait for a receiver, about.
    async fn depth(&self) -> Result<u64, QueueError>;

    /// Asks the queue for a sign of life.
    async fn probe(&self) -> Result<(), QueueError> {
        self.depth().await.map(drop)
    }
}

/// One delivery of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The job to look at.
    pub job_id: String,
    /// Names this delivery to the queue.
    pub receipt: String,
    /// How often it was delivered, this time included.
    pub receive_count: u32,
}

/// Why the queue could not be used.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// This delivery is not ours any more: its time is over, or it was deleted.
    #[error("the message is not held any more")]
    NotHeld,
    /// The queue does not answer or refuses; worth a retry.
    #[error("queue: {0}")]
    Unavailable(#[from] Fault),
}
