//! A queue in the memory of one process. Rows are the truth, so it may be forgotten: the sweeper fills it
//! again after a start.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Message, Queue, QueueError};
use crate::dependencies::Dependency;

/// Waiting and held messages.
#[derive(Debug)]
pub struct LocalQueue {
    visibility: Duration,
    max_receive_count: u32,
    health: Dependency,
    state: Mutex<State>,
    arrived: Notify,
    left: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    held: HashMap<String, Held>,
    next_receipt: u64,
}

#[derive(Debug)]
struct Waiting {
    job_id: String,
    deliveries: u32,
}

#[derive(Debug)]
struct Held {
    job_id: String,
    deliveries: u32,
    until: Instant,
}

impl LocalQueue {
    /// An empty queue. A received message is hidden for `visibility` and delivered `max_receive_count`
    /// times at most.
    #[must_use]
    pub fn new(visibility: Duration, max_receive_count: u32, health: Dependency) -> Self {
        Self {
            visibility,
            max_receive_count,
            health,
            state: Mutex::default(),
            arrived: Notify::new(),
            left: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is there, and says when the next held message comes back.
    fn take(&self, max: usize) -> (Vec<Message>, Option<Instant>) {
        let now = Instant::now();
        let state = &mut *self.lock();
        let due: Vec<String> = state
            .held
            .iter()
            .filter(|(_, held)| held.until <= now)
            .map(|(receipt, _)| receipt.clone())
            .collect();
        for held in due.iter().filter_map(|receipt| state.held.remove(receipt)) {
            if held.deliveries < self.max_receive_count {
                state.waiting.push_back(Waiting {
                    job_id: held.job_id,
                    deliveries: held.deliveries,
                });
            }
        }
        let count = max.min(state.waiting.len());
        let taken: Vec<Waiting> = state.waiting.drain(..count).collect();
        let messages = taken
            .into_iter()
            .map(|waiting| state.hold(waiting, now + self.visibility))
            .collect();
        (messages, state.held.values().map(|held| held.until).min())
    }
}

impl State {
    fn hold(&mut self, waiting: Waiting, until: Instant) -> Message {
        self.next_receipt += 1;
        let receipt = self.next_receipt.to_string();
        let deliveries = waiting.deliveries + 1;
        let held = Held {
            job_id: waiting.job_id.clone(),
            deliveries,
            until,
        };
        self.held.insert(receipt.clone(), held);
        Message {
            job_id: waiting.job_id,
            receipt,
            receive_count: deliveries,
        }
    }
}

#[async_trait]
impl Queue for LocalQueue {
    async fn send(&self, job_ids: &[String]) -> Result<Vec<String>, QueueError> {
        let waiting = job_ids.iter().map(|id| Waiting {
            job_id: id.clone(),
            deliveries: 0,
        });
        self.lock().waiting.extend(waiting);
        self.arrived.notify_waiters();
        Ok(job_ids.to_vec())
    }

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Message>, QueueError> {
        let deadline = Instant::now() + wait;
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            // Registers before looking, so that nothing that arrives in between is missed.
            arrived.as_mut().enable();
            let (messages, next) = self.take(max);
            if !messages.is_empty() || Instant::now() >= deadline {
                return Ok(messages);
            }
            let until = next.map_or(deadline, |next| next.min(deadline));
            tokio::select! {
                () = arrived => {}
                () = self.left.notified() => return Ok(Vec::new()),
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    fn leave(&self) {
        self.left.notify_waiters();
    }

    async fn delete(&self, message: &Message) -> Result<(), QueueError> {
        self.lock().held.remove(&message.receipt);
        Ok(())
    }

    async fn extend(&self, message: &Message, hidden: Duration) -> Result<(), QueueError> {
        let until = Instant::now() + hidden;
        let held = self
            .lock()
            .held
            .get_mut(&message.receipt)
            .map(|held| held.until = until);
        self.arrived.notify_waiters();
        held.ok_or(QueueError::NotHeld)
    }

    async fn reject(&self, message: &Message, why: &str) -> Result<(), QueueError> {
        let id = &message.job_id;
        tracing::warn!(id, "message {id} is thrown away: {why}");
        self.delete(message).await
    }

    fn visibility(&self) -> Duration {
        self.visibility
    }

    async fn max_receive_count(&self) -> Result<Option<u32>, QueueError> {
        Ok(Some(self.max_receive_count))
    }

    async fn depth(&self) -> Result<u64, QueueError> {
        self.health.succeeded("depth");
        Ok(self.lock().waiting.len() as u64)
    }
}
