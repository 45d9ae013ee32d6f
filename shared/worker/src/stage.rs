//! A step of a job as a handler: what a nudge means, who may work, and what becomes of a job afterwards.
//!
//! Every way out of here leaves either a committed job whose next nudge was accepted, or a message that will
//! be seen again. Losing a race is no failure: the job is read again and what it owes is sent.

use crate::claimed::{Claimed, Refused};
use crate::config::{Config, random};
use crate::crash;
use crate::flow::{self, Wrote};
use crate::handler::{Context, Handler};
use crate::settlement::{Settlement, Why};
use crate::step::{Kind, Patch, Step, StepDone, StepFailure, unchanged};
use async_trait::async_trait;
use domain::job::{ClaimRefused, JOB_SCHEMA};
use domain::message::{Message, Nudge};
use domain::{Job, Outcome, Reason, Stage, State};
use futures::FutureExt;
use jiff::Timestamp;
use ports::{Address, Fault, PortError, Stack};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Who finds a claim waits at least so long: its holder is at work.
const CLAIM_FLOOR: Duration = Duration::from_secs(1);
/// Who finds a claim looks again after so long at the latest: its holder may have gone on.
const CLAIM_CAP: Duration = Duration::from_secs(60);

/// A [`Step`] as a [`Handler`] of its stage's queue.
pub struct StageHandler<S> {
    stack: Stack,
    step: S,
    config: Config,
    /// Failures in a row of things that every job needs: they wait together, longer each time.
    troubles: AtomicU32,
}

/// What taking up a nudge comes to.
enum Taken {
    Claimed(Box<Claimed>),
    Settled(Settlement),
}

/// How a step ended.
enum Ended {
    Returned(Result<StepDone, StepFailure>),
    Panicked(String),
    LostClaim,
    Stopped,
}

/// A name for one taking of a claim.
pub(crate) fn new_holder() -> String {
    format!("{}-{:016x}{:016x}", std::process::id(), random(), random())
}

#[async_trait]
impl<S: Step> Handler for StageHandler<S> {
    fn queue(&self) -> Address {
        Address::live(self.step.stage())
    }

    async fn handle(&self, message: Message, cx: &Context) -> Settlement {
        let done = match message {
            Message::Nudge(nudge) => return self.nudge(&nudge, cx).await,
            Message::Events(events) => self.step.on_events(events).await,
            Message::Digest(digest) => self.step.on_digest(digest).await,
        };
        match done {
            Ok(()) => Settlement::Done,
            Err(failure) => self.beside_a_job(failure),
        }
    }
}

impl<S: Step> StageHandler<S> {
    /// The handler of this step.
    pub fn new(stack: Stack, step: S, config: Config) -> Self {
        Self { stack, step, config, troubles: AtomicU32::new(0) }
    }

    fn now(&self) -> Timestamp {
        self.stack.clock.now()
    }

    async fn nudge(&self, nudge: &Nudge, cx: &Context) -> Settlement {
        match self.take_up(nudge, cx).await {
            Ok(Taken::Claimed(claimed)) => self.work(&claimed).await,
            Ok(Taken::Settled(settlement)) => settlement,
            Err(error) => self.trouble(&error),
        }
    }

    /// Reads the job and takes the claim, or does what else the job's state asks for.
    async fn take_up(&self, nudge: &Nudge, cx: &Context) -> ports::Result<Taken> {
        let stage = self.step.stage();
        loop {
            let Some(job) = self.stack.jobs.get(&nudge.job).await? else {
                tracing::warn!("a nudge names no job");
                return Ok(Taken::Settled(Settlement::Done));
            };
            cx.about(&job);
            if job.schema > JOB_SCHEMA {
                return Ok(Taken::Settled(self.wait(self.config.newer, Why::Newer)));
            }
            if nudge.stage != stage || job.run != nudge.run || job.stage() != Some(stage) {
                flow::send_owed(&self.stack, &job).await?;
                return Ok(Taken::Settled(Settlement::Done));
            }
            let (holder, now) = (new_holder(), self.now());
            let claim =
                job.claim(stage, job.run, &holder, now, self.config.lease, self.config.max_attempts);
            match claim {
                Ok(claimed) => {
                    if let Wrote::Ours = flow::write(&*self.stack.jobs, &claimed).await? {
                        let claimed = Claimed::new(&self.stack, &self.config, holder, claimed, cx);
                        return Ok(Taken::Claimed(Box::new(claimed)));
                    }
                }
                Err(ClaimRefused::Held(until)) => {
                    return Ok(Taken::Settled(Settlement::Defer {
                        until: until.clamp(now + CLAIM_FLOOR, now + CLAIM_CAP),
                        why: Why::Claimed,
                    }));
                }
                Err(ClaimRefused::Exhausted) => {
                    if self.abandon(&job).await? {
                        return Ok(Taken::Settled(Settlement::Done));
                    }
                }
                // Checked above; a look at the job as it stands now decides.
                Err(ClaimRefused::NotOwed) => {}
            }
        }
    }

    /// Ends a job whose attempts are used up. `false` if somebody else wrote first.
    async fn abandon(&self, job: &Job) -> ports::Result<bool> {
        let Some(ended) = exhausted(job, self.now()) else { return Ok(false) };
        match flow::write(&*self.stack.jobs, &ended).await? {
            Wrote::Ours => flow::send_owed(&self.stack, &ended).await.map(|()| true),
            Wrote::Lost(_) => Ok(false),
        }
    }

    async fn work(&self, claimed: &Claimed) -> Settlement {
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
            StepDone::Advance { to, patch } => {
                claimed.write(patch, |job, now| job.advance(holder, to, now, took)).await
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
                self.troubles.store(0, Ordering::Relaxed);
                self.send_on(&job).await
            }
            Err(Refused::Lost) => self.lost(claimed).await,
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
                    _ => {
                        Settlement::Retry { cause: failure.cause, counted: Some(claimed.job.attempts) }
                    }
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
            Err(Refused::Illegal(illegal)) => Settlement::Retry { cause: illegal.to_string(), counted: None },
        }
    }

    /// Gives the claim back with its attempt. If that cannot be written the claim lapses by itself.
    async fn give_back(&self, claimed: &Claimed, why: &str) {
        let holder = claimed.holder();
        let patch: Patch = unchanged();
        if let Err(Refused::Port(error)) =
            claimed.write(patch, |job, now| job.release(holder, now, why)).await
        {
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
        if job.run == claimed.job.run && job.state == claimed.job.state {
            // Still this stage's: our message goes on standing for it.
            return self.wait(CLAIM_FLOOR, Why::Claimed);
        }
        match flow::send_owed(&self.stack, &job).await {
            Ok(()) => Settlement::Done,
            Err(error) => Settlement::Retry { cause: error.what, counted: None },
        }
    }

    /// A port failed before anything was claimed: the next message would fare no better.
    fn trouble(&self, error: &PortError) -> Settlement {
        match error.fault {
            Fault::Throttled(after) => self.pause(after, Why::Throttled),
            Fault::Full => self.pause(None, Why::Full),
            Fault::Transient => self.pause(None, Why::Unreachable),
            _ => Settlement::Retry { cause: error.what.clone(), counted: None },
        }
    }

    /// A failure on a message that is no nudge.
    fn beside_a_job(&self, failure: StepFailure) -> Settlement {
        match failure.kind {
            Kind::Throttled(after) => self.pause(after, Why::Throttled),
            Kind::Full => self.pause(None, Why::Full),
            Kind::Permanent => Settlement::Malformed(failure.cause),
            Kind::Transient | Kind::LostClaim => Settlement::Retry { cause: failure.cause, counted: None },
        }
    }

    fn pause(&self, after: Option<Duration>, why: Why) -> Settlement {
        let failures = self.troubles.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        self.wait(after.unwrap_or_else(|| self.config.pause.delay(failures)), why)
    }

    fn wait(&self, wait: Duration, why: Why) -> Settlement {
        Settlement::Defer { until: self.now() + wait, why }
    }
}

/// The end of a job whose attempts are used up: a claim that was never ended means that its worker died.
pub(crate) fn exhausted(job: &Job, now: Timestamp) -> Option<Job> {
    let failure = job.last_failure.clone().filter(|_| job.claim.is_none());
    let outcome = match failure {
        Some(cause) => Outcome::failed(Reason::Internal, cause),
        None => Outcome::failed(Reason::WorkerDied, format!("{} attempts", job.attempts)),
    };
    flow::abandon(job, outcome, now).ok()
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
