//! Subjects: under 100 printable ASCII characters, whatever the file is called and the document says.

use crate::body::pages_of;
use crate::causes::in_short;
use crate::clean::{ascii, clip, clip_middle};
use domain::outcome::Report;
use domain::settings::EmailContent;
use domain::{OutcomeKind, Reason};

/// The longest subject.
const LONGEST: usize = 99;
/// The longest name in it.
const NAME: usize = 40;

/// The subject of one document's e-mail. `content` keeps the headline out where e-mails may hold only a link.
#[must_use]
pub fn subject(report: &Report, content: EmailContent) -> String {
    let kind = match report.outcome {
        OutcomeKind::Summarized => "",
        OutcomeKind::Rejected => " not summarized",
        OutcomeKind::Failed => " FAILED",
        OutcomeKind::Superseded => " superseded",
    };
    // Its ending may be what is wrong with a file; in a summary it says nothing.
    let name = match report.outcome {
        OutcomeKind::Summarized => name(stem(&report.document.name)),
        _ => name(&report.document.name),
    };
    let pages = if report.outcome == OutcomeKind::Summarized {
        pages_of(report.document.pages)
    } else {
        String::new()
    };
    let says = match (&report.summary, report.reason) {
        (Some(summary), _) if content != EmailContent::Link => ascii(&summary.headline),
        (Some(_), _) => "the summary is ready".to_owned(),
        (None, Some(reason)) => in_short(reason).to_owned(),
        (None, None) => report.outcome.as_str().to_owned(),
    };
    fit(&format!("[Precis] {name}{kind}: "), says.trim_end_matches('.'), &pages)
}

/// The subject of a digest of failures. `place` is where the documents lie, for people.
#[must_use]
pub(crate) fn of_failed(count: u64, reason: Reason, place: &str) -> String {
    of_many(&format!("{count} documents not summarized: {}", in_short(reason)), place)
}

/// The subject of a digest of summaries.
#[must_use]
pub(crate) fn of_summarized(count: u64, place: &str) -> String {
    of_many(&format!("{count} documents summarized"), place)
}

fn of_many(says: &str, place: &str) -> String {
    let place = clip_middle(&ascii(place), NAME).replace('…', "~");
    fit("[Precis] ", says, &format!(" ({place})"))
}

/// The file's name without its ending.
fn stem(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 5 => stem,
        _ => name,
    }
}

/// A name in ASCII, and of bearable length.
fn name(name: &str) -> String {
    let name = ascii(name);
    let name = if name.is_empty() { "document".to_owned() } else { name };
    clip_middle(&name, NAME).replace('…', "~")
}

fn fit(head: &str, says: &str, tail: &str) -> String {
    let room = LONGEST.saturating_sub(head.len() + tail.len());
    let says = clip(says, room, "...");
    let subject = format!("{head}{says}{tail}");
    // Joining must not make a coded word of two harmless halves.
    ascii(&subject)
}
