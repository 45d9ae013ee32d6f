//! The e-mails about many: failures of one cause, and summaries of one burst.

use crate::body::pages_of;
use crate::causes::in_short;
use crate::clean::{clean, clip, clip_middle};
use crate::digest::{Rule, name, place};
use crate::wrap::wrap;
use crate::{Links, markdown, subject};
use domain::message::Digest;
use domain::settings::EmailContent;
use domain::summary::Summary;
use domain::{Audience, Job, OutcomeKind, Reason};
use jiff::Timestamp;
use ports::{Notification, Tally};
use std::fmt::Write;

/// So many summaries of a burst are named, with their headlines.
pub const NAMED: usize = 100;

/// A document of a burst, with its summary where that could be read.
pub type Summarized = (Job, Option<Summary>);

/// The e-mail about many that failed for one cause.
#[must_use]
pub fn failed(digest: &Digest, reason: Reason, tally: &Tally, rule: &Rule, contact: &str) -> Notification {
    let (_, prefix) = place(digest);
    let shown = shown(&prefix);
    let kind = match reason.audience() {
        Audience::Sender => OutcomeKind::Rejected,
        Audience::Operator => OutcomeKind::Failed,
    };
    Notification {
        outcome: kind,
        reason: Some(reason),
        audience: reason.audience(),
        subject: subject::of_failed(tally.count, reason, &shown),
        text: why(digest, reason, tally, rule, contact, &shown),
        markdown: as_markdown(reason, tally, &shown),
        ..told(digest)
    }
}

/// The e-mail about a burst of `count` summaries, of which some are named.
#[must_use]
pub fn summarized(
    digest: &Digest,
    count: u64,
    named: &[Summarized],
    rule: &Rule,
    links: &Links,
) -> Notification {
    let (_, prefix) = place(digest);
    let shown = shown(&prefix);
    let all = format!("precis jobs --prefix '{}'", clip_middle(&clean(&prefix), 120));
    let lead = format!(
        "{count} documents in {shown} were summarized ({}). They came faster than e-mails may be sent, so this one \
         tells of all of them.",
        when(digest, rule)
    );
    let mut out = wrap("", "  ", &lead) + "\n\n";
    let mut listed = format!("# {count} documents in {}\n\n", markdown::escape(&shown));
    for (job, summary) in named.iter().take(NAMED) {
        let line = named_line(job, summary.as_ref());
        let _ = writeln!(out, "{}", wrap("- ", "  ", &line));
        let _ = writeln!(listed, "- {}", markdown::escape(&line));
        if let Some(address) = links.open(job) {
            let _ = writeln!(out, "{}", wrap("  ", "  ", &address));
        }
    }
    let unnamed = count.saturating_sub(named.len().min(NAMED) as u64);
    if unnamed > 0 {
        let _ = writeln!(out, "{}", wrap("", "  ", &format!("and {unnamed} more: {all}")));
        let _ = writeln!(listed, "\nand {unnamed} more");
    }
    let _ = writeln!(out, "\n{}", wrap("", "  ", &format!("You get this because you follow {shown}")));
    let subject = subject::of_summarized(count, &shown);
    Notification { outcome: OutcomeKind::Summarized, subject, text: out, markdown: listed, ..told(digest) }
}

/// What both have in common: filters look at bucket and key, and the prefix stands for all keys that begin with it.
fn told(digest: &Digest) -> Notification {
    let (bucket, key) = place(digest);
    Notification {
        id: name(digest),
        job: None,
        run: 0,
        bucket: bucket.to_owned(),
        key,
        outcome: OutcomeKind::Summarized,
        reason: None,
        audience: Audience::Sender,
        subject: String::new(),
        text: String::new(),
        markdown: String::new(),
        json: String::new(),
    }
}

/// Where the documents lie, for people.
fn shown(prefix: &str) -> String {
    if prefix.is_empty() { "the inbox".to_owned() } else { clip_middle(&clean(prefix), 60) }
}

/// From when to when.
fn when(digest: &Digest, rule: &Rule) -> String {
    let at = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    let (from, to) = (at(digest.window), at(digest.window.saturating_add(rule.seconds())));
    format!("{} to {} UTC", from.strftime("%-d %b %Y, %H:%M"), to.strftime("%H:%M"))
}

/// Name and pages of a document, and its headline where e-mails may hold that.
fn named_line(job: &Job, summary: Option<&Summary>) -> String {
    let document = format!("{}{}", clip_middle(&clean(&job.document.key), 120), pages_of(job.pages));
    match summary.filter(|_| job.settings.email != EmailContent::Link) {
        Some(summary) => format!("{document}: {}", clip(&clean(&summary.headline), 200, "…")),
        None => document,
    }
}

fn why(digest: &Digest, reason: Reason, tally: &Tally, rule: &Rule, contact: &str, place: &str) -> String {
    let (count, when) = (tally.count, when(digest, rule));
    let lead = format!("{count} documents in {place} were not summarized, all for one cause ({when}).");
    let mut out = wrap("", "  ", &lead) + "\n\n";
    let all = format!("precis jobs --reason {reason}");
    let mut lines = vec![("Why:  ", reason.explanation().to_owned()), ("Do:   ", advice(reason))];
    match reason.audience() {
        Audience::Sender => lines.push(("Ask:  ", contact.to_owned())),
        Audience::Operator => lines.push(("All:  ", all)),
    }
    for (label, text) in lines {
        let _ = writeln!(out, "{}", wrap(label, "      ", &text));
    }
    out.push_str("\nAmong them\n");
    for key in &tally.examples {
        let _ = writeln!(out, "{}", wrap("- ", "  ", &clip_middle(&clean(key), 120)));
    }
    let told =
        format!("The first {} of them had an e-mail each; the others are told by this one.", rule.singly);
    let _ = writeln!(out, "\n{}", wrap("", "  ", &told));
    let _ =
        writeln!(out, "{}", wrap("", "  ", &format!("You get this because you follow {place} ({reason})")));
    out
}

/// The advice, for many jobs instead of one.
fn advice(reason: Reason) -> String {
    let many = |command: &str| format!("precis {command} --reason {reason}");
    reason.advice().replace("precis job ID", &many("jobs")).replace("precis retry ID", &many("retry"))
}

fn as_markdown(reason: Reason, tally: &Tally, place: &str) -> String {
    let escape = markdown::escape;
    let mut out = format!("# {} documents in {}: {}\n\n", tally.count, escape(place), in_short(reason));
    let _ = writeln!(out, "**Why:** {}\n", reason.explanation());
    let _ = writeln!(out, "**What to do:** {}\n", advice(reason));
    let _ = writeln!(out, "**Reason code:** {reason}\n\n## Among them\n");
    for key in &tally.examples {
        let _ = writeln!(out, "- {}", escape(key));
    }
    out
}
