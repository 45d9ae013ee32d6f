//! A whole stack in memory, for tests of what is built on ports.
//!
//! It keeps every contract: messages come back when their visibility ends and go to the dead letters after too
//! many receives, writes are compare and set, claims and leases end, events happen on upload. Its clock is
//! tokio's, so that a test on paused time waits an hour in no time. What a real stack would write down
//! (messages, jobs) goes through its stored form here too.

mod budget;
mod gate;
mod jobs;
mod objects;
mod ocr;
mod queue;
mod topic;

use crate::error::{Fault, PortError, Result};
use crate::{
    Address, Channel, Clock, GateName, Notification, Outgoing, SettingsSource, Stack, TaskProtection,
};
use async_trait::async_trait;
use domain::Document;
use domain::settings::{Layer, Source};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The bucket that uploads go to.
pub const BUCKET: &str = "uploads";

/// Where the clock of a new stack starts.
const EPOCH: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// The world that a memory stack works on; clones share it.
#[derive(Clone)]
pub struct Memory(Arc<World>);

struct World {
    clock: Ticking,
    queues: queue::Queues,
    jobs: Mutex<jobs::Store>,
    objects: Mutex<objects::Store>,
    gates: Mutex<gate::Gates>,
    budget: Mutex<budget::Spending>,
    topic: Mutex<topic::Told>,
    ocr: Mutex<ocr::Engine>,
    layers: Mutex<Vec<(Source, Layer)>>,
    protection: Mutex<Vec<Option<Duration>>>,
}

/// Tokio's time, from a fixed moment on.
#[derive(Clone, Copy)]
struct Ticking(Instant);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        EPOCH + self.0.elapsed()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fail<T>(fault: Fault, what: impl Into<String>) -> Result<T> {
    Err(PortError::new(fault, what))
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// An empty world; its time starts now.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(World {
            clock: Ticking(Instant::now()),
            queues: queue::Queues::default(),
            jobs: Mutex::default(),
            objects: Mutex::default(),
            gates: Mutex::default(),
            budget: Mutex::default(),
            topic: Mutex::default(),
            ocr: Mutex::default(),
            layers: Mutex::default(),
            protection: Mutex::default(),
        }))
    }

    /// The ports of this world.
    #[must_use]
    pub fn stack(&self) -> Stack {
        let all = Arc::new(self.clone());
        Stack {
            queue: all.clone(),
            queue_admin: all.clone(),
            objects: all.clone(),
            jobs: all.clone(),
            ocr: all.clone(),
            topic: all.clone(),
            subscriptions: all.clone(),
            settings: all.clone(),
            gate: all.clone(),
            budget: all.clone(),
            protection: all.clone(),
            clock: Arc::new(self.0.clock),
        }
    }

    /// Now, in this world.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Puts a document into the bucket and lets its event happen, unless it is there already.
    pub fn put(&self, key: &str, body: impl Into<Vec<u8>>) -> Document {
        self.put_tagged(key, body, BTreeMap::new())
    }

    /// The same, with tags.
    pub fn put_tagged(
        &self,
        key: &str,
        body: impl Into<Vec<u8>>,
        tags: BTreeMap<String, String>,
    ) -> Document {
        let (document, new) = lock(&self.0.objects).put(key, body.into(), tags, self.now());
        if new {
            self.announce(&document);
        }
        document
    }

    /// Deletes a document from the bucket. No event happens.
    pub fn remove(&self, key: &str) {
        lock(&self.0.objects).remove(key);
    }

    /// Lets the event of a document happen, once more.
    pub fn announce(&self, document: &Document) {
        let to = Address::live(crate::QueueName::Ingest);
        let event = Outgoing::now(domain::event::encode_created(document));
        self.0.queues.put(to, event.of(document.tenant().to_string()), self.now());
    }

    /// The bodies that stand in a queue, whatever their state, oldest first.
    #[must_use]
    pub fn bodies(&self, of: Address) -> Vec<String> {
        self.0.queues.bodies(of)
    }

    /// Everything that was published, once for each channel and id, in order.
    #[must_use]
    pub fn published(&self) -> Vec<(Channel, Notification)> {
        lock(&self.0.topic).published.clone()
    }

    /// What each subscription got: its id and the notification's, in order.
    #[must_use]
    pub fn delivered(&self) -> Vec<(String, String)> {
        lock(&self.0.topic).delivered.clone()
    }

    /// How often a publish was asked for, repeated ones too.
    #[must_use]
    pub fn publish_calls(&self) -> u64 {
        lock(&self.0.topic).calls
    }

    /// The names of contents that were claimed, finished ones too.
    #[must_use]
    pub fn contents(&self) -> Vec<String> {
        lock(&self.0.jobs).contents()
    }

    /// Lets at most so many leases of a gate live at once.
    pub fn limit(&self, gate: GateName, leases: usize) {
        lock(&self.0.gates).limit(gate, leases);
    }

    /// Lets OCR answer `Pending` so many times for each part.
    pub fn pend_ocr(&self, times: u32) {
        lock(&self.0.ocr).pending = times;
    }

    /// The image keys that OCR was started for: what would have been paid.
    #[must_use]
    pub fn ocr_starts(&self) -> Vec<String> {
        lock(&self.0.ocr).started.clone()
    }

    /// Sets the layers of the settings; a prefix layer holds for the keys that start so.
    pub fn set_layers(&self, layers: Vec<(Source, Layer)>) {
        *lock(&self.0.layers) = layers;
    }

    /// The calls for task protection: a time to protect, or `None` for a release.
    #[must_use]
    pub fn protection(&self) -> Vec<Option<Duration>> {
        lock(&self.0.protection).clone()
    }
}

#[async_trait]
impl SettingsSource for Memory {
    async fn layers(&self, _bucket: &str, key: &str) -> Result<Vec<(Source, Layer)>> {
        let holds = |source: &Source| match source {
            Source::Prefix(prefix) => key.starts_with(prefix),
            _ => true,
        };
        Ok(lock(&self.0.layers).iter().filter(|(source, _)| holds(source)).cloned().collect())
    }
}

#[async_trait]
impl TaskProtection for Memory {
    async fn protect(&self, duration: Duration) -> Result<()> {
        lock(&self.0.protection).push(Some(duration));
        Ok(())
    }

    async fn release(&self) -> Result<()> {
        lock(&self.0.protection).push(None);
        Ok(())
    }
}
