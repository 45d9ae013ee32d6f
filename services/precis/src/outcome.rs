//! The outcome of a job, read back for printing.

use crate::cli::Format;
use crate::show::clean;
use anyhow::{Context, Result};
use domain::outcome::{Finding, Report};
use domain::text::Origin;
use domain::{Artifact, Job, OutcomeKind, Stage, State};
use ports::Stack;

/// The report of a job that has an outcome.
pub async fn report(stack: &Stack, job: &Job) -> Result<Report> {
    let summarized = job.outcome.as_ref().is_some_and(|outcome| outcome.kind == OutcomeKind::Summarized);
    let finding: Option<Finding> = if summarized {
        let body = stack.objects.read(&Artifact::Result.key(&job.id, job.run), 1 << 30).await?;
        Some(serde_json::from_slice(&body).context("the result artifact is damaged")?)
    } else {
        None
    };
    Ok(notify::report(job, finding.as_ref()))
}

/// The report of one of a job's runs; `None` if that run has not ended or there was none.
pub async fn report_of_run(stack: &Stack, job: &Job, run: u32) -> Result<Option<Report>> {
    if run == job.run {
        return Ok(if job.outcome.is_some() { Some(report(stack, job).await?) } else { None });
    }
    let Some(then) = as_it_was(job, run) else { return Ok(None) };
    let mut report = report(stack, &then).await?;
    // What a run of an earlier release cost is not kept; what it sent to OCR shows in its pages.
    if report.cost.is_none() && report.timings_ms.contains_key(Stage::Ocr.as_str()) {
        let by_ocr = report.pages.iter().filter(|page| page.origin == Origin::Ocr).count();
        report.cost.ocr_pages = u32::try_from(by_ocr).unwrap_or(u32::MAX);
    }
    Ok(Some(report))
}

/// The job at the end of a former run.
fn as_it_was(job: &Job, run: u32) -> Option<Job> {
    let past = job.past.iter().find(|past| past.run == run)?;
    let mut then = job.clone();
    (then.run, then.state, then.cost) = (run, State::Ended, past.cost);
    (then.outcome, then.settings) = (Some(past.outcome.clone()), past.settings.clone());
    then.timings_ms.clear();
    for entry in job.history.iter().filter(|entry| entry.run == run) {
        if let Some(ms) = entry.duration_ms {
            *then.timings_ms.entry(entry.stage.as_str().to_owned()).or_default() += ms;
        }
    }
    Some(then)
}

/// What goes to standard output; `None` if this format shows failures on standard error only.
pub fn print(report: &Report, format: Format) -> Result<Option<String>> {
    Ok(match format {
        Format::Json => Some(format!("{}\n", serde_json::to_string(report)?)),
        _ if report.outcome != OutcomeKind::Summarized => None,
        Format::Text => Some(notify::text_result(report)),
        Format::Markdown => Some(format!("{}\n", notify::markdown(report))),
    })
}

/// Two or three lines that say why there is no summary, and what to do.
pub fn complaint(report: &Report) -> String {
    let reason = report.reason.map_or("", domain::Reason::code);
    let mut text = format!("precis: {}: {} ({reason})", clean(&report.document.key), report.outcome.as_str());
    for (label, line) in [("", &report.explanation), ("Do: ", &report.advice)] {
        if let Some(line) = line {
            text.push_str(&format!("\n  {label}{}", clean(line)));
        }
    }
    text
}
