//! Queues: at least once, in no order, with visibility time-outs and dead letters, as SQS has them.

use crate::error::Result;
use async_trait::async_trait;
use domain::Stage;
use jiff::Timestamp;
use std::time::Duration;

/// The queues there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueName {
    /// S3 events and nudges to ingest.
    Ingest,
    /// Nudges to ocr.
    Ocr,
    /// Textract's completions.
    OcrCompleted,
    /// Nudges to summarize.
    Summarize,
    /// Nudges to notify.
    Notify,
}

impl QueueName {
    /// All, in the order of the way.
    pub const ALL: [Self; 5] = [Self::Ingest, Self::Ocr, Self::OcrCompleted, Self::Summarize, Self::Notify];

    /// The name as people and tables write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Ocr => "ocr",
            Self::OcrCompleted => "ocr-completed",
            Self::Summarize => "summarize",
            Self::Notify => "notify",
        }
    }
}

impl From<Stage> for QueueName {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Ingest => Self::Ingest,
            Stage::Ocr => Self::Ocr,
            Stage::Summarize => Self::Summarize,
            Stage::Notify => Self::Notify,
        }
    }
}

/// A queue, or the dead-letter queue beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// Which queue.
    pub queue: QueueName,
    /// Its dead letters rather than itself.
    pub dead: bool,
}

impl Address {
    /// The queue itself.
    #[must_use]
    pub fn live(queue: impl Into<QueueName>) -> Self {
        Self { queue: queue.into(), dead: false }
    }

    /// Its dead letters.
    #[must_use]
    pub fn dead(queue: impl Into<QueueName>) -> Self {
        Self { queue: queue.into(), dead: true }
    }
}

/// Receives after which a message goes to the dead letters. Only a backstop: attempts are counted on the job.
pub const MAX_RECEIVES: u32 = 10;
/// The longest delay a message may be sent with (SQS: 15 minutes).
pub const MAX_DELAY: Duration = Duration::from_secs(15 * 60);
/// The most messages that one call sends or receives (SQS: 10).
pub const MAX_BATCH: usize = 10;

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The body, at most 256 KiB.
    pub body: String,
    /// How long it stays unseen, at most [`MAX_DELAY`].
    pub delay: Duration,
    /// Whose it is (SQS: `MessageGroupId`): the many messages of one group do not keep those of others waiting.
    /// Empty: nobody's, which is a group too.
    pub group: String,
    /// W3C `traceparent` of the work that it belongs to, for whoever looks at the queue from outside; the body says
    /// the same to our own.
    pub trace: Option<String>,
}

impl Outgoing {
    /// To be seen at once.
    #[must_use]
    pub fn now(body: String) -> Self {
        Self::after(body, Duration::ZERO)
    }

    /// To be seen after a time; longer ones are cut to [`MAX_DELAY`], so long waits chain.
    #[must_use]
    pub fn after(body: String, delay: Duration) -> Self {
        Self { body, delay: delay.min(MAX_DELAY), group: String::new(), trace: None }
    }

    /// The same, of this group.
    #[must_use]
    pub fn of(self, group: impl Into<String>) -> Self {
        Self { group: group.into(), ..self }
    }

    /// The same, of this trace.
    #[must_use]
    pub fn traced(self, trace: Option<String>) -> Self {
        Self { trace, ..self }
    }
}

/// Names one delivery of one message. Not a clone: what was settled cannot be settled again.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Receipt(pub String);

/// A message in our hands until its visibility ends.
#[derive(Debug)]
pub struct Delivery {
    /// The body.
    pub body: String,
    /// The group it was sent with.
    pub group: String,
    /// Names this delivery.
    pub receipt: Receipt,
    /// How often it was received, this time included.
    pub receives: u32,
    /// When it was first sent.
    pub sent_at: Timestamp,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It is done: gone for good.
    Delete,
    /// It is for somebody else, after this time.
    Release(Duration),
}

/// Sending and receiving.
///
/// Contract: a message is delivered until it is deleted; groups share as fairly as the
/// queue can, the one with the least in hand first; a delivery is invisible to others until its visibility
/// ends; two receivers never hold the same delivery; after [`MAX_RECEIVES`] receives it moves to the dead
/// letters instead of being delivered. A receipt whose visibility ended may be refused (`NotFound`) once
/// another has the message. A sent message is durable when `send` returns.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends up to [`MAX_BATCH`] messages; each has its own result, since some may be refused alone.
    async fn send(&self, to: Address, messages: Vec<Outgoing>) -> Result<Vec<Result<()>>>;

    /// Receives up to `max` messages, waiting up to `wait` for the first. Dropping the future loses nothing:
    /// what was received and not returned becomes visible again after `visibility`.
    async fn receive(
        &self,
        from: Address,
        max: usize,
        visibility: Duration,
        wait: Duration,
    ) -> Result<Vec<Delivery>>;

    /// Keeps a delivery invisible for `visibility` from now.
    async fn extend(&self, of: Address, receipt: &Receipt, visibility: Duration) -> Result<()>;

    /// Ends a delivery. Deleting one that is gone already is no failure.
    async fn settle(&self, of: Address, receipt: Receipt, disposition: Disposition) -> Result<()>;
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Visible messages.
    pub waiting: u64,
    /// In somebody's hands.
    pub in_flight: u64,
    /// Not yet visible.
    pub delayed: u64,
    /// Dead letters.
    pub dead: u64,
    /// Age of the oldest visible message, where the queue tells it.
    pub oldest: Option<Duration>,
}

/// What operators do with queues.
#[async_trait]
pub trait QueueAdmin: Send + Sync {
    /// How full it is. Figures may lag behind where the queue is distributed.
    async fn depth(&self, queue: QueueName) -> Result<Depth>;

    /// Moves all dead letters back, as new messages. Gives their number.
    async fn redrive(&self, queue: QueueName) -> Result<u64>;

    /// Deletes every message. Gives their number where it is known.
    async fn purge(&self, of: Address) -> Result<u64>;
}
