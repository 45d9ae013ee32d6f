//! Promises of queues.

use super::{FAR, Fresh};
use crate::queue::{MAX_BATCH, MAX_RECEIVES};
use crate::{Address, Delivery, Disposition, Fault, Outgoing, Queue, QueueName, Receipt, Stack};
use domain::Stage;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const LIVE: Address = Address { queue: QueueName::Summarize, dead: false };
const DEAD: Address = Address { queue: QueueName::Summarize, dead: true };

async fn send(stack: &Stack, to: Address, body: &str) {
    let sent = stack.queue.send(to, vec![Outgoing::now(body.to_owned())]).await.expect("send works");
    assert!(sent.len() == 1 && sent[0].is_ok(), "one message has one result: {sent:?}");
}

/// One message, which must come.
async fn one(stack: &Stack, from: Address, visibility: Duration, wait: Duration) -> Delivery {
    let mut got = stack.queue.receive(from, 1, visibility, wait).await.expect("receive works");
    assert_eq!(got.len(), 1, "one message must come");
    got.remove(0)
}

async fn nothing(stack: &Stack, from: Address, why: &str) {
    let got = stack.queue.receive(from, MAX_BATCH, FAR, Duration::ZERO).await.expect("receive works");
    assert!(got.is_empty(), "{why}: {got:?}");
}

pub(super) async fn what_is_sent_is_received_and_gone_once_deleted(fresh: Fresh) {
    let stack = &fresh.stack;
    // SQS carries what XML 1.0 does, which is all that JSON leaves of a text.
    let body = "with \"quotes\", \u{1F980}, a\nline, a\ttab and \u{FFFD}";
    send(stack, LIVE, body).await;
    let delivery = one(stack, LIVE, fresh.unit, fresh.unit * 20).await;
    assert_eq!((delivery.body.as_str(), delivery.receives), (body, 1));
    let receipt = Receipt(delivery.receipt.0.clone());
    stack.queue.settle(LIVE, delivery.receipt, Disposition::Delete).await.expect("a delivery can be deleted");
    tokio::time::sleep(fresh.unit * 2).await;
    nothing(stack, LIVE, "what was deleted never comes again").await;
    stack
        .queue
        .settle(LIVE, receipt, Disposition::Delete)
        .await
        .expect("deleting what is gone is no failure");
}

pub(super) async fn a_delivery_is_unseen_until_its_visibility_ends(fresh: Fresh) {
    let stack = &fresh.stack;
    send(stack, LIVE, "far").await;
    one(stack, LIVE, FAR, fresh.unit * 20).await;
    nothing(stack, LIVE, "a delivery is unseen while it is held").await;
    send(stack, LIVE, "near").await;
    let first = one(stack, LIVE, fresh.unit, fresh.unit * 20).await;
    let second = one(stack, LIVE, FAR, fresh.unit * 50).await;
    assert_eq!((second.body.as_str(), second.receives), ("near", 2), "it comes again, and is counted");
    assert_eq!(first.sent_at, second.sent_at, "when it was first sent does not change");
    assert_ne!(first.receipt, second.receipt, "each delivery has its own receipt");
}

pub(super) async fn a_visibility_can_be_extended_and_shortened(fresh: Fresh) {
    let stack = &fresh.stack;
    send(stack, LIVE, "m").await;
    let delivery = one(stack, LIVE, fresh.unit * 3, fresh.unit * 20).await;
    stack.queue.extend(LIVE, &delivery.receipt, FAR).await.expect("a delivery can be extended");
    tokio::time::sleep(fresh.unit * 4).await;
    nothing(stack, LIVE, "an extended delivery stays unseen").await;
    stack.queue.extend(LIVE, &delivery.receipt, fresh.unit).await.expect("and shortened");
    assert_eq!(one(stack, LIVE, FAR, fresh.unit * 50).await.receives, 2);
}

pub(super) async fn a_delay_is_kept(fresh: Fresh) {
    let stack = &fresh.stack;
    let messages = vec![Outgoing::after("far".into(), FAR), Outgoing::after("near".into(), fresh.unit * 2)];
    let sent = stack.queue.send(LIVE, messages).await.expect("send works");
    assert!(sent.iter().all(Result::is_ok));
    let got = one(stack, LIVE, FAR, fresh.unit * 50).await;
    assert_eq!(got.body, "near", "what is delayed for longer stays unseen");
    let waited = stack.clock.now().duration_since(got.sent_at);
    let waited = Duration::try_from(waited).expect("it was received after it was sent");
    assert!(waited >= fresh.unit, "a delayed message comes after its delay, this one after {waited:?}");
    nothing(stack, LIVE, "a delay is kept").await;
}

pub(super) async fn a_release_gives_the_message_to_others(fresh: Fresh) {
    let stack = &fresh.stack;
    send(stack, LIVE, "m").await;
    let delivery = one(stack, LIVE, FAR, fresh.unit * 20).await;
    let release = Disposition::Release(Duration::ZERO);
    stack.queue.settle(LIVE, delivery.receipt, release).await.expect("a delivery can be released");
    let delivery = one(stack, LIVE, FAR, fresh.unit * 20).await;
    assert_eq!(delivery.receives, 2);
    let release = Disposition::Release(FAR);
    stack.queue.settle(LIVE, delivery.receipt, release).await.expect("also for later");
    nothing(stack, LIVE, "a release for later is kept").await;
}

/// Receives so often that the next time would be too often.
async fn wear_out(stack: &Stack, unit: Duration) {
    for receive in 1..=MAX_RECEIVES {
        let delivery = one(stack, LIVE, FAR, unit * 20).await;
        assert_eq!(delivery.receives, receive);
        let release = Disposition::Release(Duration::ZERO);
        stack.queue.settle(LIVE, delivery.receipt, release).await.expect("release works");
    }
    nothing(stack, LIVE, "a message that was received too often is delivered no more").await;
}

pub(super) async fn what_is_received_too_often_becomes_a_dead_letter(fresh: Fresh) {
    let stack = &fresh.stack;
    send(stack, LIVE, "m").await;
    wear_out(stack, fresh.unit).await;
    let dead = one(stack, DEAD, FAR, fresh.unit * 20).await;
    assert_eq!(dead.body, "m");
    stack.queue.settle(DEAD, dead.receipt, Disposition::Delete).await.expect("a dead letter can be deleted");
    let depth = stack.queue_admin.depth(QueueName::Summarize).await.expect("depth works");
    assert_eq!((depth.dead, depth.waiting, depth.in_flight), (0, 0, 0));
}

pub(super) async fn dead_letters_can_be_received_and_moved_back(fresh: Fresh) {
    let stack = &fresh.stack;
    send(stack, LIVE, "m").await;
    wear_out(stack, fresh.unit).await;
    let depth = stack.queue_admin.depth(QueueName::Summarize).await.expect("depth works");
    assert_eq!(depth.dead, 1);
    assert_eq!(stack.queue_admin.redrive(QueueName::Summarize).await.expect("redrive works"), 1);
    let again = one(stack, LIVE, FAR, fresh.unit * 50).await;
    assert_eq!((again.body.as_str(), again.receives), ("m", 1), "it comes back as a new message");
    assert_eq!(stack.queue_admin.redrive(QueueName::Summarize).await.expect("redrive works"), 0);
    // Sent straight to the dead letters.
    send(stack, DEAD, "d").await;
    assert_eq!(one(stack, DEAD, FAR, fresh.unit * 20).await.body, "d");
}

pub(super) async fn a_purge_leaves_nothing_and_only_there(fresh: Fresh) {
    let stack = &fresh.stack;
    for number in 0..3 {
        send(stack, LIVE, &number.to_string()).await;
    }
    send(stack, DEAD, "dead").await;
    send(stack, Address::live(Stage::Notify), "other").await;
    one(stack, LIVE, fresh.unit, fresh.unit * 20).await;
    stack.queue_admin.purge(LIVE).await.expect("purge works");
    tokio::time::sleep(fresh.unit * 2).await;
    nothing(stack, LIVE, "a purged queue is empty, what was held included").await;
    one(stack, DEAD, FAR, fresh.unit * 20).await;
    one(stack, Address::live(Stage::Notify), FAR, fresh.unit * 20).await;
}

pub(super) async fn a_message_that_is_too_long_is_refused_alone(fresh: Fresh) {
    let stack = &fresh.stack;
    let bodies = ["a".to_owned(), "b".repeat(256 * 1024 + 1), "c".repeat(256 * 1024)];
    let results = stack.queue.send(LIVE, bodies.into_iter().map(Outgoing::now).collect()).await;
    let results = results.expect("a batch is not refused for one of its messages");
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert!(results[1].as_ref().is_err_and(crate::PortError::is_permanent), "{:?}", results[1]);
    let mut first = BTreeSet::new();
    for _ in 0..2 {
        let delivery = one(stack, LIVE, FAR, fresh.unit * 20).await;
        first.insert(delivery.body.chars().next());
    }
    assert_eq!(first, BTreeSet::from([Some('a'), Some('c')]));
    nothing(stack, LIVE, "what was refused was not sent").await;
}

pub(super) async fn receivers_at_the_same_time_never_share_a_delivery(fresh: Fresh) {
    const MESSAGES: usize = 100;
    let stack = &fresh.stack;
    let sent: BTreeSet<String> = (0..MESSAGES).map(|number| format!("m{number}")).collect();
    let all: Vec<_> = sent.iter().cloned().map(Outgoing::now).collect();
    for batch in all.chunks(MAX_BATCH) {
        let results = stack.queue.send(LIVE, batch.to_vec()).await.expect("send works");
        assert!(results.iter().all(Result::is_ok));
    }
    let receivers: Vec<_> = (0..8)
        .map(|number| tokio::spawn(receive_all(stack.queue.clone(), 1 + number % MAX_BATCH, fresh.unit)))
        .collect();
    let mut got = Vec::new();
    for receiver in receivers {
        got.extend(receiver.await.expect("a receiver does not panic"));
    }
    assert_eq!(got.len(), MESSAGES, "each message is held by one receiver");
    assert_eq!(got.into_iter().collect::<BTreeSet<_>>(), sent);
}

async fn receive_all(queue: std::sync::Arc<dyn Queue>, max: usize, unit: Duration) -> Vec<String> {
    let mut bodies = Vec::new();
    loop {
        let got = queue.receive(LIVE, max, FAR, unit * 2).await.expect("receive works");
        assert!(got.len() <= max, "no more come than were asked for");
        if got.is_empty() {
            return bodies;
        }
        bodies.extend(got.into_iter().map(|delivery| delivery.body));
    }
}

pub(super) async fn a_receipt_that_another_superseded_takes_nothing_from_him(fresh: Fresh) {
    let stack = &fresh.stack;
    send(stack, LIVE, "m").await;
    let slow = one(stack, LIVE, fresh.unit, fresh.unit * 20).await;
    let holder = one(stack, LIVE, FAR, fresh.unit * 50).await;
    let late = stack.queue.settle(LIVE, slow.receipt, Disposition::Release(Duration::ZERO)).await;
    if let Err(error) = &late {
        assert_eq!(error.fault, Fault::NotFound, "{error}");
        nothing(stack, LIVE, "a refused release releases nothing").await;
    }
    stack.queue.settle(LIVE, holder.receipt, Disposition::Delete).await.expect("the holder can delete it");
}

pub(super) async fn a_receiver_that_waits_gets_what_is_sent_meanwhile(fresh: Fresh) {
    let queue = fresh.stack.queue.clone();
    let start = Instant::now();
    let waiting = tokio::spawn(async move { queue.receive(LIVE, 1, FAR, Duration::from_secs(20)).await });
    tokio::time::sleep(fresh.unit).await;
    send(&fresh.stack, LIVE, "m").await;
    let got = waiting.await.expect("a receiver does not panic").expect("receive works");
    assert_eq!(got.len(), 1, "it comes while somebody waits for it");
    assert!(start.elapsed() < Duration::from_secs(20), "and not only when the wait is over");
}

pub(super) async fn queues_are_apart(fresh: Fresh) {
    let stack = &fresh.stack;
    for queue in QueueName::ALL {
        send(stack, Address::live(queue), queue.as_str()).await;
        send(stack, Address::dead(queue), &format!("{} dead", queue.as_str())).await;
    }
    for queue in QueueName::ALL {
        let live = one(stack, Address::live(queue), FAR, fresh.unit * 20).await;
        assert_eq!(live.body, queue.as_str());
        let dead = one(stack, Address::dead(queue), FAR, fresh.unit * 20).await;
        assert_eq!(dead.body, format!("{} dead", queue.as_str()));
        nothing(stack, Address::live(queue), "there was one").await;
    }
}

pub(super) async fn depth_counts_by_place(fresh: Fresh) {
    let stack = &fresh.stack;
    let empty = stack.queue_admin.depth(QueueName::Summarize).await.expect("depth works");
    assert_eq!((empty.waiting, empty.in_flight, empty.delayed, empty.dead, empty.oldest), (0, 0, 0, 0, None));
    for number in 0..3 {
        send(stack, LIVE, &number.to_string()).await;
    }
    let later = vec![Outgoing::after("later".into(), FAR)];
    assert!(stack.queue.send(LIVE, later).await.expect("send works")[0].is_ok());
    send(stack, DEAD, "dead").await;
    one(stack, LIVE, FAR, fresh.unit * 20).await;
    tokio::time::sleep(fresh.unit).await;
    let depth = stack.queue_admin.depth(QueueName::Summarize).await.expect("depth works");
    assert_eq!((depth.waiting, depth.in_flight, depth.delayed, depth.dead), (2, 1, 1, 1));
    assert!(depth.oldest.is_none_or(|age| age >= fresh.unit / 2), "{:?}", depth.oldest);
}
