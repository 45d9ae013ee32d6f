//! Topics: telling people and programs, and who wants to be told.

use crate::error::Result;
use async_trait::async_trait;
use domain::{Audience, JobId, OutcomeKind, Reason};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The two topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// For programs: the report as JSON.
    Outcomes,
    /// For people: e-mail.
    Completions,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Unique for what it tells (`<job>-<run>`, or `digest-…`): publishing it again tells nobody twice where
    /// the topic can know.
    pub id: String,
    /// The job, unless it tells about many.
    pub job: Option<JobId>,
    /// Its run.
    pub run: u32,
    /// The bucket of the document, or of the many.
    #[serde(default)]
    pub bucket: String,
    /// The document's key, which filters look at; for many, the tenant's prefix.
    pub key: String,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// Why, unless it is a summary.
    pub reason: Option<Reason>,
    /// Whom it concerns: failures that only an operator can mend go to operators.
    pub audience: Audience,
    /// Under 100 printable ASCII characters.
    pub subject: String,
    /// The e-mail's text, plain, lines under 79 characters where words allow.
    pub text: String,
    /// The result as Markdown.
    pub markdown: String,
    /// The report, one JSON object ([`domain::outcome::Report`]); empty for a digest.
    pub json: String,
}

/// Publishing.
///
/// Contract: when it returns, every subscription whose filter lets it through will be served, also after a
/// crash. A repeated publish after a lost answer may be told twice where the topic cannot know (SNS); the
/// local topic knows.
#[async_trait]
pub trait Topic: Send + Sync {
    /// Publishes to one channel.
    async fn publish(&self, channel: Channel, notification: &Notification) -> Result<()>;
}

/// Where a subscription delivers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// An e-mail address; gets completions.
    Email(String),
    /// An http(s) address; gets outcomes, signed.
    Webhook(String),
}

/// Somebody who wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Its name, made by [`Subscriptions::add`].
    pub id: String,
    /// Where to.
    pub endpoint: Endpoint,
    /// Only these outcomes; empty: all (superseded ones are never mailed).
    #[serde(default)]
    pub outcomes: Vec<OutcomeKind>,
    /// Only keys that start so.
    #[serde(default)]
    pub prefix: String,
    /// `Sender`: summaries and what a sender can mend. `Operator`: what only an operator can mend.
    pub audience: Audience,
    /// Since when.
    pub created_at: Timestamp,
}

impl Subscription {
    /// Whether this notification is for it.
    #[must_use]
    pub fn wants(&self, notification: &Notification) -> bool {
        notification.key.starts_with(&self.prefix)
            && (self.outcomes.is_empty() || self.outcomes.contains(&notification.outcome))
            && match self.endpoint {
                // Programs sort for themselves.
                Endpoint::Webhook(_) => true,
                Endpoint::Email(_) => notification.audience == self.audience,
            }
    }
}

/// Who wants to be told.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// Adds one (its `id` is ignored and made). One that is there already with the same endpoint, prefix and
    /// audience gets the new outcomes instead.
    async fn add(&self, subscription: Subscription) -> Result<Subscription>;

    /// Removes by id, or all with this address. Gives those removed.
    async fn remove(&self, id_or_address: &str) -> Result<Vec<Subscription>>;

    /// All of them, oldest first.
    async fn list(&self) -> Result<Vec<Subscription>>;

    /// Sends one test message to this subscription at once and says what came of it.
    async fn test(&self, id: &str) -> Result<()>;
}
