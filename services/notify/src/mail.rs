//! The e-mails: a finished document, one that was not summarized, and many with one cause.
//!
//! A busy person reads the first line and the bullets. So the lead comes first, the machinery last and short,
//! and whoever must act is told what to do and whom to ask.

use crate::Links;
use crate::body;
use crate::clean::{clean, clip_middle};
use crate::wrap::wrap;
use domain::outcome::Report;
use domain::settings::EmailContent;
use domain::{Audience, Job, OutcomeKind};
use std::fmt::Write;

/// The text of one document's e-mail.
#[must_use]
pub(crate) fn text(job: &Job, report: &Report, links: &Links) -> String {
    match &report.summary {
        Some(summary) => finished(job, report, summary, links),
        None => not_summarized(job, report, links),
    }
}

fn finished(job: &Job, report: &Report, summary: &domain::summary::Summary, links: &Links) -> String {
    let mut out = match job.settings.email {
        EmailContent::Full => body::summary(report, summary) + "\n" + &crate::writing::writing(summary),
        EmailContent::Headline => body::headline(summary) + "\n\n",
        EmailContent::Link => wrap("", "  ", &format!("The summary of {} is ready.", key(job))) + "\n\n",
    };
    if job.settings.email != EmailContent::Link {
        out.push_str(&body::coverage(report));
        let _ = writeln!(out, "{}", document(job));
    }
    open(&mut out, job, links);
    footer(&mut out, job, None);
    out
}

fn not_summarized(job: &Job, report: &Report, links: &Links) -> String {
    let verb = match report.outcome {
        OutcomeKind::Superseded => "Not summarized:",
        OutcomeKind::Failed => "Could not be finished:",
        _ => "Could not be summarized:",
    };
    let mut out = wrap("", "  ", &format!("{verb} {}", key(job))) + "\n\n";
    let detailed = job.settings.email != EmailContent::Link;
    out.push_str(&body::why_and_what(report, detailed));
    if report.audience == Some(Audience::Sender) && report.outcome != OutcomeKind::Superseded {
        let _ = writeln!(out, "{}", wrap("Ask:  ", "      ", &links.whom()));
    }
    let _ = writeln!(out, "\nUploaded: {}, {}", uploaded(job), size(job.document.size));
    footer(&mut out, job, report.reason.map(domain::Reason::code));
    out
}

/// The document's key, harmless and of bearable length.
fn key(job: &Job) -> String {
    clip_middle(&clean(&job.document.key), 120)
}

fn document(job: &Job) -> String {
    wrap("Document: ", "  ", &format!("{}, uploaded {}", key(job), uploaded(job)))
}

/// When the document came, in UTC.
fn uploaded(job: &Job) -> String {
    job.document.uploaded_at.strftime("%-d %b %Y %H:%M UTC").to_string()
}

/// A size in bytes as people say it.
pub(crate) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
    let value = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.0} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

/// Where the result is. Never broken, whatever its length: half an address opens nothing.
fn open(out: &mut String, job: &Job, links: &Links) {
    if let Some(place) = links.open(job) {
        let gap = if place.len() > crate::wrap::WIDTH - 6 { "\n" } else { " " };
        let _ = writeln!(out, "Open:{gap}{place}");
    }
}

fn footer(out: &mut String, job: &Job, code: Option<&str>) {
    let folder = match clean(&job.document.key).rsplit_once('/') {
        Some((folder, _)) => format!("{}/", clip_middle(folder, 60)),
        None => "this inbox".to_owned(),
    };
    let run = if job.run > 1 { format!(", run {}", job.run) } else { String::new() };
    let code = code.map_or_else(String::new, |code| format!(" ({code})"));
    let line = format!("You get this because you follow {folder}. Job {}{run}{code}", job.id.short());
    let _ = writeln!(out, "{}", wrap("", "  ", &line));
}
