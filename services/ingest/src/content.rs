//! The same content is paid for once: who is at it, and what came of it.
//!
//! The name of a content says all that its result depends on: the tenant, the bytes, the settings, the reader and
//! the model. A job claims the name in the very write that moves it on from here, and nothing marks the claim when
//! the job ends (`worker::flow` tells why). So whoever finds a claim looks at the job that holds it:
//!
//! * Its run was summarized: the result is copied, so that erasing one job leaves the other.
//! * It is still at work: wait for it.
//! * It brought nothing, or what it brought is gone: release the claim and do the work.
//!
//! Several may do the last at once, and several may read a new content before the first of them claims it. Only one
//! of them is moved on with the claim; the others come here again and find it. The reading is done twice then, but
//! nothing that costs.
//!
//! A claim names a run. Of a former run only its outcome is kept, which tells enough: the claim itself says that
//! the run's work was this content.

use domain::{Artifact, Job, JobId, Outcome, OutcomeKind, Stage, State};
use ports::{Fault, Stack};
use worker::StepFailure;

/// The largest artifact that is copied when a result is reused.
const ARTIFACT_LIMIT: u64 = 512 << 20;

/// What a job has to do about its content.
pub(crate) enum Content {
    /// The work, and to claim this name with it where there is one.
    Ours(Option<String>),
    /// To wait for another job.
    AtWork,
    /// Nothing: it has the artifacts of that run, whose job this is.
    Copied(Box<Job>, u32),
}

/// What came of the work of a claim's holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Summarized,
    AtWork,
    Nothing,
}

/// Takes over the result of a content, if there is one, or tells whose the work is.
pub(crate) async fn find(stack: &Stack, job: &Job, name: String) -> Result<Content, StepFailure> {
    let mut released = None;
    while let Some((by, run)) = stack.jobs.content(&name).await? {
        if released.as_ref() == Some(&(by.clone(), run)) {
            // An earlier release marked it as finished for good, but the result is gone: nobody can claim it.
            return Ok(Content::Ours(None));
        }
        let holder = stack.jobs.get(&by).await?;
        match holder.as_ref().map_or(Standing::Nothing, |holder| standing(holder, run, &name, &job.id)) {
            Standing::AtWork => return Ok(Content::AtWork),
            Standing::Summarized if copy(stack, job, &by, run).await? => {
                if let Some(holder) = holder {
                    return Ok(Content::Copied(Box::new(holder), run));
                }
            }
            Standing::Summarized | Standing::Nothing => {}
        }
        stack.jobs.release_content(&name, &by, run).await?;
        released = Some((by, run));
    }
    Ok(Content::Ours(Some(name)))
}

/// What came of the content `name`, which run `run` of `holder` has, for the job `ours`.
fn standing(holder: &Job, run: u32, name: &str, ours: &JobId) -> Standing {
    let ended = |outcome: &Outcome| match outcome.kind {
        OutcomeKind::Summarized => Standing::Summarized,
        _ => Standing::Nothing,
    };
    if run < holder.run {
        let past = holder.past.iter().find(|past| past.run == run);
        return past.map_or(Standing::Nothing, |past| ended(&past.outcome));
    }
    // Who stands at ingest does not wait for himself.
    if run > holder.run || holder.id == *ours {
        return Standing::Nothing;
    }
    match (&holder.reuse, &holder.outcome) {
        (Some(reuse), Some(outcome)) if reuse == name => ended(outcome),
        (Some(reuse), None) if reuse == name => Standing::AtWork,
        // Earlier releases claimed while they were at ingest, and wrote the name down later.
        (None, None) if holder.state == State::At(Stage::Ingest) => Standing::AtWork,
        _ => Standing::Nothing,
    }
}

/// Copies the artifacts of a run that was summarized. `false` if they are gone.
async fn copy(stack: &Stack, job: &Job, other: &JobId, run: u32) -> Result<bool, StepFailure> {
    for artifact in [Artifact::Pages, Artifact::Result] {
        let body = match stack.objects.read(&artifact.key(other, run), ARTIFACT_LIMIT).await {
            Ok(body) => body,
            Err(error) if error.fault == Fault::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        stack.objects.write_once(&artifact.key(&job.id, job.run), body).await?;
    }
    Ok(true)
}
