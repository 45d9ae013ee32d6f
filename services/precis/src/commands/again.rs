//! `precis retry`, `precis reprocess`: new runs of ended jobs.

use super::find;
use crate::cli;
use crate::show::clean;
use anyhow::{Result, anyhow, bail};
use domain::settings::Layer;
use domain::{Job, OutcomeKind, State};
use ports::{Fault, Filter, Stack};
use std::io::Write;

/// Runs failed jobs again as they were.
pub async fn retry(stack: &Stack, args: &cli::Retry, out: &mut dyn Write) -> Result<()> {
    let jobs = match (&args.which.id, args.which.reason) {
        (Some(id), _) => vec![find::one(stack.jobs.as_ref(), id).await?],
        (None, Some(reason)) => {
            let filter = Filter { state: Some(State::Ended), reason: Some(reason), ..Filter::default() };
            find::all(stack.jobs.as_ref(), &filter).await?
        }
        (None, None) => {
            let filter = Filter { state: Some(State::Ended), ..Filter::default() };
            let failed =
                |job: &Job| job.outcome.as_ref().is_some_and(|outcome| outcome.kind == OutcomeKind::Failed);
            find::all(stack.jobs.as_ref(), &filter).await?.into_iter().filter(failed).collect()
        }
    };
    if jobs.is_empty() {
        writeln!(out, "There is nothing to retry.")?;
    }
    for job in jobs {
        let asked = job.asked.clone();
        restart(stack, job, &asked, false, out).await?;
    }
    Ok(())
}

/// Runs ended jobs again with other settings.
pub async fn reprocess(stack: &Stack, args: &cli::Reprocess, out: &mut dyn Write) -> Result<()> {
    let asked = args.asked.layer().map_err(|error| anyhow!(error))?;
    let by_prefix =
        Filter { state: Some(State::Ended), key_prefix: Some(args.which.clone()), ..Filter::default() };
    let is_id = args.which.len() >= 4 && args.which.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut jobs = if is_id {
        find::one(stack.jobs.as_ref(), &args.which).await.map(|job| vec![job]).unwrap_or_default()
    } else {
        Vec::new()
    };
    if jobs.is_empty() {
        jobs = find::all(stack.jobs.as_ref(), &by_prefix).await?;
    }
    if jobs.is_empty() {
        bail!(
            "no ended job has the id {0:?} or a key that starts with {0:?}: `precis jobs` lists them",
            args.which
        );
    }
    for job in jobs {
        restart(stack, job, &asked, args.fresh, out).await?;
    }
    Ok(())
}

/// Starts a new run of one job and says so.
async fn restart(stack: &Stack, job: Job, asked: &Layer, fresh: bool, out: &mut dyn Write) -> Result<()> {
    let name = format!("{}  {}", job.id.short(), clean(&job.document.key));
    match start_again(stack, &job, asked, fresh).await? {
        Started::Run(run) => writeln!(out, "{name}: run {run} started")?,
        Started::Erased => writeln!(out, "{name}: erased, there is nothing to run")?,
        Started::StillAtWork => writeln!(out, "{name}: still at work, left alone")?,
        Started::ChangedMeanwhile => writeln!(out, "{name}: somebody else changed it just now, left alone")?,
    }
    Ok(())
}

/// What came of wishing for a new run.
pub enum Started {
    /// It was started under this number.
    Run(u32),
    /// The job has not ended.
    StillAtWork,
    /// Its document was erased.
    Erased,
    /// Somebody else wrote the job since it was read.
    ChangedMeanwhile,
}

/// Starts a new run of an ended job and sends its nudge. A crash in between is mended by the reconciler.
pub async fn start_again(stack: &Stack, job: &Job, asked: &Layer, fresh: bool) -> Result<Started> {
    if job.is_erased() {
        return Ok(Started::Erased);
    }
    let Ok(again) = job.restart(asked.clone(), fresh, stack.clock.now()) else {
        return Ok(Started::StillAtWork);
    };
    match stack.jobs.replace(&again).await {
        Ok(()) => {}
        Err(error) if error.fault == Fault::Conflict => return Ok(Started::ChangedMeanwhile),
        Err(error) => return Err(error.into()),
    }
    worker::flow::send_owed(stack, &again).await?;
    Ok(Started::Run(again.run))
}
