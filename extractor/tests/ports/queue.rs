use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use extractor::queue::{Message, Queue, QueueError};
use uuid::Uuid;

use crate::adapters::queue;

const SECOND: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(30);

fn job_ids(count: usize) -> Vec<String> {
    (0..count).map(|_| Uuid::now_v7().to_string()).collect()
}

async fn receive(queue: &dyn Queue) -> Option<Message> {
    queue.receive(1, SECOND).await.unwrap().pop()
}

#[tokio::test]
async fn a_deleted_message_does_not_come_again() {
    let queue = queue(SECOND, 5).await;
    let ids = job_ids(1);
    assert_eq!(queue.send(&ids).await.unwrap(), ids);
    let message = receive(&*queue).await.unwrap();
    assert_eq!((&message.job_id, message.receive_count), (&ids[0], 1));
    queue.delete(&message).await.unwrap();
    assert_eq!(queue.receive(1, 3 * SECOND).await.unwrap(), []);
}

#[tokio::test]
async fn more_than_one_batch_arrives_whole() {
    let queue = queue(LONG, 5).await;
    let ids = job_ids(23);
    assert_eq!(queue.send(&ids).await.unwrap().len(), 23);
    let mut seen = BTreeSet::new();
    while let messages = queue.receive(10, SECOND).await.unwrap()
        && !messages.is_empty()
    {
        assert!(messages.len() <= 10);
        seen.extend(messages.into_iter().map(|message| message.job_id));
    }
    assert_eq!(seen, ids.into_iter().collect());
}

#[tokio::test]
async fn a_message_that_is_left_alone_comes_again_and_counts() {
    let queue = queue(SECOND, 5).await;
    queue.send(&job_ids(1)).await.unwrap();
    let first = receive(&*queue).await.unwrap();
    let second = queue.receive(1, 5 * SECOND).await.unwrap().pop().unwrap();
    assert_eq!((first.job_id, second.receive_count), (second.job_id, 2));
}

#[tokio::test]
async fn a_message_handed_back_comes_at_once() {
    let queue = queue(LONG, 5).await;
    queue.send(&job_ids(1)).await.unwrap();
    let message = receive(&*queue).await.unwrap();
    queue.extend(&message, Duration::ZERO).await.unwrap();
    assert_eq!(receive(&*queue).await.unwrap().receive_count, 2);
}

#[tokio::test]
async fn an_extended_message_stays_hidden() {
    let queue = queue(SECOND, 5).await;
    queue.send(&job_ids(1)).await.unwrap();
    let message = receive(&*queue).await.unwrap();
    queue.extend(&message, LONG).await.unwrap();
    assert_eq!(queue.receive(1, 3 * SECOND).await.unwrap(), []);
    queue.delete(&message).await.unwrap();
}

#[tokio::test]
async fn a_message_that_is_gone_cannot_be_extended() {
    let queue = queue(LONG, 5).await;
    queue.send(&job_ids(1)).await.unwrap();
    let message = receive(&*queue).await.unwrap();
    queue.delete(&message).await.unwrap();
    let extended = queue.extend(&message, LONG).await;
    assert!(matches!(extended, Err(QueueError::NotHeld)), "{extended:?}");
}

#[tokio::test]
async fn a_long_poll_is_woken_by_a_message() {
    let queue = queue(LONG, 5).await;
    let started = Instant::now();
    let ids = job_ids(1);
    let (received, sent) = tokio::join!(queue.receive(1, 15 * SECOND), async {
        tokio::time::sleep(SECOND / 2).await;
        queue.send(&ids).await
    });
    sent.unwrap();
    assert_eq!(received.unwrap()[0].job_id, ids[0]);
    assert!(started.elapsed() < 8 * SECOND, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_message_is_delivered_as_often_as_the_queue_says() {
    let queue = queue(LONG, 2).await;
    assert_eq!(queue.max_receive_count().await.unwrap(), Some(2));
    queue.send(&job_ids(1)).await.unwrap();
    for delivery in 1..=2 {
        let message = receive(&*queue).await.unwrap();
        assert_eq!(message.receive_count, delivery);
        queue.extend(&message, Duration::ZERO).await.unwrap();
    }
    assert_eq!(receive(&*queue).await, None);
}

#[tokio::test]
async fn a_rejected_message_leaves_the_queue() {
    let queue = queue(LONG, 3).await;
    queue.send(&job_ids(1)).await.unwrap();
    let mut deliveries = 0;
    while let Some(message) = receive(&*queue).await {
        deliveries += 1;
        queue.reject(&message, "a test").await.unwrap();
    }
    assert!((1..=3).contains(&deliveries), "{deliveries}");
    assert_eq!(queue.depth().await.unwrap(), 0);
}

#[tokio::test]
async fn the_depth_counts_messages_that_wait() {
    let queue = queue(LONG, 5).await;
    assert_eq!(queue.depth().await.unwrap(), 0);
    queue.send(&job_ids(3)).await.unwrap();
    assert_eq!(queue.depth().await.unwrap(), 3);
    receive(&*queue).await.unwrap();
    assert_eq!(queue.depth().await.unwrap(), 2);
}
