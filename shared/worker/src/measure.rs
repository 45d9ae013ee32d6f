//! What a worker counts.

use crate::settlement::{Settlement, Why};
use domain::Stage;
use ports::QueueName;
use std::time::Duration;

/// Messages handled, by queue and settlement.
const HANDLED: &str = "precis_messages_handled_total";
/// Deferrals, by queue and why.
const DEFERRED: &str = "precis_deferrals_total";
/// Seconds of work of a stage, by stage.
const STAGE_SECONDS: &str = "precis_stage_seconds";
/// Messages in hand, by queue.
const IN_FLIGHT: &str = "precis_in_flight";

pub(crate) fn handled(queue: QueueName, settlement: &Settlement) {
    metrics::counter!(HANDLED, "queue" => queue.as_str(), "settlement" => settlement.as_str()).increment(1);
    if let Settlement::Defer { why, .. } = settlement {
        deferred(queue, *why);
    }
}

fn deferred(queue: QueueName, why: Why) {
    metrics::counter!(DEFERRED, "queue" => queue.as_str(), "why" => why.as_str()).increment(1);
}

pub(crate) fn stage_took(stage: Stage, took: Duration) {
    metrics::histogram!(STAGE_SECONDS, "stage" => stage.as_str()).record(took.as_secs_f64());
}

/// One more in hand until dropped.
pub(crate) struct InHand(QueueName);

pub(crate) fn in_hand(queue: QueueName) -> InHand {
    metrics::gauge!(IN_FLIGHT, "queue" => queue.as_str()).increment(1.0);
    InHand(queue)
}

impl Drop for InHand {
    fn drop(&mut self) {
        metrics::gauge!(IN_FLIGHT, "queue" => self.0.as_str()).decrement(1.0);
    }
}
