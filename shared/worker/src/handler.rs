//! The lower of the two ways to handle messages: one message in, a settlement out.

use crate::in_flight::{Entry, InFlight};
use crate::settlement::Settlement;
use async_trait::async_trait;
use domain::Job;
use domain::message::Message;
use jiff::Timestamp;
use ports::{Address, QueueName};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What a handler may know and say beside the message.
#[derive(Clone)]
pub struct Context {
    /// Fires when what is held must be given back now: leave things so that another can go on, then return
    /// [`Settlement::Release`]. Who does not return in time is dropped.
    pub stop: CancellationToken,
    /// How often this message was received, this time included.
    pub receives: u32,
    entry: Arc<Entry>,
}

impl Context {
    pub(crate) fn new(stop: CancellationToken, receives: u32, entry: Entry) -> Self {
        Self { stop, receives, entry: Arc::new(entry) }
    }

    /// A context of its own, for calling a handler without a runtime.
    #[must_use]
    pub fn detached() -> Self {
        let entry = InFlight::default().enter(QueueName::Ingest, Timestamp::UNIX_EPOCH);
        Self::new(CancellationToken::new(), 1, entry)
    }

    /// Says which job this is about, for those who look at what is in flight.
    pub fn about(&self, job: &Job) {
        self.entry.about(job);
    }

    /// Says how far the work is (for example page 3 of 12).
    pub fn progress(&self, done: u32, total: u32) {
        self.entry.progress(done, total);
    }
}

/// Handles the messages of one queue. May be called for many messages at once, and for the same one again.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Where its messages come from.
    fn queue(&self) -> Address;

    /// Handles one message. Never settles it: that is the runtime's. A panic is a retry.
    async fn handle(&self, message: Message, cx: &Context) -> Settlement;
}
