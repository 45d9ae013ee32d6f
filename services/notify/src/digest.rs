//! One cause, many documents, one e-mail.
//!
//! A broken scanner or a missing OCR engine fails hundreds of documents for one cause. The first
//! [`Rule::singly`] of an hour are mailed one by one; for all later ones there is one e-mail when the hour is
//! over, with the number, three examples and what to do. Programs hear of every one.
//!
//! * The cause is the reason and the tenant. The store counts each run once and tells it its place, so a
//!   repeated message changes neither the count nor who is mailed.
//! * The job at the first place that is not mailed asks for the digest, by a message to notify's own queue that
//!   waits until the hour is over. Should that very job be given up before it could ask, all after it would be
//!   silent; so the places 2, 4, 8 … behind it ask again ([`Rule::asks`]).
//! * Digests asked for more than once are told once: the teller claims the digest's name in the store of
//!   content claims and finishes it after publishing. Only a crash between publishing and finishing can tell it
//!   again, and only where the topic does not know ids.
//! * The hour is that of the clock when a job is counted. The digest waits a little longer than the hour, for
//!   hosts whose clocks are behind.

use crate::causes::in_short;
use crate::clean::{clean, clip_middle};
use crate::wrap::wrap;
use crate::{markdown, subject};
use domain::message::{Digest, MESSAGE_SCHEMA};
use domain::{Audience, Job, JobId, OutcomeKind, Reason};
use jiff::Timestamp;
use ports::{Notification, Tally};
use std::fmt::Write;
use std::time::Duration;

/// When many are told at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Length of a window, at least a second.
    pub window: Duration,
    /// So many documents of one cause and window are mailed singly.
    pub singly: u64,
}

impl Default for Rule {
    /// Ten in an hour.
    fn default() -> Self {
        Self { window: Duration::from_secs(3600), singly: 10 }
    }
}

impl Rule {
    /// The start of the window at `now`, in seconds since 1970.
    #[must_use]
    pub fn window_at(&self, now: Timestamp) -> i64 {
        let seconds = self.seconds();
        now.as_second().div_euclid(seconds) * seconds
    }

    /// When the digest of a window may be told: its end, and up to a minute for clocks that are behind.
    #[must_use]
    pub fn due(&self, window: i64) -> Timestamp {
        let grace = (self.seconds() / 10).min(60);
        Timestamp::from_second(window.saturating_add(self.seconds() + grace)).unwrap_or(Timestamp::MAX)
    }

    /// Whether the job at this place (from 1) gets an e-mail of its own.
    #[must_use]
    pub fn is_mailed(&self, place: u64) -> bool {
        place <= self.singly
    }

    /// Whether the job at this place asks for the digest: the first that is not mailed, and the 2nd, 4th, 8th …
    /// of those in case it could not.
    #[must_use]
    pub fn asks(&self, place: u64) -> bool {
        place.checked_sub(self.singly).is_some_and(u64::is_power_of_two)
    }

    fn seconds(&self) -> i64 {
        i64::try_from(self.window.as_secs()).unwrap_or(i64::MAX / 4).max(1)
    }
}

/// The message that asks for the digest of a job's cause.
#[must_use]
pub(crate) fn ask(job: &Job, reason: Reason, window: i64) -> Digest {
    Digest { v: MESSAGE_SCHEMA, digest: reason, tenant: job.document.tenant().to_string(), window }
}

/// The cause as the tally knows it.
#[must_use]
pub(crate) fn cause(digest: &Digest) -> String {
    format!("{} {}", digest.digest.code(), digest.tenant)
}

/// The name under which a digest is claimed and told: unique for cause and window, of harmless characters.
#[must_use]
pub(crate) fn name(digest: &Digest) -> String {
    let tenant = JobId::of("digest", &digest.tenant, digest.digest.code());
    format!("digest-{}-{}-{}", digest.digest.code(), digest.window, tenant.short())
}

/// The e-mail about many.
#[must_use]
pub fn render_digest(digest: &Digest, tally: &Tally, rule: &Rule, contact: &str) -> Notification {
    let reason = digest.digest;
    let (bucket, prefix) = digest.tenant.split_once('/').unwrap_or((&digest.tenant, ""));
    // Filters look at keys: the tenant's prefix stands for all keys in it.
    let key = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let place = if prefix.is_empty() { "the inbox".to_owned() } else { clip_middle(&clean(&key), 60) };
    let kind = match reason.audience() {
        Audience::Sender => OutcomeKind::Rejected,
        Audience::Operator => OutcomeKind::Failed,
    };
    Notification {
        id: name(digest),
        job: None,
        run: 0,
        bucket: bucket.to_owned(),
        key,
        outcome: kind,
        reason: Some(reason),
        audience: reason.audience(),
        subject: subject::of_many(tally.count, reason, &place),
        text: text(digest, tally, rule, &place, contact),
        markdown: as_markdown(reason, tally, &place),
        json: String::new(),
    }
}

fn text(digest: &Digest, tally: &Tally, rule: &Rule, place: &str, contact: &str) -> String {
    let reason = digest.digest;
    let at = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    let (from, to) = (at(digest.window), at(digest.window.saturating_add(rule.seconds())));
    let count = tally.count;
    let when = format!("{} to {} UTC", from.strftime("%-d %b %Y, %H:%M"), to.strftime("%H:%M"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ten_are_mailed_and_the_eleventh_asks_with_a_few_behind_it() {
        let rule = Rule::default();
        assert!(rule.is_mailed(10) && !rule.is_mailed(11));
        let asking: Vec<u64> = (1..=100).filter(|&place| rule.asks(place)).collect();
        assert_eq!(asking, [11, 12, 14, 18, 26, 42, 74]);
    }

    #[test]
    fn windows_are_whole_hours_and_a_digest_waits_a_minute_longer() {
        let rule = Rule::default();
        let now: Timestamp = "2026-11-23T14:59:59Z".parse().unwrap();
        let start: Timestamp = "2026-11-23T14:00:00Z".parse().unwrap();
        assert_eq!(rule.window_at(now), start.as_second());
        assert_eq!(rule.due(start.as_second()).to_string(), "2026-11-23T15:01:00Z");
    }
}
