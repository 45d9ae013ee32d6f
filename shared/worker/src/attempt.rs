//! One attempt at one stage of one job: the step under its claim, and what becomes of the job afterwards.
//!
//! Every way out of here leaves either a committed job whose next nudge was accepted, or a message that will
//! be seen again. Losing a race is no failure: the job is read again and what it owes is sent.

use crate::claimed::{Claimed, Refused};
use crate::crash;
use crate::flow;
use crate::settlement::{Settlement, Why};
use crate::stage::{CLAIM_FLOOR, Outage, StageHandler};
use crate::step::{Kind, Step, StepDone, StepFailure, unchanged};
use domain::{Job, Outcome, Reason, Stage, State};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::Instant;

/// How a step ended.
enum Ended {
    Returned(Result<StepDone, StepFailure>),
    Panicked(String),
    LostClaim,
    Stopped,
}

impl<S: Step> StageHandler<S> {
    pub(crate) async fn work(&self, claimed: &Claimed) -> Settlement {
        let stage = self.step.stage();
        crash::stage_point(stage, crash::AFTER_CLAIM);
        let started = Instant::now();
        let ended = self.run(claimed).await;
        let took = started.elapsed();
        telemetry::metrics::stage_done(stage, took);
        crash::stage_point(stage, crash::AFTER_STEP);
        match ended {
            Ended::Returned(Ok(done)) => self.commit(claimed, done, took).await,
            Ended::Returned(Err(failure)) => self.failed(claimed, failure, took).await,
            Ended::Panicked(what) => {
                tracing::error!(panic = %what, "step panicked");
                self.failed(claimed, StepFailure::again(Reason::Internal, format!("panic: {what}")), took)
                    .await
            }
            Ended::LostClaim => self.lost(claimed).await,
            Ended::Stopped => {
                self.give_back(claimed, "the worker was stopped").await;
                Settlement::Release(Duration::ZERO)
            }
        }
    }

    /// Runs the step with its heartbeat. Dropping it is how it is told that nobody needs it any more.
    async fn run(&self, claimed: &Claimed) -> Ended {
        let heartbeat = claimed.heartbeat();
        let (lost, stop) = claimed.stopped();
        let step = AssertUnwindSafe(self.step.run(claimed)).catch_unwind();
        let ended = tokio::select! {
            biased;
            done = step => match done {
                Ok(done) => Ended::Returned(done),
                Err(panic) => Ended::Panicked(panic_text(&*panic)),
            },
            () = lost.cancelled() => Ended::LostClaim,
            () = stop.cancelled() => Ended::Stopped,
        };
        heartbeat.stop().await;
        ended
    }

    /// Writes where the job goes, then sends its next nudge.
    async fn commit(&self, claimed: &Claimed, done: StepDone, took: Duration) -> Settlement {
        let holder = claimed.holder();
        let written = match done {
            StepDone::Advance { to, patch, claiming } => {
                let rule = |job: &Job, now| job.advance(holder, to, now, took);
                match claiming {
                    None => claimed.write(patch, rule).await,
                    Some(name) => claimed.write_claiming(name, patch, rule).await,
                }
            }
            StepDone::End { outcome, patch } => {
                claimed.write(patch, |job, now| job.decide(Some(holder), outcome.clone(), now, took)).await
            }
            StepDone::Defer { until, why } => {
                self.give_back(claimed, &why).await;
                return Settlement::Defer { until, why: Why::NotReady };
            }
        };
        match written {
            Ok(job) => {
                *self.outage() = Outage::default();
                let outcome = job.outcome.as_ref().map(|outcome| outcome.kind.as_str());
                tracing::info!(outcome, duration_ms = telemetry::ms(took), "stage done");
                self.send_on(&job).await
            }
            Err(Refused::Lost) => self.lost(claimed).await,
            Err(Refused::ContentHeld) => {
                self.give_back(claimed, "another document with the same content came first").await;
                self.wait(CLAIM_FLOOR, Why::NotReady)
            }
            Err(refused) => self.failed(claimed, refused.into(), took).await,
        }
    }

    /// Sends what a job owes after its commit. Until that is accepted our own message stays.
    async fn send_on(&self, job: &Job) -> Settlement {
        let stage = self.step.stage();
        crash::stage_point(stage, crash::AFTER_COMMIT);
        if let Err(error) = flow::send_owed(&self.stack, job).await {
            tracing::warn!(error = %error, "next message not sent");
            return Settlement::Retry { cause: error.what, counted: None };
        }
        crash::stage_point(stage, crash::AFTER_SEND);
        Settlement::Done
    }

    /// What an attempt that failed comes to.
    async fn failed(&self, claimed: &Claimed, failure: StepFailure, took: Duration) -> Settlement {
        match failure.kind {
            Kind::LostClaim => self.lost(claimed).await,
            Kind::Throttled(after) => {
                self.give_back(claimed, &failure.cause).await;
                self.pause(after, Why::Throttled)
            }
            Kind::Full => {
                tracing::error!(error = %failure.cause, "no room left to write to");
                self.give_back(claimed, &failure.cause).await;
                self.pause(None, Why::Full)
            }
            Kind::Permanent => self.end(claimed, failure.ending(), took).await,
            Kind::Transient if claimed.job.attempts >= self.config.max_attempts => {
                self.end(claimed, failure.ending(), took).await
            }
            Kind::Transient => {
                tracing::warn!(error = %failure.cause, attempt = claimed.job.attempts, "attempt failed");
                let holder = claimed.holder();
                match claimed.write(unchanged(), |job, now| job.fail(holder, now, &failure.cause)).await {
                    Err(Refused::Lost) => self.lost(claimed).await,
                    // The attempt is counted already; the claim lapses by itself.
                    _ => Settlement::Retry { cause: failure.cause, counted: Some(claimed.job.attempts) },
                }
            }
        }
    }

    /// Ends the job under our claim.
    async fn end(&self, claimed: &Claimed, outcome: Outcome, took: Duration) -> Settlement {
        tracing::warn!(
            reason = outcome.reason.map_or("", |reason| reason.code()),
            detail = outcome.detail.as_deref().unwrap_or_default(),
            "job ends without its step"
        );
        let holder = claimed.holder();
        let written = if claimed.job.state == State::At(Stage::Notify) {
            claimed
                .write(unchanged(), |job, now| {
                    job.held_by(holder)?;
                    flow::abandon(job, outcome.clone(), now)
                })
                .await
        } else {
            claimed.write(unchanged(), |job, now| job.decide(Some(holder), outcome.clone(), now, took)).await
        };
        match written {
            Ok(job) => self.send_on(&job).await,
            Err(Refused::Lost) => self.lost(claimed).await,
            Err(Refused::Port(error)) => Settlement::Retry { cause: error.what, counted: Some(1) },
            Err(refused) => Settlement::Retry { cause: StepFailure::from(refused).cause, counted: None },
        }
    }

    /// Gives the claim back with its attempt. If that cannot be written the claim lapses by itself.
    async fn give_back(&self, claimed: &Claimed, why: &str) {
        let holder = claimed.holder();
        let written = claimed.write(unchanged(), |job, now| job.release(holder, now, why)).await;
        if let Err(Refused::Port(error)) = written {
            tracing::warn!(error = %error, "claim not given back");
        }
    }

    /// Somebody else wrote the job: read it again and do what its state asks of this message.
    async fn lost(&self, claimed: &Claimed) -> Settlement {
        let job = match self.stack.jobs.get(&claimed.job.id).await {
            Ok(Some(job)) => job,
            Ok(None) => return Settlement::Done,
            Err(error) => return self.trouble(&error),
        };
        if job.is_erased() {
            flow::sweep(&self.stack, &job).await;
            return Settlement::Done;
        }
        if job.run == claimed.job.run && job.state == claimed.job.state {
            // Still this stage's: our message goes on standing for it.
            return self.wait(CLAIM_FLOOR, Why::Claimed);
        }
        match flow::send_owed(&self.stack, &job).await {
            Ok(()) => Settlement::Done,
            Err(error) => Settlement::Retry { cause: error.what, counted: None },
        }
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
