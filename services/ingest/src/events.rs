//! S3 events: new jobs, and the end of those whose document is replaced or deleted.

use domain::event::{ObjectEvent, compare_sequencers};
use domain::{Document, Job, Outcome, OutcomeKind, Reason, Stage};
use ports::{Fault, PortError, Stack};
use std::cmp::Ordering;
use std::time::Duration;
use worker::flow::{self, Wrote};

/// Takes in all events of one message. Any of it may be repeated.
///
/// # Errors
/// If the store or the queue fails; the whole message is then tried again.
pub async fn take(stack: &Stack, events: Vec<ObjectEvent>) -> ports::Result<()> {
    for event in events {
        match event {
            ObjectEvent::Created(document) => created(stack, document).await?,
            ObjectEvent::Removed { bucket, key, version, sequencer } => {
                removed(stack, &bucket, &key, version.as_deref(), sequencer.as_deref()).await?;
            }
            ObjectEvent::Test => tracing::info!("s3 notifications are set up"),
            ObjectEvent::Other(name) => tracing::debug!(event.name = name, "event of another kind"),
        }
    }
    Ok(())
}

async fn created(stack: &Stack, document: Document) -> ports::Result<()> {
    // A key that ends in a slash and holds nothing is how consoles draw a folder.
    if document.key.ends_with('/') && document.size == 0 {
        return Ok(());
    }
    let newest = stack.jobs.newest_of_key(&document.bucket, &document.key).await?;
    let mut job = Job::new(document, stack.clock.now());
    job.trace = Some(telemetry::trace::TraceParent::start().to_string());
    let other = newest.filter(|newest| newest.id != job.id);
    let job = match stack.jobs.create(&job).await? {
        None => job,
        Some(known) if known.is_erased() => match revive(stack, &known, job.document).await? {
            Some(again) => again,
            None => return Ok(()),
        },
        Some(known) => came_back(stack, known, job.document, other.as_ref()).await?,
    };
    if let Some(other) = other {
        let is_newer = in_order(&job.document, &other.document) != Ordering::Less;
        let older = if is_newer { other } else { job.clone() };
        supersede(stack, older, Reason::NewerVersion).await?;
    }
    let job = stack.jobs.get(&job.id).await?.unwrap_or(job);
    flow::send_owed(stack, &job).await
}

/// A document that was erased is not brought back by its old event; uploaded once more, it is a new run.
async fn revive(stack: &Stack, erased: &Job, document: Document) -> ports::Result<Option<Job>> {
    let Some(again) = erased.revive(document, stack.clock.now()) else {
        tracing::info!(job.id = %erased.id, "an event of an erased document");
        return Ok(None);
    };
    match flow::write(&*stack.jobs, &again).await? {
        Wrote::Ours => Ok(Some(again)),
        Wrote::Lost(_) => Err(PortError::new(
            Fault::Transient,
            "an erased document came again: somebody else wrote its job",
        )),
    }
}

/// A version that is uploaded once more, after `other` had taken its place or after it was deleted before it had a
/// result, is the newest again: a new run shows its result under its key. Gives the job as it stands.
async fn came_back(stack: &Stack, known: Job, document: Document, other: Option<&Job>) -> ports::Result<Job> {
    let after = |former: &Document| in_order(former, &document) == Ordering::Less;
    let was_gone = match other {
        Some(other) => after(&other.document),
        None => known.outcome.as_ref().is_some_and(|outcome| outcome.kind == OutcomeKind::Superseded),
    };
    if !after(&known.document) || !was_gone {
        return Ok(known);
    }
    let later = |why: &str| PortError::new(Fault::Transient, format!("a version came back: {why}"));
    // Superseded a moment ago, it is being told so.
    let back = known.come_back(document, stack.clock.now()).map_err(|why| later(&why.to_string()))?;
    match flow::write(&*stack.jobs, &back).await? {
        Wrote::Ours => Ok(back),
        Wrote::Lost(_) => Err(later("somebody else wrote its job")),
    }
}

async fn removed(
    stack: &Stack,
    bucket: &str,
    key: &str,
    version: Option<&str>,
    sequencer: Option<&str>,
) -> ports::Result<()> {
    let Some(job) = stack.jobs.newest_of_key(bucket, key).await? else { return Ok(()) };
    let meant = version.is_none_or(|version| version == job.document.version);
    // A deletion that happened before this upload is not about it.
    let earlier = match (sequencer, &job.document.sequencer) {
        (Some(gone), Some(here)) => compare_sequencers(gone, here) == Ordering::Less,
        _ => false,
    };
    if meant && !earlier { supersede(stack, job, Reason::Deleted).await } else { Ok(()) }
}

/// Which of two uploads of the same key came first.
fn in_order(a: &Document, b: &Document) -> Ordering {
    match (&a.sequencer, &b.sequencer) {
        (Some(a), Some(b)) => compare_sequencers(a, b),
        _ => a.uploaded_at.cmp(&b.uploaded_at),
    }
}

/// Ends a job that is still at work; one that is being told about or has ended stays as it is.
async fn supersede(stack: &Stack, mut job: Job, reason: Reason) -> ports::Result<()> {
    while job.stage().is_some_and(|stage| stage != Stage::Notify) {
        let outcome = Outcome::superseded(reason);
        let Ok(decided) = job.decide(None, outcome, stack.clock.now(), Duration::ZERO) else { break };
        match stack.jobs.replace(&decided).await {
            Ok(()) => return flow::send_owed(stack, &decided).await,
            // Its worker wrote meanwhile: look again.
            Err(error) if error.fault == Fault::Conflict => match stack.jobs.get(&job.id).await? {
                Some(now) => job = now,
                None => return Ok(()),
            },
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
