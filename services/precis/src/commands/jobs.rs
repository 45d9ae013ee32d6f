//! `precis jobs`, `precis job`, `precis text`.

use super::place::Place;
use super::{cost, find};
use crate::cli;
use crate::show::{self, clean};
use anyhow::{Result, bail};
use domain::job::{Job, State, What};
use domain::settings::Source;
use domain::text::Pages;
use domain::{Artifact, OutcomeKind, Stage};
use jiff::Timestamp;
use ports::{Fault, Filter, Stack};
use std::io::Write;

/// Pages by OCR that are named one by one.
const NUMBERED: usize = 12;

/// Lists jobs, a line each.
pub async fn list(stack: &Stack, args: &cli::Jobs, out: &mut dyn Write) -> Result<()> {
    let stage = |name: &str| Stage::ALL.into_iter().find(|stage| stage.as_str() == name);
    let state = args.state.as_deref();
    let kinds =
        [OutcomeKind::Summarized, OutcomeKind::Rejected, OutcomeKind::Failed, OutcomeKind::Superseded];
    let kind = kinds.into_iter().find(|kind| Some(kind.as_str()) == state);
    let filter = Filter {
        state: match state {
            Some("ended") => Some(State::Ended),
            Some(name) => stage(name).map(State::At),
            None => None,
        },
        unfinished: state == Some("waiting"),
        reason: args.reason,
        key_prefix: args.prefix.clone(),
        // An outcome is looked for among those listed, so the bound comes after it.
        limit: if kind.is_some() { 0 } else { args.limit },
        ..Filter::default()
    };
    let jobs = find::all(stack.jobs.as_ref(), &filter).await?;
    let jobs: Vec<_> = jobs
        .into_iter()
        .filter(|job| {
            kind.is_none_or(|kind| job.outcome.as_ref().is_some_and(|outcome| outcome.kind == kind))
        })
        .take(args.limit)
        .collect();
    if args.json {
        for job in &jobs {
            writeln!(out, "{}", row(job))?;
        }
        return Ok(());
    }
    if jobs.is_empty() {
        writeln!(
            out,
            "No jobs{}.",
            if state.is_some() || args.reason.is_some() { " like that" } else { " yet" }
        )?;
        return Ok(());
    }
    writeln!(
        out,
        "{:<8}  {:>3}  {:<10}  {:<19}  {:<17}  {:>7}  DOCUMENT",
        "ID", "RUN", "STATE", "REASON", "CHANGED (UTC)", "WORK"
    )?;
    for job in &jobs {
        let work: u64 = job.timings_ms.values().sum();
        writeln!(
            out,
            "{:<8}  {:>3}  {:<10}  {:<19}  {:<17}  {:>7}  {}",
            job.id.short(),
            job.run,
            state_word(job),
            reason(job),
            show::time(job.updated_at),
            show::millis(work),
            if job.is_forgotten() { "(erased)".to_owned() } else { clean(&job.document.key) }
        )?;
    }
    Ok(())
}

/// One word for where a job is or how it ended.
fn state_word(job: &Job) -> &'static str {
    match (job.state, &job.outcome) {
        _ if job.is_erased() => "erased",
        (State::Ended, Some(outcome)) => outcome.kind.as_str(),
        (State::At(stage), _) => stage.as_str(),
        (State::Ended, None) => "ended",
    }
}

fn reason(job: &Job) -> &'static str {
    job.outcome.as_ref().and_then(|outcome| outcome.reason).map_or("-", domain::Reason::code)
}

fn row(job: &Job) -> serde_json::Value {
    serde_json::json!({
        "id": job.id, "run": job.run, "key": job.document.key, "name": job.document.name(),
        "state": state_word(job), "stage": job.stage(), "reason": job.outcome.as_ref().and_then(|o| o.reason),
        "attempts": job.attempts, "created_at": job.created_at, "updated_at": job.updated_at,
        "timings_ms": job.timings_ms, "pages": job.pages, "ocr_pages": job.ocr_pages.len(), "cost": job.cost,
    })
}

/// Shows one job as a person wants to see it.
pub async fn one(place: &Place, args: &cli::One, out: &mut dyn Write) -> Result<()> {
    let job = find::one(place.stack.jobs.as_ref(), &args.id).await?;
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&job)?)?;
        return Ok(());
    }
    if let Some(at) = job.erased {
        return erased(&job, at, out);
    }
    let version: String = job.document.version.chars().take(12).collect();
    writeln!(
        out,
        "{}  {}  version {}  run {}",
        job.id.short(),
        clean(&job.document.key),
        clean(&version),
        job.run
    )?;
    headline(&job, out)?;
    writeln!(out)?;
    history(&job, out)?;
    writeln!(out)?;
    if let Some(pages) = job.pages {
        let ocr = job.ocr_pages.len();
        let numbers = job.ocr_pages.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        let which = if ocr > 0 && ocr <= NUMBERED { format!(" ({numbers})") } else { String::new() };
        let by_ocr = if ocr > 0 { format!(", {ocr} by OCR{which}") } else { String::new() };
        writeln!(out, "Pages     {pages}{by_ocr}")?;
    }
    if let Some((from, run)) = &job.reused_from {
        writeln!(out, "Reused    the result of job {} run {run}: the same content", from.short())?;
    }
    told(place, &job, out).await?;
    writeln!(out, "Cost      {}", cost::line(&job.total_cost()))?;
    settings(&job, out)?;
    for past in &job.past {
        let reason = past.outcome.reason.map(|reason| format!(" {reason}")).unwrap_or_default();
        writeln!(
            out,
            "Before    run {0} ended {1}{reason}; its result is kept: precis result {2} --run {0}",
            past.run,
            past.outcome.kind.as_str(),
            job.id.short()
        )?;
    }
    Ok(())
}

/// What there is to say of a document that was erased.
fn erased(job: &Job, at: Timestamp, out: &mut dyn Write) -> Result<()> {
    let short = job.id.short();
    writeln!(out, "{short}  run {}", job.run)?;
    if job.is_forgotten() {
        writeln!(out, "ERASED at {} UTC: nothing of its document is kept", show::time(at))?;
    } else {
        writeln!(
            out,
            "BEING ERASED since {} UTC. Do: precis erase {short} --yes goes on with it",
            show::time(at)
        )?;
    }
    writeln!(out, "Cost      {}", cost::line(&job.cost))?;
    Ok(())
}

/// The length, and what somebody has set; the rest is as by default, and `precis settings` shows it.
fn settings(job: &Job, out: &mut dyn Write) -> Result<()> {
    let rows = job.settings.rows().into_iter();
    let shown: Vec<_> = rows
        .filter(|(name, _, source)| *name == "words" || *source != Source::Default)
        .map(|(name, value, source)| format!("{name}={} ({source})", show::plain(&value)))
        .collect();
    writeln!(out, "Settings  {}", shown.join("  "))?;
    Ok(())
}

/// The letter about this run, and what has not arrived of what it told.
async fn told(place: &Place, job: &Job, out: &mut dyn Write) -> Result<()> {
    let summarized =
        |job: &Job| job.outcome.as_ref().is_some_and(|outcome| outcome.kind == OutcomeKind::Summarized);
    if let Some(aws) = place.aws().filter(|_| summarized(job)) {
        let result = aws.names.console_url(&Artifact::Result.key(&job.id, job.run));
        writeln!(out, "Result    {result}")?;
    }
    if job.digest.is_some() && job.state == State::Ended {
        writeln!(out, "Mail      none of its own: a digest tells of it")?;
    }
    let Some(local) = place.local() else { return Ok(()) };
    let name = format!("{}-{}", job.id, job.run);
    let late: Vec<_> =
        local.delivery_list().await?.into_iter().filter(|delivery| delivery.notification == name).collect();
    for delivery in &late {
        let state = if delivery.dead { "given up" } else { "on its way" };
        let cause = delivery.last_error.as_deref().map(|cause| format!(": {}", clean(cause)));
        let (kind, to) = (&delivery.kind, clean(&delivery.to));
        writeln!(out, "Told      {kind} {to} {state}{}", cause.unwrap_or_default())?;
    }
    let letter = local.layout.outbox().join(format!("{name}.eml"));
    if letter.exists() {
        writeln!(out, "Mail      {}", letter.display())?;
    }
    Ok(())
}

fn headline(job: &Job, out: &mut dyn Write) -> Result<()> {
    let at = format!("{} UTC", show::time(job.updated_at));
    match (&job.outcome, job.state) {
        (Some(outcome), state) => {
            let kind = outcome.kind.as_str().to_uppercase();
            let telling = if state == State::Ended { "" } else { " (being told)" };
            let Some(reason) = outcome.reason else { return Ok(writeln!(out, "{kind} at {at}{telling}")?) };
            writeln!(out, "{kind} at {at}: {reason}{telling}")?;
            writeln!(out, "  {}", reason.explanation())?;
            if let Some(detail) = outcome.detail.as_deref().filter(|detail| !detail.is_empty()) {
                writeln!(out, "  Seen: {}", clean(detail))?;
            }
            writeln!(
                out,
                "  Do: {}",
                reason.advice().replace("precis retry ID", &format!("precis retry {}", job.id.short()))
            )?;
        }
        (None, State::At(stage)) => {
            let doing = match &job.claim {
                Some(_) => "at work",
                None => "waiting",
            };
            writeln!(out, "{doing} at {stage}, attempt {}", job.attempts.max(1))?;
            if let Some(failure) = &job.last_failure {
                writeln!(out, "  The last attempt failed: {}", clean(failure))?;
            }
        }
        (None, State::Ended) => {}
    }
    Ok(())
}

fn history(job: &Job, out: &mut dyn Write) -> Result<()> {
    for entry in &job.history {
        let what = match entry.what {
            What::Done => "ok",
            What::Waited => "waited",
            What::Failed => "FAILED",
            What::Decided if entry.note.is_empty() => "ok",
            What::Decided => "ended",
            What::Restarted => "asked",
        };
        let took = entry.duration_ms.map(show::millis).unwrap_or_default();
        let (stage, note) = (entry.stage.as_str(), clean(&entry.note));
        let run = format!("run {}", entry.run);
        let stage = if entry.what == What::Restarted { run.as_str() } else { stage };
        let line = format!("{}  {stage:<9}  {what:<8}  {took:>7}  {note}", show::clock(entry.at));
        writeln!(out, "{}", line.trim_end())?;
    }
    let reached = job
        .stage()
        .map_or(Stage::ALL.len(), |stage| Stage::ALL.iter().position(|s| *s == stage).unwrap_or(0));
    for stage in Stage::ALL.iter().skip(reached) {
        writeln!(
            out,
            "   -      {:<9}  {}",
            stage.as_str(),
            if job.stage() == Some(*stage) { "owed" } else { "not started" }
        )?;
    }
    Ok(())
}

/// Prints the text that was read.
pub async fn text(stack: &Stack, args: &cli::One, out: &mut dyn Write) -> Result<()> {
    let job = find::one(stack.jobs.as_ref(), &args.id).await?;
    for run in (1..=job.run).rev() {
        for artifact in [Artifact::Pages, Artifact::Read] {
            let body = match stack.objects.read(&artifact.key(&job.id, run), 1 << 30).await {
                Ok(body) => body,
                Err(error) if error.fault == Fault::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            let pages: Pages = serde_json::from_slice(&body)?;
            if args.json {
                writeln!(out, "{}", serde_json::to_string(&pages)?)?;
            } else {
                out.write_all(pages.to_text().as_bytes())?;
            }
            return Ok(());
        }
    }
    bail!("no text was read of {} (yet): see `precis job {}`", clean(&job.document.key), job.id.short())
}
