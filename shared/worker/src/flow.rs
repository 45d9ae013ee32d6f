//! The few moves that everybody who touches jobs shares: write by compare and set, send what a job owes, end it.
//!
//! *The claim on a content* is made in the write that moves its job on from ingest, so that job and claim tell the
//! same story whatever crashes, and a document is not charged for a write of its own. For the same reason nothing
//! finishes or releases it when the job ends: that would be one more write for every document, for the sake of
//! the few that come twice. What became of the work stands on the job, so whoever comes to the same content reads it
//! there: a result is taken over, and the claim of a job that brought none (it failed, was rejected or superseded)
//! is released by whoever finds it.

use domain::job::{Illegal, JOB_SCHEMA};
use domain::message::Nudge;
use domain::{Job, JobId, Outcome, Stage, State};
use jiff::Timestamp;
use ports::{Address, ContentClaim, Fault, Jobs, Outgoing, PortError, Queue, Result, Stack};
use std::time::Duration;

/// What came of a conditional write.
#[derive(Debug)]
pub enum Wrote {
    /// The job stands as we wrote it.
    Ours,
    /// Somebody else wrote first; this is what stands now, `None` if the job is gone.
    Lost(Option<Box<Job>>),
}

/// How long a claim on content lasts: as long as a result is worth finding. Nobody waits for its end, since
/// whoever finds it looks at the job that has it.
const CONTENT_LEASE: Duration = Duration::from_secs(400 * 86_400);
/// Tries of one compare and set before its caller's message is left for later.
const TRIES: u32 = 4;

/// Writes `job` if nobody else wrote since it was read. An answer that was lost is looked up: what stands
/// tells whether the write was applied.
///
/// # Errors
/// If the write was refused, or what became of it cannot be found out now.
pub async fn write(jobs: &dyn Jobs, job: &Job) -> Result<Wrote> {
    match jobs.replace(job).await {
        Ok(()) => Ok(Wrote::Ours),
        Err(error) => look_up(jobs, job, error).await,
    }
}

/// The same with a claim on the content `name`; `None` if that is another's, and the job is unwritten then. Since
/// both happen or neither, an answer that was lost is looked up in the job alone.
pub(crate) async fn write_claiming(jobs: &dyn Jobs, job: &Job, name: &str) -> Result<Option<Wrote>> {
    match jobs.replace_claiming(job, name, CONTENT_LEASE).await {
        Ok(ContentClaim::Won) => Ok(Some(Wrote::Ours)),
        Ok(ContentClaim::Held { .. } | ContentClaim::Finished { .. }) => Ok(None),
        Err(error) => look_up(jobs, job, error).await.map(Some),
    }
}

/// What came of a write that failed so.
async fn look_up(jobs: &dyn Jobs, job: &Job, error: PortError) -> Result<Wrote> {
    match error.fault {
        Fault::Conflict | Fault::Transient | Fault::Throttled(_) | Fault::NotFound => {}
        _ => return Err(error),
    }
    match jobs.get(&job.id).await? {
        Some(stored) if is_write(&stored, job) => Ok(Wrote::Ours),
        Some(stored) if stored.revision >= job.revision => Ok(Wrote::Lost(Some(Box::new(stored)))),
        // A conflict with an older revision cannot be; an unanswered write that was not applied can.
        Some(_) => Err(error),
        None => Ok(Wrote::Lost(None)),
    }
}

/// Whether `stored` is what we wrote. A claim's holder is unique, and who writes without a claim ends the job,
/// so that two equal writes mean the same thing.
fn is_write(stored: &Job, ours: &Job) -> bool {
    stored.revision == ours.revision
        && stored.run == ours.run
        && stored.state == ours.state
        && stored.claim == ours.claim
        && stored.attempts == ours.attempts
        && stored.outcome == ours.outcome
        && stored.reuse == ours.reuse
        && stored.updated_at == ours.updated_at
}

/// Sends one message.
///
/// # Errors
/// If the queue does not accept it.
pub async fn send(queue: &dyn Queue, to: Address, message: Outgoing) -> Result<()> {
    let mut results = queue.send(to, vec![message]).await?;
    results.pop().unwrap_or_else(|| Err(PortError::new(Fault::Transient, "the queue gave no answer")))
}

/// The nudge that the job's present state owes; `None` when it has ended.
#[must_use]
pub fn owed(job: &Job) -> Option<(Address, Nudge)> {
    let stage = job.stage()?;
    let nudge = Nudge::new(job.id.clone(), job.run, stage, job.trace.clone());
    Some((Address::live(stage), nudge))
}

/// Sends what the job's present state owes to its stage. A live claim proves that the stage has its nudge already,
/// and an ended job owes nothing.
///
/// # Errors
/// If the store or the queue does not accept it.
pub async fn send_owed(stack: &Stack, job: &Job) -> Result<()> {
    if is_claimed(job, stack.clock.now()) {
        return Ok(());
    }
    match owed(job) {
        Some((to, nudge)) => {
            let group = job.document.tenant().to_string();
            send(&*stack.queue, to, Outgoing::now(nudge.encode()).of(group).traced(nudge.trace)).await
        }
        None => Ok(()),
    }
}

/// Whether somebody has a live claim on the job.
#[must_use]
pub fn is_claimed(job: &Job, now: Timestamp) -> bool {
    job.claim.as_ref().is_some_and(|claim| claim.until > now)
}

/// Removes what was written for a job while it was being erased: whoever was at work may have finished a write after
/// everything else was deleted. What cannot be removed is said; the erasing command looks after it as well.
pub(crate) async fn sweep(stack: &Stack, job: &Job) {
    match stack.objects.erase_artifacts(&format!("jobs/{}/", job.id)).await {
        Ok(0) => {}
        Ok(swept) => tracing::info!(job.id = %job.id, swept, "late writes of an erased job removed"),
        Err(error) => {
            tracing::warn!(job.id = %job.id, error = %error, "late writes of an erased job not removed");
        }
    }
}

/// Ends a job whoever holds it, and nudges notify. A job whose outcome stands keeps it, and one of another run
/// than `run` (when given) is left alone. Gives the job as it stands afterwards, `None` if there is none.
///
/// # Errors
/// If a port fails, or others kept winning; asking again is right then.
pub async fn end(stack: &Stack, id: &JobId, run: Option<u32>, outcome: &Outcome) -> Result<Option<Job>> {
    change(stack, id, |job, now| {
        if run.is_some_and(|run| run != job.run) || job.outcome.is_some() {
            return None;
        }
        job.decide(None, outcome.clone(), now, Duration::ZERO).ok()
    })
    .await
}

/// Ends a job that this stage owes work which nobody will do: its worker died too often, or its attempts are
/// used up. At notify the outcome stands and only the telling is given up.
pub(crate) fn abandon(job: &Job, outcome: Outcome, now: Timestamp) -> std::result::Result<Job, Illegal> {
    match job.state {
        State::At(Stage::Notify) => {
            let cause = outcome.detail.or_else(|| outcome.reason.map(|reason| reason.code().to_owned()));
            job.give_up_notifying(now, &cause.unwrap_or_default())
        }
        _ => job.decide(None, outcome, now, Duration::ZERO),
    }
}

/// Changes a job by compare and set until it holds, then sends what it owes. `None` from `rule` leaves it as
/// it is.
pub(crate) async fn change(
    stack: &Stack,
    id: &JobId,
    rule: impl Fn(&Job, Timestamp) -> Option<Job> + Send,
) -> Result<Option<Job>> {
    for _ in 0..TRIES {
        let Some(job) = stack.jobs.get(id).await? else { return Ok(None) };
        // What a newer release wrote is its to change.
        let next = match rule(&job, stack.clock.now()).filter(|_| job.schema <= JOB_SCHEMA) {
            None => job,
            Some(next) => match write(&*stack.jobs, &next).await? {
                Wrote::Ours => next,
                Wrote::Lost(_) => continue,
            },
        };
        send_owed(stack, &next).await?;
        return Ok(Some(next));
    }
    Err(PortError::new(Fault::Transient, "others kept writing the job"))
}
