//! Queues as SQS has them: visibility, delay, receipts, dead letters.

use super::{Memory, fail, lock};
use crate::error::{Fault, Result};
use crate::queue::{MAX_BATCH, MAX_DELAY, MAX_RECEIVES};
use crate::{Address, Clock, Delivery, Depth, Disposition, Outgoing, Queue, QueueAdmin, QueueName, Receipt};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The largest body that is accepted (SQS: 256 KiB).
const MAX_BODY: usize = 256 * 1024;

#[derive(Default)]
pub(super) struct Queues {
    lanes: Mutex<BTreeMap<Address, Lane>>,
    changed: Notify,
}

#[derive(Default)]
struct Lane {
    next: u64,
    messages: BTreeMap<u64, Message>,
}

struct Message {
    body: String,
    group: String,
    sent_at: Timestamp,
    visible_at: Timestamp,
    receives: u32,
    /// The receipt of the newest delivery, until it is given back.
    receipt: Option<String>,
}

impl Lane {
    fn put(&mut self, body: String, group: String, sent_at: Timestamp, visible_at: Timestamp) {
        self.next += 1;
        let message = Message { body, group, sent_at, visible_at, receives: 0, receipt: None };
        self.messages.insert(self.next, message);
    }

    /// The next messages: those of the group with the least in hand first.
    fn next(&self, max: usize, now: Timestamp) -> Vec<u64> {
        let mut in_hand: BTreeMap<&str, usize> = BTreeMap::new();
        for message in self.messages.values().filter(|m| m.visible_at > now && m.receipt.is_some()) {
            *in_hand.entry(&message.group).or_default() += 1;
        }
        let mut waiting: Vec<_> = self.messages.iter().filter(|(_, m)| m.visible_at <= now).collect();
        waiting.sort_by_key(|(id, message)| (message.visible_at, **id));
        let mut turns: Vec<_> = waiting
            .into_iter()
            .map(|(id, message)| {
                let turn = in_hand.entry(&message.group).or_default();
                *turn += 1;
                (*turn, message.visible_at, *id)
            })
            .collect();
        turns.sort_unstable();
        turns.into_iter().take(max).map(|(_, _, id)| id).collect()
    }

    /// The message that this receipt still names.
    fn held(&mut self, receipt: &Receipt) -> Option<(u64, &mut Message)> {
        let id = receipt.0.split_once('.')?.0.parse().ok()?;
        let message = self.messages.get_mut(&id)?;
        (message.receipt.as_deref() == Some(&receipt.0)).then_some((id, message))
    }

    fn contains(&self, receipt: &Receipt) -> bool {
        let id = receipt.0.split_once('.').and_then(|(id, _)| id.parse().ok());
        id.is_some_and(|id: u64| self.messages.contains_key(&id))
    }
}

impl Queues {
    pub(super) fn put(&self, to: Address, message: Outgoing, now: Timestamp) {
        let Outgoing { body, delay, group, trace: _ } = message;
        lock(&self.lanes).entry(to).or_default().put(body, group, now, now + delay);
        self.changed.notify_waiters();
    }

    pub(super) fn bodies(&self, of: Address) -> Vec<String> {
        let lanes = lock(&self.lanes);
        lanes.get(&of).into_iter().flat_map(|lane| lane.messages.values()).map(|m| m.body.clone()).collect()
    }

    /// Takes what is visible; else says when the next message will be.
    fn take(
        &self,
        from: Address,
        max: usize,
        visibility: Duration,
        now: Timestamp,
    ) -> (Vec<Delivery>, Option<Timestamp>) {
        let mut lanes = lock(&self.lanes);
        if !from.dead {
            bury(&mut lanes, from, now);
        }
        let lane = lanes.entry(from).or_default();
        let mut taken = Vec::new();
        for id in lane.next(max, now) {
            let Some(message) = lane.messages.get_mut(&id) else { continue };
            message.receives += 1;
            message.visible_at = now + visibility;
            let receipt = format!("{id}.{}", message.receives);
            message.receipt = Some(receipt.clone());
            taken.push(Delivery {
                body: message.body.clone(),
                group: message.group.clone(),
                receipt: Receipt(receipt),
                receives: message.receives,
                sent_at: message.sent_at,
            });
        }
        (taken, lane.messages.values().map(|message| message.visible_at).min())
    }
}

/// Moves the visible messages that were received too often to the dead letters.
fn bury(lanes: &mut BTreeMap<Address, Lane>, from: Address, now: Timestamp) {
    let lane = lanes.entry(from).or_default();
    let dead = |message: &Message| message.visible_at <= now && message.receives >= MAX_RECEIVES;
    let dead: Vec<Message> =
        lane.messages.extract_if(.., |_, message| dead(message)).map(|(_, m)| m).collect();
    let grave = lanes.entry(Address { dead: true, ..from }).or_default();
    for message in dead {
        grave.put(message.body, message.group, message.sent_at, now);
    }
}

fn gone<T>() -> Result<T> {
    fail(Fault::NotFound, "the delivery is no longer held")
}

#[async_trait]
impl Queue for Memory {
    async fn send(&self, to: Address, messages: Vec<Outgoing>) -> Result<Vec<Result<()>>> {
        if messages.len() > MAX_BATCH {
            return fail(Fault::Permanent, format!("more than {MAX_BATCH} messages in one call"));
        }
        let now = self.now();
        let send = |message: Outgoing| {
            if message.body.len() > MAX_BODY {
                return fail(Fault::TooLarge, format!("a message has more than {MAX_BODY} bytes"));
            }
            if message.delay > MAX_DELAY {
                return fail(Fault::Permanent, "a delay of more than 15 minutes");
            }
            self.0.queues.put(to, message, now);
            Ok(())
        };
        Ok(messages.into_iter().map(send).collect())
    }

    async fn receive(
        &self,
        from: Address,
        max: usize,
        visibility: Duration,
        wait: Duration,
    ) -> Result<Vec<Delivery>> {
        let deadline = Instant::now() + wait;
        loop {
            let mut changed = std::pin::pin!(self.0.queues.changed.notified());
            // Registered before looking, so that nothing sent in between is missed.
            changed.as_mut().enable();
            let now = self.0.clock.now();
            let (taken, next) = self.0.queues.take(from, max.clamp(1, MAX_BATCH), visibility, now);
            if !taken.is_empty() || Instant::now() >= deadline {
                return Ok(taken);
            }
            let until = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
            let until = until.map_or(deadline, |left| (Instant::now() + left).min(deadline));
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    async fn extend(&self, of: Address, receipt: &Receipt, visibility: Duration) -> Result<()> {
        let now = self.now();
        let mut lanes = lock(&self.0.queues.lanes);
        match lanes.entry(of).or_default().held(receipt) {
            Some((_, message)) => message.visible_at = now + visibility,
            None => return gone(),
        }
        Ok(())
    }

    async fn settle(&self, of: Address, receipt: Receipt, disposition: Disposition) -> Result<()> {
        let now = self.now();
        let mut lanes = lock(&self.0.queues.lanes);
        let lane = lanes.entry(of).or_default();
        let there = lane.contains(&receipt);
        match (lane.held(&receipt), disposition) {
            (Some((id, _)), Disposition::Delete) => {
                lane.messages.remove(&id);
            }
            (Some((_, message)), Disposition::Release(wait)) => {
                message.visible_at = now + wait;
                message.receipt = None;
            }
            (None, Disposition::Delete) if !there => {}
            (None, _) => return gone(),
        }
        drop(lanes);
        self.0.queues.changed.notify_waiters();
        Ok(())
    }
}

#[async_trait]
impl QueueAdmin for Memory {
    async fn depth(&self, queue: QueueName) -> Result<Depth> {
        let now = self.now();
        let lanes = lock(&self.0.queues.lanes);
        let mut depth = Depth::default();
        for message in lanes.get(&Address::live(queue)).into_iter().flat_map(|lane| lane.messages.values()) {
            match (message.visible_at <= now, &message.receipt) {
                (true, _) => {
                    depth.waiting += 1;
                    let age = Duration::try_from(now.duration_since(message.sent_at)).unwrap_or_default();
                    depth.oldest = depth.oldest.max(Some(age));
                }
                (false, Some(_)) => depth.in_flight += 1,
                (false, None) => depth.delayed += 1,
            }
        }
        depth.dead = lanes.get(&Address::dead(queue)).map_or(0, |lane| lane.messages.len() as u64);
        Ok(depth)
    }

    async fn redrive(&self, queue: QueueName) -> Result<u64> {
        let now = self.now();
        let mut lanes = lock(&self.0.queues.lanes);
        let dead = lanes.remove(&Address::dead(queue)).unwrap_or_default();
        // A receipt of a letter that went back must not name a later one.
        lanes.insert(Address::dead(queue), Lane { next: dead.next, messages: BTreeMap::new() });
        let count = dead.messages.len() as u64;
        let lane = lanes.entry(Address::live(queue)).or_default();
        for message in dead.messages.into_values() {
            lane.put(message.body, message.group, now, now);
        }
        drop(lanes);
        self.0.queues.changed.notify_waiters();
        Ok(count)
    }

    async fn purge(&self, of: Address) -> Result<u64> {
        let mut lanes = lock(&self.0.queues.lanes);
        let lane = lanes.entry(of).or_default();
        let count = lane.messages.len() as u64;
        lane.messages.clear();
        Ok(count)
    }
}
