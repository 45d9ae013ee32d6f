//! Many documents, one e-mail: of one cause, or of one burst.
//!
//! A broken scanner or a missing OCR engine fails hundreds of documents for one cause. The first
//! [`Rule::singly`] of an hour are mailed one by one; for all later ones there is one e-mail when the hour is
//! over, with the number, three examples and what to do. A burst of documents is summarized faster than e-mails may
//! be sent: a summary whose e-mail could not leave within [`PATIENCE`] has none of its own and is told, with all
//! others of five minutes, by one e-mail of their headlines ([`Rule::bursts`]). Programs hear of every one.
//!
//! * Those that are told together end alike (one reason, or summarized), lie in one bucket, and their keys begin alike:
//!   with the tenant's prefix, or the longest prefix that somebody subscribed for. So filters let the
//!   digest through to exactly those who would have had the e-mails.
//! * The store counts each run once and tells it its place, so a repeated message changes neither the count nor who
//!   is mailed. Only an attempt that died and is repeated in a later window counts again there.
//! * The job at the first place that is not mailed asks for the digest, by a message to notify's own queue that
//!   waits until the window is over. Should that very job be given up before it could ask, all after it would be
//!   silent; so the places 2, 4, 8 … behind it ask again ([`Rule::asks`]).
//! * Digests asked for more than once are told once: the teller claims the digest's name in the store of
//!   content claims and finishes it after publishing. Only a crash between publishing and finishing can tell it
//!   again, and only where the topic does not know ids.
//! * The window is by the clock when a job is counted. The digest waits a little longer, for hosts whose clocks are
//!   behind.

use domain::message::Digest;
use domain::{Job, JobId, Reason};
use jiff::{SignedDuration, Timestamp};
use ports::Subscription;
use std::time::Duration;

/// How long the e-mail about a summary may wait for its place at the gate before a digest tells of it instead.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// When many are told at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Length of a window, at least a second.
    pub window: Duration,
    /// So many documents of a window are mailed singly.
    pub singly: u64,
}

impl Default for Rule {
    /// Ten in an hour.
    fn default() -> Self {
        Self { window: Duration::from_secs(3600), singly: 10 }
    }
}

impl Rule {
    /// For summaries that came too fast: all of five minutes.
    #[must_use]
    pub fn bursts() -> Self {
        Self { window: Duration::from_secs(300), singly: 0 }
    }

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

    pub(crate) fn seconds(&self) -> i64 {
        i64::try_from(self.window.as_secs()).unwrap_or(i64::MAX / 4).max(1)
    }
}

/// What the keys of the jobs begin with that are told together with one of this key: the longest prefix that
/// somebody subscribed for, unless it is within the tenant's own; `None` then.
#[must_use]
pub(crate) fn prefix(job: &Job, subscriptions: &[Subscription]) -> Option<String> {
    let (key, own) = (&job.document.key, own_prefix(&job.document.tenant().prefix));
    let subscribed = subscriptions.iter().map(|subscription| subscription.prefix.as_str());
    let longest = subscribed.filter(|prefix| key.starts_with(prefix)).max_by_key(|prefix| prefix.len());
    longest.filter(|prefix| prefix.len() > own.len()).map(str::to_owned)
}

/// What all keys of a tenant begin with.
fn own_prefix(prefix: &str) -> String {
    if prefix.is_empty() { String::new() } else { format!("{prefix}/") }
}

/// The bucket of a digest's documents, and what all their keys begin with.
pub(crate) fn place(digest: &Digest) -> (&str, String) {
    let (bucket, prefix) = digest.tenant.split_once('/').unwrap_or((&digest.tenant, ""));
    (bucket, digest.prefix.clone().unwrap_or_else(|| own_prefix(prefix)))
}

/// The cause as the tally knows it.
#[must_use]
pub(crate) fn cause(digest: &Digest) -> String {
    match &digest.prefix {
        None => format!("{} {}", code(digest), digest.tenant),
        // No tenant ends so: its prefix has no slash.
        Some(prefix) => format!("{} {}//{prefix}", code(digest), digest.tenant),
    }
}

/// The name under which a digest is claimed and told: unique for cause and window, of harmless characters.
#[must_use]
pub(crate) fn name(digest: &Digest) -> String {
    let whose = JobId::of(
        "digest",
        &digest.tenant,
        &(code(digest).to_owned() + digest.prefix.as_deref().unwrap_or("")),
    );
    format!("digest-{}-{}-{}", code(digest), digest.window, whose.short())
}

fn code(digest: &Digest) -> &'static str {
    digest.digest.map_or("SUMMARIZED", Reason::code)
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
    fn those_are_told_together_whom_the_same_people_follow() {
        let documents = |prefix: &str| Subscription {
            id: prefix.into(),
            endpoint: ports::Endpoint::Email("ann@example.org".into()),
            outcomes: Vec::new(),
            prefix: prefix.into(),
            audience: domain::Audience::Sender,
            created_at: Timestamp::UNIX_EPOCH,
        };
        let all = ["", "contracts/", "contracts/2026", "letters/x/"].map(documents);
        let job = |key: &str| {
            let document = domain::Document {
                bucket: "b".into(),
                key: key.into(),
                version: "1".into(),
                size: 1,
                sequencer: None,
                uploaded_at: Timestamp::UNIX_EPOCH,
            };
            Job::new(document, Timestamp::UNIX_EPOCH)
        };
        let of = |key: &str| {
            let job = job(key);
            let digest = Digest::new(None, job.document.tenant().to_string(), prefix(&job, &all), 0);
            let (bucket, begins) = place(&digest);
            assert!(bucket == "b" && key.starts_with(&begins));
            begins
        };
        assert_eq!(of("contracts/a.pdf"), "contracts/");
        assert_eq!(of("contracts/2026-11/a.pdf"), "contracts/2026");
        assert_eq!(of("letters/y/a.pdf"), "letters/");
        assert_eq!(of("letters/x/a.pdf"), "letters/x/");
        assert_eq!(of("a.pdf"), "");
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
