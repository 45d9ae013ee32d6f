//! `precis erase`: every trace of one document, and what cannot be taken back.
//!
//! The record goes first into a state in which nobody does anything more for it, and loses its key last: so whatever
//! breaks off, the same command finds what is left (`domain::erase`). A worker that is at the document this very moment
//! may finish a write after everything was deleted; it is waited for, for as long as its claim lasts, and looked after
//! once more.

use super::find;
use super::place::Place;
use crate::cli;
use crate::show::{self, clean};
use anyhow::{Result, bail};
use domain::{Document, Job};
use jiff::Timestamp;
use ports::Fault;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Tries of a write that met a worker's.
const TRIES: u32 = 20;
/// Beyond a claim's end, since clocks differ.
const MARGIN: Duration = Duration::from_secs(2);

/// What there is of a document.
struct Subject {
    /// In words, for people.
    shown: String,
    jobs: Vec<Job>,
    versions: Vec<Document>,
    artifacts: u64,
    messages: usize,
    told: usize,
    files: Vec<PathBuf>,
}

/// Runs the command.
pub async fn run(place: &Place, args: &cli::Erase, out: &mut dyn Write) -> Result<()> {
    let subject = subject(place, args).await?;
    if !args.yes {
        if args.json {
            writeln!(out, "{}", report(place, args, &subject, false))?;
        } else {
            plan(args, &subject, out)?;
            cannot(place, args, out)?;
        }
        out.flush()?;
        bail!("nothing was deleted. Do: say it again with --yes");
    }
    for job in &subject.jobs {
        erase(place, args, job).await?;
    }
    if !args.keep_object {
        for version in &subject.versions {
            place.stack.objects.erase(version).await?;
        }
    }
    let is_compact = match place.local() {
        Some(local) => local.compact().await?,
        None => true,
    };
    if args.json {
        writeln!(out, "{}", report(place, args, &subject, true))?;
        return Ok(());
    }
    plan(args, &subject, out)?;
    writeln!(out, "Erased.")?;
    cannot(place, args, out)?;
    if !is_compact {
        writeln!(
            out,
            "The database may hold some of it in pages that it does not use any more. Do: the same command for any other \
             document, or `precis export` and `import`, when `precis up` has ended"
        )?;
    }
    Ok(())
}

/// The jobs and versions that are meant, and what hangs on them.
async fn subject(place: &Place, args: &cli::Erase) -> Result<Subject> {
    let stack = &place.stack;
    let bucket = args.bucket.clone().unwrap_or_else(|| place.bucket());
    let of_key = stack.jobs.of_key(&bucket, &args.what).await?;
    let looks_like_id = args.what.len() >= 4 && args.what.bytes().all(|byte| byte.is_ascii_hexdigit());
    let by_id =
        if looks_like_id && !args.key { find::one(stack.jobs.as_ref(), &args.what).await.ok() } else { None };
    if by_id.is_some() && !of_key.is_empty() {
        bail!(
            "{0} is a job's id and a document's key. Do: add --key if the key is meant, else give more of the id",
            args.what
        );
    }
    let (shown, jobs, versions) = match by_id {
        Some(job) if job.is_forgotten() => {
            let at = job.erased.map(show::time).unwrap_or_default();
            bail!("the document of job {} was erased at {at} UTC; nothing of it is kept", job.id.short());
        }
        Some(job) => {
            let mut versions = stack.objects.versions(&job.document.bucket, &job.document.key).await?;
            versions.retain(|version| version.version == job.document.version);
            (format!("{}, version of job {}", clean(&job.document.key), job.id.short()), vec![job], versions)
        }
        None => {
            let versions = stack.objects.versions(&bucket, &args.what).await?;
            (format!("{}, all versions", clean(&args.what)), of_key, versions)
        }
    };
    if jobs.is_empty() && versions.is_empty() {
        bail!(
            "there is no document with the key {:?} in {bucket}, and no job of it. Do: give the whole key (`precis jobs` \
             lists them), or a job's id",
            clean(&args.what)
        );
    }
    let mut subject =
        Subject { shown, jobs, versions, artifacts: 0, messages: 0, told: 0, files: Vec::new() };
    for job in &subject.jobs {
        subject.artifacts += stack.objects.list(&below(job)).await?.len() as u64;
        if let Some(local) = place.local() {
            let traces = local.traces(job, args.keep_object).await?;
            subject.messages += traces.messages;
            subject.told += traces.told;
            subject.files.extend(traces.files);
        }
    }
    subject.files.sort();
    subject.files.dedup();
    Ok(subject)
}

fn below(job: &Job) -> String {
    format!("jobs/{}/", job.id)
}

/// Erases one job and the version of the object that it is about.
async fn erase(place: &Place, args: &cli::Erase, job: &Job) -> Result<()> {
    let stack = &place.stack;
    let (before, job) = change(place, job, Job::erase).await?;
    let at_work = before.claim.as_ref().map(|claim| claim.until);
    if !args.keep_object {
        stack.objects.erase(&job.document).await?;
    }
    sweep(place, args, &job).await?;
    if let Some(until) = at_work {
        let left = Duration::try_from(until.duration_since(stack.clock.now())).unwrap_or_default();
        if !left.is_zero() {
            eprintln!(
                "{}: a worker was at it; waiting {} for it to let go",
                job.id.short(),
                show::age(left + MARGIN)
            );
            tokio::time::sleep(left + MARGIN).await;
            sweep(place, args, &job).await?;
        }
    }
    change(place, &job, Job::forget).await?;
    Ok(())
}

/// What was read, found, claimed and told.
async fn sweep(place: &Place, args: &cli::Erase, job: &Job) -> Result<()> {
    place.stack.objects.erase_artifacts(&below(job)).await?;
    place.stack.jobs.forget(job).await?;
    if let Some(local) = place.local() {
        local.erase_traces(job, args.keep_object).await?;
    }
    Ok(())
}

/// Writes the job as `to` makes it, whoever else writes it. Gives it as it stood before and as it stands now.
async fn change(place: &Place, job: &Job, to: impl Fn(&Job, Timestamp) -> Job) -> Result<(Job, Job)> {
    let jobs = &place.stack.jobs;
    let mut job = job.clone();
    let began = job.erased;
    for _ in 0..TRIES {
        let next = to(&job, place.stack.clock.now());
        match jobs.replace(&next).await {
            Ok(()) => return Ok((job, next)),
            Err(error) if error.fault == Fault::Conflict => {}
            Err(error) => return Err(error.into()),
        }
        let Some(now) = jobs.get(&job.id).await? else { bail!("job {} went away meanwhile", job.id.short()) };
        if began.is_some() && !now.is_erased() {
            bail!(
                "the document of job {} was uploaded once more meanwhile. Do: say it again, if that goes too",
                job.id.short()
            );
        }
        job = now;
    }
    bail!("job {} is written by others again and again. Do: say it again", job.id.short())
}

fn plan(args: &cli::Erase, subject: &Subject, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}", subject.shown)?;
    let mut line = |count: usize, what: &str| -> Result<()> {
        if count > 0 {
            writeln!(out, "  {count:>5}  {what}")?;
        }
        Ok(())
    };
    if !args.keep_object {
        line(subject.versions.len(), "versions of the object")?;
    }
    line(subject.jobs.len(), "jobs, with their claims for reuse and their places in tallies")?;
    line(
        usize::try_from(subject.artifacts).unwrap_or(usize::MAX),
        "artifacts: what was read and found, of all runs",
    )?;
    line(subject.messages, "messages that wait in queues")?;
    line(subject.told, "notifications, with what of them is not delivered yet")?;
    line(subject.files.len(), "files")?;
    for file in &subject.files {
        writeln!(out, "         {}", clean(&file.to_string_lossy()))?;
    }
    Ok(())
}

/// What is beyond our reach.
fn limits(place: &Place, args: &cli::Erase) -> Vec<&'static str> {
    let mut limits = vec!["e-mails and reports that were sent: whoever got them has them"];
    if args.keep_object {
        limits.push("the object itself, as you asked");
    }
    if place.aws().is_some() {
        limits.extend([
            "messages on their way: they name the key until they are received (and ignored) or expire",
            "DynamoDB's point-in-time recovery, which keeps the record for 35 days",
            "Textract, which keeps what it read for up to 7 days",
            "copies that you make yourself: replication, backups, an S3 Inventory",
        ]);
    } else {
        limits.extend([
            "backups that you made (`precis export`), and precis.db.before-N of an upgrade",
            "the original, where it came from elsewhere than the inbox; with --after move of another inbox, its folder done",
        ]);
    }
    limits
}

fn cannot(place: &Place, args: &cli::Erase, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "Not reached:")?;
    for limit in limits(place, args) {
        writeln!(out, "- {limit}")?;
    }
    writeln!(out, "Logs hold a job's id, and no key and no text.")?;
    Ok(())
}

fn report(place: &Place, args: &cli::Erase, subject: &Subject, erased: bool) -> serde_json::Value {
    let ids: BTreeSet<&str> = subject.jobs.iter().map(|job| job.id.as_str()).collect();
    let files: Vec<_> = subject.files.iter().map(|file| file.to_string_lossy()).collect();
    json!({
        "erased": erased, "jobs": ids, "versions": if args.keep_object { 0 } else { subject.versions.len() },
        "artifacts": subject.artifacts, "messages": subject.messages, "notifications": subject.told,
        "files": files, "not_reached": limits(place, args),
    })
}
