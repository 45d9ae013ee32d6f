//! One delivery: decode, keep it invisible, handle, settle.

use crate::attempt::panic_text;
use crate::config::Config;
use crate::flow;
use crate::handler::{Context, Handler};
use crate::heartbeat::Heartbeat;
use crate::in_flight::InFlight;
use crate::settlement::{Settlement, Why};
use domain::Outcome;
use domain::message::{DecodeError, Message};
use futures::FutureExt;
use jiff::Timestamp;
use ports::{Address, Delivery, Disposition, Fault, Outgoing, Queue, Receipt, Stack};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use telemetry::{TraceParent, metrics};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Tries of one call that ends a delivery; after that its visibility ends it.
const TRIES: u32 = 3;
/// How long a dead letter that nobody understands stays out of sight of its consumer.
/// Short, so that an operator who looks at the dead letters waits no longer than that to see all.
pub const KEPT: Duration = Duration::from_secs(60);

/// Gives a delivery back, to be seen after `wait`.
pub(crate) async fn release(queue: &dyn Queue, of: Address, receipt: Receipt, wait: Duration) {
    settle(queue, of, &receipt, Disposition::Release(wait)).await;
}

/// Ends a delivery. Gives whether that is settled.
async fn settle(queue: &dyn Queue, of: Address, receipt: &Receipt, disposition: Disposition) -> bool {
    for attempt in 1..=TRIES {
        match queue.settle(of, Receipt(receipt.0.clone()), disposition).await {
            Ok(()) => return true,
            // Another has it by now: it is his to settle.
            Err(error) if error.fault == Fault::NotFound => return true,
            Err(error) if attempt == TRIES => {
                tracing::warn!(queue = of.queue.as_str(), error = %error, "message not settled");
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100) * attempt).await,
        }
    }
    false
}

/// All that handling one delivery needs.
pub(crate) struct Handling {
    pub(crate) stack: Stack,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) config: Config,
    pub(crate) in_flight: InFlight,
    /// Fires when what is held must be given back.
    pub(crate) stop: CancellationToken,
    /// Until when polling pauses.
    pub(crate) paused: watch::Sender<Option<Timestamp>>,
}

impl Handling {
    pub(crate) async fn handle(&self, from: Address, delivery: Delivery) {
        let message = Message::decode(&delivery.body);
        let span = span(from, message.as_ref().ok());
        async {
            let _in_hand = metrics::in_hand(from.queue.as_str());
            let heartbeat = self.stay_invisible(from, &delivery.receipt);
            let settlement = match message {
                Ok(message) => self.settlement(from, message, &delivery).await,
                Err(error) => self.unreadable(error),
            };
            count(from, &settlement);
            // An extension that came after a release would hide the message for nothing.
            heartbeat.stop().await;
            self.carry_out(from, &delivery, settlement).await;
        }
        .instrument(span)
        .await;
    }

    /// Extends the visibility until the guard is dropped.
    fn stay_invisible(&self, of: Address, receipt: &Receipt) -> Heartbeat {
        let (queue, receipt) = (Arc::clone(&self.stack.queue), Receipt(receipt.0.clone()));
        let visibility = self.config.visibility;
        Heartbeat::start(async move {
            loop {
                tokio::time::sleep(visibility / 3).await;
                match queue.extend(of, &receipt, visibility).await {
                    Ok(()) => {}
                    // The claim on the job keeps the other away from the work.
                    Err(error) if error.fault == Fault::NotFound => break,
                    Err(error) => tracing::warn!(error = %error, "visibility not extended"),
                }
            }
        })
    }

    async fn settlement(&self, from: Address, message: Message, delivery: &Delivery) -> Settlement {
        let nudged = match &message {
            Message::Nudge(nudge) => Some((nudge.job.clone(), nudge.run)),
            _ => None,
        };
        let entry = self.in_flight.enter(from.queue, self.stack.clock.now());
        let cx = Context::new(self.stop.clone(), delivery.receives, entry);
        let handled = AssertUnwindSafe(self.handler.handle(message, &cx)).catch_unwind().await;
        let settlement = handled.unwrap_or_else(|panic| {
            let what = panic_text(&*panic);
            tracing::error!(panic = %what, "handler panicked");
            Settlement::Retry { cause: format!("panic: {what}"), counted: None }
        });
        match (settlement, nudged) {
            (Settlement::End { outcome }, Some((job, run))) => {
                match flow::end(&self.stack, &job, Some(run), &outcome).await {
                    Ok(_) => Settlement::End { outcome },
                    Err(error) => Settlement::of_error(&error, self.stack.clock.now()),
                }
            }
            (Settlement::End { outcome }, None) => no_job_to_end(&outcome),
            (settlement, _) => settlement,
        }
    }

    /// A body that this release cannot read is settled alone; the messages beside it go on.
    fn unreadable(&self, error: DecodeError) -> Settlement {
        match error {
            DecodeError::Newer(version) => {
                tracing::info!(message.version = version, "message of a newer release waits for it");
                Settlement::Defer { until: self.stack.clock.now() + self.config.newer, why: Why::Newer }
            }
            DecodeError::Malformed(why) => Settlement::Malformed(why),
        }
    }

    async fn carry_out(&self, from: Address, delivery: &Delivery, settlement: Settlement) {
        let release = |wait| self.settle(from, delivery, Disposition::Release(wait));
        match settlement {
            Settlement::Done | Settlement::End { .. } => {
                self.settle(from, delivery, Disposition::Delete).await;
            }
            Settlement::Defer { until, why } => {
                if why.pauses() {
                    self.paused.send_modify(|paused| *paused = (*paused).max(Some(until)));
                }
                let left = until.duration_since(self.stack.clock.now());
                let delay = Duration::try_from(left).unwrap_or_default();
                tracing::debug!(why = why.as_str(), delay_ms = telemetry::ms(delay), "deferred");
                self.send_again(from, delivery, delay).await;
            }
            Settlement::Retry { cause, counted: Some(attempts) } => {
                let delay = self.config.backoff.delay(attempts);
                tracing::info!(cause, delay_ms = telemetry::ms(delay), "tried again later");
                self.send_again(from, delivery, delay).await;
            }
            Settlement::Retry { cause, counted: None } => {
                let delay = self.config.uncounted.delay(delivery.receives);
                tracing::warn!(
                    cause,
                    delay_ms = telemetry::ms(delay),
                    receives = delivery.receives,
                    "released"
                );
                release(delay).await;
            }
            Settlement::Release(wait) => release(wait).await,
            Settlement::Malformed(why) if from.dead => {
                tracing::warn!(cause = why, "dead letter left for an operator");
                release(KEPT).await;
            }
            Settlement::Malformed(why) => {
                tracing::error!(cause = why, "message moved to the dead letters");
                self.move_to(Address { dead: true, ..from }, from, delivery, Duration::ZERO).await;
            }
        }
    }

    async fn send_again(&self, from: Address, delivery: &Delivery, delay: Duration) {
        self.move_to(from, from, delivery, delay).await;
    }

    /// Sends the same body and then deletes this delivery; what cannot be sent is released instead.
    async fn move_to(&self, to: Address, from: Address, delivery: &Delivery, delay: Duration) {
        let queue = &*self.stack.queue;
        let again = Outgoing::after(delivery.body.clone(), delay).of(delivery.group.clone());
        let sent = flow::send(queue, to, again).await;
        let disposition = match sent {
            Ok(()) => Disposition::Delete,
            Err(error) => {
                tracing::warn!(error = %error, "message not sent again");
                // Released, it uses up receives: they must last longer than the outage.
                Disposition::Release(delay.max(self.config.uncounted.delay(delivery.receives)))
            }
        };
        self.settle(from, delivery, disposition).await;
    }

    /// Ends the delivery. One that cannot be ended comes again, each time later: its receives must last longer
    /// than the outage.
    async fn settle(&self, from: Address, delivery: &Delivery, disposition: Disposition) {
        let queue = &*self.stack.queue;
        if !settle(queue, from, &delivery.receipt, disposition).await {
            let wait = self.config.uncounted.delay(delivery.receives).max(self.config.visibility);
            if let Err(error) = queue.extend(from, &delivery.receipt, wait).await {
                tracing::warn!(error = %error, "visibility not extended");
            }
        }
    }
}

fn count(from: Address, settlement: &Settlement) {
    metrics::handled(from.queue.as_str(), settlement.as_str());
    if let Settlement::Defer { why, .. } = settlement {
        metrics::deferred(from.queue.as_str(), why.as_str());
    }
}

fn no_job_to_end(outcome: &Outcome) -> Settlement {
    let reason = outcome.reason.map_or("", |reason| reason.code());
    Settlement::Malformed(format!("a message without a job cannot end as {reason}"))
}

fn span(from: Address, message: Option<&Message>) -> tracing::Span {
    let queue = from.queue.as_str();
    match message {
        Some(Message::Nudge(nudge)) => tracing::info_span!(
            "message",
            queue,
            job.id = %nudge.job,
            job.run = nudge.run,
            stage = %nudge.stage,
            trace.id = trace_id(nudge.trace.as_deref()),
        ),
        Some(_) | None => tracing::info_span!("message", queue),
    }
}

/// The trace that a message belongs to; what is no `traceparent` is left out of the log.
fn trace_id(traceparent: Option<&str>) -> Option<String> {
    let parent: TraceParent = traceparent?.parse().ok()?;
    Some(parent.trace_id())
}
