//! What a handler decides about a message. The runtime carries it out; a handler never sees a receipt.

use domain::Outcome;
use jiff::Timestamp;
use ports::{Fault, PortError};
use std::time::Duration;

/// Why something waits: few words, since they label a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// Another worker has the claim.
    Claimed,
    /// It was written by a newer release.
    Newer,
    /// Somebody told us to slow down.
    Throttled,
    /// There is no room left to write to.
    Full,
    /// Something that every job needs cannot be reached.
    Unreachable,
    /// What it waits for is not there yet.
    NotReady,
}

impl Why {
    /// The word in logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Newer => "newer",
            Self::Throttled => "throttled",
            Self::Full => "full",
            Self::Unreachable => "unreachable",
            Self::NotReady => "not_ready",
        }
    }

    /// Whether the next message would fare no better, so that polling stops meanwhile.
    #[must_use]
    pub fn pauses(self) -> bool {
        matches!(self, Self::Throttled | Self::Full | Self::Unreachable)
    }
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// It is done: deleted.
    Done,
    /// Not now. The same body is sent again with the delay and this message is deleted, so that waiting never
    /// uses up receives. Delays end at 15 minutes: who waits longer is asked again in between.
    Defer {
        /// Not before.
        until: Timestamp,
        /// What it waits for; may pause the queue, see [`Why::pauses`].
        why: Why,
    },
    /// It failed.
    Retry {
        /// What went wrong.
        cause: String,
        /// The attempts counted so far where somebody counts them (the job does): it is sent again after a
        /// growing wait. `None` where nobody does: it is released, and the queue's receive count is what
        /// ends it among the dead letters.
        counted: Option<u32>,
    },
    /// The job of this nudge ends so, whoever holds it.
    End {
        /// How.
        outcome: Outcome,
    },
    /// Gives the delivery back unfinished, to be seen again after this time: for a worker that must stop.
    Release(Duration),
    /// Nobody here can make sense of it: it goes straight to the dead letters, where operators see it.
    Malformed(String),
}

impl Settlement {
    /// What fits a port's failure outside a claim, at `now`: throttled and full wait and pause the queue, the
    /// rest is retried under the queue's own count.
    #[must_use]
    pub fn of_error(error: &PortError, now: Timestamp) -> Self {
        let wait = |seconds: u64| now + Duration::from_secs(seconds);
        match error.fault {
            Fault::Throttled(after) => {
                Self::Defer { until: after.map_or_else(|| wait(5), |after| now + after), why: Why::Throttled }
            }
            Fault::Full => Self::Defer { until: wait(15), why: Why::Full },
            _ => Self::Retry { cause: error.what.clone(), counted: None },
        }
    }

    /// The word in logs and metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Defer { .. } => "deferred",
            Self::Retry { .. } => "retried",
            Self::End { .. } => "ended",
            Self::Release(_) => "released",
            Self::Malformed(_) => "malformed",
        }
    }
}
