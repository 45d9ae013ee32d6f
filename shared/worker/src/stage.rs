//! A step of a job as a handler: what a nudge means, who may work, and what waits.

use crate::claimed::Claimed;
use crate::config::{Config, random};
use crate::flow::{self, Wrote};
use crate::handler::{Context, Handler};
use crate::settlement::{Settlement, Why};
use crate::step::{Kind, Step, StepFailure};
use async_trait::async_trait;
use domain::job::{ClaimRefused, JOB_SCHEMA};
use domain::message::{Message, Nudge};
use domain::{Job, Outcome, Reason};
use jiff::Timestamp;
use ports::{Address, Fault, PortError, Stack};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use telemetry::Counted;

/// Who finds a claim waits at least so long: its holder is at work.
pub(crate) const CLAIM_FLOOR: Duration = Duration::from_secs(1);
/// Who finds a claim looks again after so long at the latest: its holder may have gone on.
const CLAIM_CAP: Duration = Duration::from_secs(60);

/// A [`Step`] as a [`Handler`] of its stage's queue.
pub struct StageHandler<S> {
    pub(crate) stack: Stack,
    pub(crate) step: S,
    pub(crate) config: Config,
    /// Failures of things that every job needs: jobs wait together, longer each time.
    pub(crate) outage: Mutex<Outage>,
}

/// Something that every job needs is out of order.
#[derive(Default)]
pub(crate) struct Outage {
    /// Pauses in a row. Many jobs that fail at once are one failure, else a hiccup would cost the longest pause.
    pauses: u32,
    /// When the present pause ends.
    until: Option<Timestamp>,
}

/// What taking up a nudge comes to.
enum Taken {
    Claimed(Box<Claimed>),
    Settled(Settlement),
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
            Message::Nudge(nudge) => {
                let counted = Counted::default();
                return counted.of(self.nudge(&nudge, cx, &counted)).await;
            }
            Message::Events(events) => self.step.on_events(events).await,
            Message::Digest(digest) => self.step.on_digest(digest).await,
            // Completions have a queue and a handler of their own.
            Message::Completion(_) => {
                return Settlement::Malformed("a completion is for another queue".into());
            }
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
        Self { stack, step, config, outage: Mutex::default() }
    }

    fn now(&self) -> Timestamp {
        self.stack.clock.now()
    }

    async fn nudge(&self, nudge: &Nudge, cx: &Context, counted: &Counted) -> Settlement {
        match self.take_up(nudge, cx, counted).await {
            Ok(Taken::Claimed(claimed)) => self.work(&claimed).await,
            Ok(Taken::Settled(settlement)) => settlement,
            Err(error) => self.trouble(&error),
        }
    }

    /// Reads the job and takes the claim, or does what else the job's state asks for.
    async fn take_up(&self, nudge: &Nudge, cx: &Context, counted: &Counted) -> ports::Result<Taken> {
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
            if job.is_erased() {
                flow::sweep(&self.stack, &job).await;
                return Ok(Taken::Settled(Settlement::Done));
            }
            if nudge.stage != stage || job.run != nudge.run || job.stage() != Some(stage) {
                flow::send_owed(&self.stack, &job).await?;
                return Ok(Taken::Settled(Settlement::Done));
            }
            let (holder, now) = (new_holder(), self.now());
            let claim = job.claim(stage, job.run, &holder, now, self.config.lease, self.config.max_attempts);
            match claim {
                Ok(claimed) => {
                    if let Wrote::Ours = flow::write(&*self.stack.jobs, &claimed).await? {
                        let claimed =
                            Claimed::new(&self.stack, &self.config, holder, claimed, cx, counted.clone());
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

    /// A port failed before anything was claimed: the next message would fare no better.
    pub(crate) fn trouble(&self, error: &PortError) -> Settlement {
        match error.fault {
            Fault::Throttled(after) => self.pause(after, Why::Throttled),
            Fault::Full => self.pause(None, Why::Full),
            // A right or a table that is missing is an operator's to mend, and every message would meet the same.
            Fault::Transient | Fault::Denied => self.pause(None, Why::Unreachable),
            _ => Settlement::Retry { cause: error.what.clone(), counted: None },
        }
    }

    /// A failure on a message that is no nudge.
    fn beside_a_job(&self, failure: StepFailure) -> Settlement {
        match failure.kind {
            Kind::Throttled(after) => self.pause(after, Why::Throttled),
            Kind::Full => self.pause(None, Why::Full),
            Kind::Permanent if failure.ending().reason == Some(Reason::AccessDenied) => {
                tracing::error!(error = %failure.cause, "something that is needed may not be used or is not there");
                self.pause(None, Why::Unreachable)
            }
            Kind::Permanent => Settlement::Malformed(failure.cause),
            Kind::Transient | Kind::LostClaim => Settlement::Retry { cause: failure.cause, counted: None },
        }
    }

    pub(crate) fn pause(&self, after: Option<Duration>, why: Why) -> Settlement {
        let now = self.now();
        let mut outage = self.outage();
        let until = match (after, outage.until) {
            (Some(after), _) => now + after,
            (None, Some(until)) if until > now => until,
            (None, _) => {
                outage.pauses = outage.pauses.saturating_add(1);
                now + self.config.pause.delay(outage.pauses)
            }
        };
        outage.until = Some(until);
        Settlement::Defer { until, why }
    }

    pub(crate) fn outage(&self) -> MutexGuard<'_, Outage> {
        // Two numbers are never half written.
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait(&self, wait: Duration, why: Why) -> Settlement {
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
