//! The outcome of a job, read back for printing.

use crate::cli::Format;
use crate::show::clean;
use anyhow::{Context, Result};
use domain::outcome::{Finding, Report};
use domain::{Artifact, Job, OutcomeKind};
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
