//! `Gate` over DynamoDB: one item a gate, written by compare and set by every task of the deployment.
//!
//! The item holds the leases that are out with their ends, when the next pass is due, until when the gate is closed,
//! and what was learnt: each throttle takes a part off what the gate lets through, and quiet minutes bring it back.
//! A quota that somebody else uses too, or that is lower than we were told, is so found within a few calls.

mod state;

use super::{jitter, micros, number, text, timestamp};
use crate::classify::port_error;
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use jiff::Timestamp;
use ports::{Gate, GateName, Lease, Pass, Result};
use state::State;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};

/// How soon to ask again where all leases are out, or where others were quicker too often.
const AGAIN: Duration = Duration::from_millis(250);
/// Tries of a write that met others.
const TRIES: u32 = 8;
/// Passes that one takes for others at most, and how long they are good.
const AT_ONCE: u32 = 10;
const GOOD: Duration = Duration::from_secs(1);
/// Of a lease that needs no giving back.
const UNLIMITED: &str = "unlimited";

/// What a gate lets through, over all tasks.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limit {
    /// Leases at once.
    pub concurrent: Option<u32>,
    /// Passes a second; as many may come at once after a quiet second.
    pub per_second: Option<f64>,
}

/// The limits of a deployment: Textract's quotas of the account, and what SNS' e-mail bears.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// `DetectDocumentText`.
    pub ocr: Limit,
    /// `StartDocumentTextDetection`, and parts at work.
    pub ocr_document: Limit,
    /// `GetDocumentTextDetection`.
    pub ocr_collect: Limit,
    /// E-mails.
    pub publish: Limit,
}

impl Default for Limits {
    /// The quotas that Textract gives a new account in most regions (AWS General Reference, "Amazon Textract
    /// endpoints and quotas"), and eight e-mails a second: at more than ten SNS deactivates a subscription.
    fn default() -> Self {
        let rate = |rate: f64| Limit { concurrent: None, per_second: Some(rate) };
        Self {
            ocr: rate(1.0),
            ocr_document: Limit { concurrent: Some(100), per_second: Some(1.0) },
            ocr_collect: rate(1.0),
            publish: rate(8.0),
        }
    }
}

impl Limits {
    /// The limit of a gate.
    #[must_use]
    pub fn of(&self, gate: GateName) -> Limit {
        match gate {
            GateName::Ocr => self.ocr,
            GateName::OcrDocument => self.ocr_document,
            GateName::OcrCollect => self.ocr_collect,
            GateName::Publish => self.publish,
        }
    }
}

/// The gates of a deployment. Those in one process who ask at the same time ask together: one of them takes passes for
/// all, so that they neither meet at the item nor pay for a write each.
pub struct Gates {
    client: Client,
    table: String,
    limits: Limits,
    queues: BTreeMap<GateName, Queue>,
}

/// Those of this process who ask at one gate.
#[derive(Default)]
struct Queue {
    waiting: AtomicU32,
    /// Passes that were taken for others, and until when they are good.
    taken: Mutex<Option<(u32, Instant)>>,
}

impl Queue {
    /// Waits for the turn. The passes that were taken for others are this one's to use.
    async fn turn(&self) -> MutexGuard<'_, Option<(u32, Instant)>> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _leaves = Leaves(&self.waiting);
        self.taken.lock().await
    }
}

/// Counts who waits down also when he breaks off.
struct Leaves<'a>(&'a AtomicU32);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn key(gate: GateName) -> String {
    format!("gate#{}", gate.as_str())
}

impl Gates {
    /// Over this table, with these limits. Nothing is asked yet.
    #[must_use]
    pub fn new(client: Client, claims: String, limits: Limits) -> Self {
        let queues = GateName::ALL.into_iter().map(|gate| (gate, Queue::default())).collect();
        Self { client, table: claims, limits, queues }
    }

    /// What a gate lets through, as it was configured.
    #[must_use]
    pub fn limit(&self, gate: GateName) -> Limit {
        self.limits.of(gate)
    }

    /// What a gate lets through now, after what it learnt, and the leases that are out.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn present(&self, gate: GateName) -> Result<(Limit, usize)> {
        let (state, now) = (self.read(gate).await?, micros(Timestamp::now()));
        let (limit, factor) = (self.limits.of(gate), state.factor(now));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a number of this type"
        )]
        let concurrent = limit.concurrent.map(|most| ((f64::from(most) * factor) as u32).max(1));
        let present = Limit { concurrent, per_second: limit.per_second.map(|rate| rate * factor) };
        Ok((present, state.leases.values().filter(|until| **until > now).count()))
    }

    async fn read(&self, gate: GateName) -> Result<State> {
        let get =
            self.client.get_item().table_name(&self.table).key("name", text(key(gate))).consistent_read(true);
        let answer = get.send().await.map_err(|error| port_error("looking at a gate", &error))?;
        Ok(State::of(answer.item.as_ref()))
    }

    /// Writes the state if it is still the one that was read. `false` if somebody was quicker.
    async fn write(&self, gate: GateName, state: &State) -> Result<bool> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(state.item(&key(gate))))
            .condition_expression("attribute_not_exists(#name) OR version = :version")
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":version", number(state.version));
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(port_error("writing a gate", &error)),
        }
    }
}

/// A name that no other lease has.
fn new_id() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

#[async_trait]
impl Gate for Gates {
    async fn take(&self, gate: GateName, ttl: Duration) -> Result<Pass> {
        let limit = self.limits.of(gate);
        let Some(queue) = self.queues.get(&gate) else { return Ok(Pass::Closed(Timestamp::now() + AGAIN)) };
        let mut taken = queue.turn().await;
        if let Some((left, good)) = taken.take().filter(|(left, good)| *left > 0 && *good > Instant::now()) {
            *taken = Some((left - 1, good));
            return Ok(Pass::Open(Lease { gate, id: UNLIMITED.to_owned() }));
        }
        for attempt in 1..=TRIES {
            let (mut state, now) = (self.read(gate).await?, micros(Timestamp::now()));
            let id = match state.take(limit, now, ttl, new_id()) {
                Err(until) => return Ok(Pass::Closed(timestamp(until))),
                Ok(id) => id,
            };
            if limit == Limit::default() {
                return Ok(Pass::Open(Lease { gate, id }));
            }
            // A place that is held has a name and an end of its own; a mere pass is anybody's.
            let others = if limit.concurrent.is_none() {
                queue.waiting.load(Ordering::Relaxed).min(AT_ONCE)
            } else {
                0
            };
            let more = (0..others).take_while(|_| state.take(limit, now, ttl, String::new()).is_ok()).count();
            if self.write(gate, &state).await? {
                let more = u32::try_from(more).unwrap_or(0);
                *taken = (more > 0).then(|| (more, Instant::now() + GOOD));
                return Ok(Pass::Open(Lease { gate, id }));
            }
            jitter(attempt).await;
        }
        Ok(Pass::Closed(Timestamp::now() + AGAIN))
    }

    async fn give_back(&self, lease: Lease) -> Result<()> {
        if lease.id == UNLIMITED {
            return Ok(());
        }
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("name", text(key(lease.gate)))
            .update_expression("REMOVE leases.#id ADD version :one")
            .condition_expression("attribute_exists(leases.#id)")
            .expression_attribute_names("#id", &lease.id)
            .expression_attribute_values(":one", number(1));
        match update.send().await {
            Ok(_) => Ok(()),
            // It lapsed.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(port_error("giving a lease back", &error)),
        }
    }

    async fn close(&self, gate: GateName, until: Timestamp) -> Result<()> {
        for attempt in 1..=TRIES * 2 {
            let mut state = self.read(gate).await?;
            state.close(micros(until), micros(Timestamp::now()));
            if self.write(gate, &state).await? {
                return Ok(());
            }
            jitter(attempt).await;
        }
        super::lost("closing a gate")
    }

    async fn closed_until(&self, gate: GateName) -> Result<Option<Timestamp>> {
        let until = self.read(gate).await?.closed_until;
        Ok((until > micros(Timestamp::now())).then(|| timestamp(until)))
    }
}
