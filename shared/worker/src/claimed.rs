//! A job in our hands: its claim, kept alive by a heartbeat, and the only ways to write under it.

use crate::config::Config;
use crate::flow::{self, Wrote};
use crate::handler::Context;
use crate::heartbeat::Heartbeat;
use crate::step::{Patch, StepFailure};
use domain::job::Illegal;
use domain::outcome::Calls;
use domain::{Artifact, Job, Reason};
use jiff::Timestamp;
use ports::{Fault, PortError, Stack};
use std::sync::Arc;
use std::time::Duration;
use telemetry::Counted;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// Compare-and-set rounds against writers that leave our claim alone.
const TRIES: u32 = 4;

/// Why a write under the claim did not happen.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The claim is another's now, or the job has gone on.
    Lost,
    /// The content that was to be claimed with it is another's; the claim on the job is ours still.
    ContentHeld,
    /// A port failed; whether the write was applied is open.
    Port(PortError),
    /// The rules forbid the step.
    Illegal(Illegal),
}

impl From<Refused> for StepFailure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Lost => Self::lost_claim(),
            Refused::Port(error) => error.into(),
            Refused::ContentHeld => Self::again(Reason::Internal, "the content is another job's"),
            Refused::Illegal(illegal) => Self::again(Reason::Internal, illegal.to_string()),
        }
    }
}

/// A job that this worker has claimed for one stage.
pub struct Claimed {
    /// The job as it was claimed.
    pub job: Job,
    core: Arc<Core>,
    cx: Context,
}

struct Core {
    stack: Stack,
    holder: String,
    lease: Duration,
    /// As it stands in the store, as far as we know: heartbeat and commit write one after the other.
    current: Mutex<Job>,
    lost: CancellationToken,
    /// What is sent for this job, beside what its record says already.
    counted: Counted,
    before: Calls,
}

impl Claimed {
    pub(crate) fn new(
        stack: &Stack,
        config: &Config,
        holder: String,
        job: Job,
        cx: &Context,
        counted: Counted,
    ) -> Self {
        let core = Core {
            stack: stack.clone(),
            holder,
            lease: config.lease,
            current: Mutex::new(job.clone()),
            lost: CancellationToken::new(),
            before: job.cost.calls,
            counted,
        };
        Self { job, core: Arc::new(core), cx: cx.clone() }
    }

    /// A claim without a heartbeat, for trying a step without a runtime: takes the claim on the stored job.
    ///
    /// # Errors
    /// If the job does not stand in the store as given, or may not be claimed.
    pub async fn detached(stack: &Stack, job: &Job) -> Result<Self, StepFailure> {
        let config = Config::default();
        let refused = |why: String| StepFailure::permanent(Reason::Internal, why);
        let stage = job.stage().ok_or_else(|| refused("the job has ended".into()))?;
        let holder = crate::stage::new_holder();
        let now = stack.clock.now();
        let claimed = job
            .claim(stage, job.run, &holder, now, config.lease, config.max_attempts)
            .map_err(|why| refused(why.to_string()))?;
        stack.jobs.replace(&claimed).await?;
        Ok(Self::new(stack, &config, holder, claimed, &Context::detached(), Counted::default()))
    }

    /// The key of one of this run's artifacts.
    #[must_use]
    pub fn key(&self, artifact: &Artifact) -> String {
        artifact.key(&self.job.id, self.job.run)
    }

    /// Who holds the claim.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.core.holder
    }

    /// Says how far the work is (for example page 3 of 12), for those who watch.
    pub fn progress(&self, done: u32, total: u32) {
        self.cx.progress(done, total);
    }

    /// Fires when the step will be dropped, with its claim lost or this worker stopping: for threads and
    /// processes that dropping a future does not reach.
    #[must_use]
    pub fn stopped(&self) -> (CancellationToken, CancellationToken) {
        (self.core.lost.clone(), self.cx.stop.clone())
    }

    /// Writes something down on the job before the step is done, and keeps the claim.
    ///
    /// # Errors
    /// If the claim was lost (let it through: nothing of this attempt counts) or the store failed.
    pub async fn update(&self, patch: impl FnOnce(&mut Job) + Send + 'static) -> Result<Job, StepFailure> {
        let core = &self.core;
        self.write(Box::new(patch), |job, now| job.renew(&core.holder, now, core.lease))
            .await
            .map_err(Into::into)
    }

    /// Applies `patch` and `rule` to the job as it stands and writes it, as long as the claim is ours.
    pub(crate) async fn write(
        &self,
        patch: Patch,
        rule: impl Fn(&Job, Timestamp) -> Result<Job, Illegal>,
    ) -> Result<Job, Refused> {
        self.core.write(patch, None, rule).await
    }

    /// The same, with the claim on a content in the same write.
    pub(crate) async fn write_claiming(
        &self,
        name: String,
        patch: Patch,
        rule: impl Fn(&Job, Timestamp) -> Result<Job, Illegal>,
    ) -> Result<Job, Refused> {
        let content = name.clone();
        let patch: Patch = Box::new(move |job| {
            patch(job);
            job.reuse = Some(name);
        });
        self.core.write(patch, Some(&content), rule).await
    }

    /// Renews the claim until the guard is dropped. Who loses it, or cannot renew it in time, is told by the
    /// first token of [`Claimed::stopped`].
    pub(crate) fn heartbeat(&self) -> Heartbeat {
        let core = Arc::clone(&self.core);
        Heartbeat::start(async move {
            loop {
                tokio::time::sleep(core.lease / 3).await;
                match core.renew().await {
                    Ok(()) => {}
                    Err(Refused::Port(error)) if !core.lapsed().await => {
                        tracing::warn!(error = %error, "claim not renewed");
                    }
                    Err(_) => break core.lost.cancel(),
                }
            }
        })
    }
}

impl Core {
    async fn renew(&self) -> Result<(), Refused> {
        self.write(crate::step::unchanged(), None, |job, now| job.renew(&self.holder, now, self.lease))
            .await?;
        Ok(())
    }

    async fn lapsed(&self) -> bool {
        !flow::is_claimed(&*self.current.lock().await, self.stack.clock.now())
    }

    async fn write(
        &self,
        patch: Patch,
        content: Option<&str>,
        rule: impl Fn(&Job, Timestamp) -> Result<Job, Illegal>,
    ) -> Result<Job, Refused> {
        let mut current = self.current.lock().await;
        let mut job = patched(&current, patch);
        for _ in 0..TRIES {
            let next = rule(&job, self.stack.clock.now()).map_err(|illegal| match illegal {
                Illegal::NotHolder => Refused::Lost,
                illegal => Refused::Illegal(illegal),
            })?;
            let next = self.with_calls(next);
            let wrote = self.put(&next, content).await.map_err(Refused::Port)?;
            let stored = match wrote.ok_or(Refused::ContentHeld)? {
                Wrote::Ours => {
                    *current = next.clone();
                    return Ok(next);
                }
                Wrote::Lost(stored) => stored.ok_or(Refused::Lost)?,
            };
            if stored.held_by(&self.holder).is_err() || stored.state != job.state || stored.run != job.run {
                return Err(Refused::Lost);
            }
            // Still ours: an own renewal whose answer was lost. Only these fields can have moved.
            job.revision = stored.revision;
            job.claim = stored.claim.clone();
            *current = *stored;
        }
        Err(Refused::Port(PortError::new(Fault::Transient, "others kept writing the job")))
    }

    /// The job with what was sent for it. This very write is counted with the rest.
    fn with_calls(&self, mut job: Job) -> Job {
        let mut sent = self.counted.so_far();
        if !sent.is_none() {
            sent.count("DynamoDB");
        }
        job.cost.calls = self.before;
        job.cost.calls += sent;
        job
    }

    async fn put(&self, job: &Job, content: Option<&str>) -> ports::Result<Option<Wrote>> {
        match content {
            None => flow::write(&*self.stack.jobs, job).await.map(Some),
            Some(name) => flow::write_claiming(&*self.stack.jobs, job, name).await,
        }
    }
}

/// The job with what a step changes on it, and without what it may not change.
fn patched(job: &Job, patch: Patch) -> Job {
    let mut changed = job.clone();
    patch(&mut changed);
    Job {
        schema: job.schema,
        id: job.id.clone(),
        run: job.run,
        revision: job.revision,
        state: job.state,
        claim: job.claim.clone(),
        attempts: job.attempts,
        outcome: job.outcome.clone(),
        ..changed
    }
}
