//! `precis result`: what a run found, again.

use super::find;
use crate::cli;
use crate::outcome;
use crate::show::clean;
use anyhow::{Result, bail};
use domain::{Job, OutcomeKind};
use ports::Stack;
use std::io::Write;
use std::process::ExitCode;

/// Prints the result of one run. Exit status 1 if it ended without a summary, which is named as everywhere.
pub async fn run(stack: &Stack, args: &cli::ResultOf, out: &mut dyn Write) -> Result<ExitCode> {
    let job = find::one(stack.jobs.as_ref(), &args.id).await?;
    let wanted = args.run.or_else(|| last_ended(&job));
    let report = match wanted {
        Some(run) => outcome::report_of_run(stack, &job, run).await?,
        None => None,
    };
    let Some(report) = report else {
        let which = wanted.map_or_else(|| "no run".to_owned(), |run| format!("no run {run}"));
        let (key, id) = (clean(&job.document.key), job.id.short());
        bail!("{which} of {key} has ended (yet): `precis job {id}` says which have, and what goes on")
    };
    if let Some(text) = outcome::print(&report, args.format)? {
        out.write_all(text.as_bytes())?;
        out.flush()?;
    }
    if report.outcome == OutcomeKind::Summarized {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{}", outcome::complaint(&report));
    Ok(ExitCode::from(1))
}

/// The present run if it has ended, else the one before.
fn last_ended(job: &Job) -> Option<u32> {
    if job.outcome.is_some() { Some(job.run) } else { job.past.last().map(|past| past.run) }
}
