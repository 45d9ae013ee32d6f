//! What a summary looks like in plain text, in an e-mail and on a terminal alike: the lead, the points with
//! their pages, dates and amounts, and what was and was not read.
//!
//! Every line that carries the document's own words starts with a dash, a label or spaces, also where it is
//! wrapped. So no sentence can put a line of its own (`Open: …`) among ours.

use crate::clean::{clean, clip, thousands};
use crate::wrap::wrap;
use domain::outcome::Report;
use domain::summary::{Citation, Cited, FactKind, KeyFact, PageReport, Summary};
use domain::text::Origin;
use std::fmt::Write;

/// Longest sentence shown; one beyond it is no sentence but a page without full stops.
const SENTENCE: usize = 480;
/// Words that an e-mail should not exceed; key points are left out first, then facts.
const WORDS: usize = 180;
/// Key points shown at most.
const POINTS: usize = 3;
/// Facts shown of one kind.
const FACTS: usize = 4;
/// OCR this sure needs no second look.
const SURE: f32 = 0.9;
/// Column of the labels' contents.
const INDENT: &str = "         ";

/// The headline, in the words of the sentence it came from when there is one: then it has a page, and the same
/// need not stand below again. Gives the index of that sentence.
fn lead(summary: &Summary) -> (String, Option<usize>) {
    let headline = clean(&summary.headline);
    let bare = bare(&headline);
    let from = summary.sentences.iter().position(|sentence| {
        let sentence = self::bare(&sentence.text);
        !bare.is_empty() && (sentence == bare || (bare.split(' ').count() >= 4 && sentence.contains(&bare)))
    });
    (headline, from)
}

/// A text as it counts for "is it the same": letters and digits alone.
pub(crate) fn bare(text: &str) -> String {
    let lower: String = clean(text)
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect::<String>()
        .to_lowercase();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The headline alone.
pub(crate) fn headline(summary: &Summary) -> String {
    // Wrapped lines are indented: the headline is the document's word, and only its first line is at the edge.
    let headline = clean(&summary.headline);
    wrap(edge(&headline), "  ", &clip(&headline, 200, "…"))
}

/// What stands before a line that is the document's own: nothing, unless it looks like one of ours, or like
/// something that a mail program gives a meaning to at the edge of a line; then it becomes a point.
fn edge(text: &str) -> &'static str {
    const OURS: &[&str] = &[
        "read:",
        "not read",
        "document:",
        "uploaded:",
        "open:",
        "why:",
        "do:",
        "ask:",
        "all:",
        "also",
        "dates",
        "amounts",
        "you get this",
        "job ",
        "bcc:",
        "from ",
        ".",
        "-",
        ">",
    ];
    let start: String = text.chars().take(16).collect::<String>().to_lowercase();
    if OURS.iter().any(|ours| start.starts_with(ours)) { "- " } else { "" }
}

/// Lead, points, facts. Ends with a line break.
pub(crate) fn summary(report: &Report, summary: &Summary) -> String {
    let (headline, from) = lead(summary);
    let mut out = match from {
        Some(index) => {
            let sentence = &summary.sentences[index];
            cited(edge(&clean(&sentence.text)), "  ", sentence, &report.pages)
        }
        None => wrap(edge(&headline), "  ", &clip(&headline, 200, "…")),
    };
    out.push_str("\n\n");
    let mut any = false;
    for (index, sentence) in summary.sentences.iter().enumerate() {
        if Some(index) != from {
            let _ = writeln!(out, "{}", cited("- ", "  ", sentence, &report.pages));
            any = true;
        }
    }
    let facts = facts(report, summary);
    let mut room = WORDS.saturating_sub(words(&out) + words(&facts));
    let mut first = true;
    for point in added_points(summary).into_iter().take(POINTS) {
        let line = cited("- ", "  ", point, &report.pages);
        if words(&line) > room {
            break;
        }
        room -= words(&line);
        out.push_str(if first { if any { "\nAlso\n" } else { "Also\n" } } else { "" });
        let _ = writeln!(out, "{line}");
        (first, any) = (false, true);
    }
    if !facts.is_empty() {
        out.push_str(if any { "\n" } else { "" });
        out.push_str(&facts);
    }
    out
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// The key points that say something the summary does not.
pub(crate) fn added_points(summary: &Summary) -> Vec<&Cited> {
    let said: Vec<String> = summary.sentences.iter().map(|sentence| bare(&sentence.text)).collect();
    let new = |point: &&Cited| {
        let point = bare(&point.text);
        !point.is_empty() && !said.iter().any(|said| said.contains(&point) || point.contains(said.as_str()))
    };
    summary.key_points.iter().filter(new).collect()
}

fn cited(first: &str, rest: &str, cited: &Cited, pages: &[PageReport]) -> String {
    let mark = mark(&cited.citations, pages);
    wrap(first, rest, &format!("{} {mark}", clip(&clean(&cited.text), SENTENCE, "…")))
}

/// `[p. 3]`, `[pp. 3, 7]`, `[p. 9, scan, 71% sure: check]`, with the attachment's name in a mail.
pub(crate) fn mark(citations: &[Citation], pages: &[PageReport]) -> String {
    let mut numbers: Vec<u32> = citations.iter().map(|citation| citation.page).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let page = |number: u32| pages.iter().find(|page| page.number == number);
    let list = numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let mut mark = match numbers.len() {
        0 => return String::new(),
        1 => format!("[p. {list}"),
        _ => format!("[pp. {list}"),
    };
    if let Some(name) = numbers.iter().find_map(|&number| page(number)?.attachment.as_deref()) {
        let _ = write!(mark, " of {}", crate::clean::clip_middle(&clean(name), 30).replace(['[', ']'], ""));
    }
    let scanned = numbers.iter().any(|&n| page(n).is_some_and(|page| page.origin == Origin::Ocr));
    let sure = citations.iter().filter_map(|citation| citation.confidence).reduce(f32::min);
    if scanned || sure.is_some() {
        mark.push_str(", scan");
    }
    if let Some(sure) = sure.filter(|sure| *sure < SURE) {
        let _ = write!(mark, ", {} sure: check", percent(sure));
    }
    mark + "]"
}

/// A share as people write it.
pub(crate) fn percent(share: f32) -> String {
    format!("{:.0}%", (share.clamp(0.0, 1.0) * 100.0).floor())
}

fn facts(report: &Report, summary: &Summary) -> String {
    let mut out = String::new();
    for (kind, label) in [(FactKind::Date, "Dates"), (FactKind::Amount, "Amounts")] {
        let all: Vec<&KeyFact> = summary.key_facts.iter().filter(|fact| fact.kind == kind).collect();
        // The most important come first; those kept are read most easily in the order of time.
        let mut shown: Vec<&KeyFact> = all.iter().copied().take(FACTS).collect();
        if kind == FactKind::Date {
            shown.sort_by(|a, b| a.value.is_none().cmp(&b.value.is_none()).then(a.value.cmp(&b.value)));
        }
        let more = all.len() - shown.len();
        for (index, fact) in shown.into_iter().enumerate() {
            let label = if index == 0 { format!("{label:<9}") } else { INDENT.to_owned() };
            let indent = if kind == FactKind::Date && fact.value.is_some() { 13 } else { 0 };
            let rest = " ".repeat(INDENT.len() + indent);
            let line = format!("{} {}", fact_text(fact), mark(&fact.citations, &report.pages));
            let first = format!("{label}{}", fact_date(fact));
            let _ = writeln!(out, "{}", wrap(&first, &rest, &line));
        }
        if more > 0 {
            let _ = writeln!(out, "{INDENT}and {more} more in the result");
        }
    }
    out
}

/// The date as a column of its own, empty for other facts.
fn fact_date(fact: &KeyFact) -> String {
    match (fact.kind, &fact.value) {
        (FactKind::Date, Some(value)) => format!("{:<13}", clip(&day(value), 12, "")),
        _ => String::new(),
    }
}

/// The clause; before it a sum that the clause does not show in figures.
fn fact_text(fact: &KeyFact) -> String {
    let clause = clip(&clean(&fact.text), 110, "…");
    let value = fact.value.as_deref().map(clean).unwrap_or_default();
    let (code, number) = value.split_once(' ').unwrap_or(("", &value));
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let whole = number.split('.').next().unwrap_or_default();
    if fact.kind == FactKind::Date || value.is_empty() || digits(&clause).contains(whole) {
        return clause;
    }
    format!("{code} {}: {clause}", thousands(number)).trim_start().to_owned()
}

/// `30 Nov 2026` for a whole ISO date; anything else as it is.
pub(crate) fn day(value: &str) -> String {
    value
        .parse::<jiff::civil::Date>()
        .map_or_else(|_| clean(value), |date| date.strftime("%-d %b %Y").to_string())
}

/// What was read, and what not with what to do. One line each, wrapped; ends with a line break.
pub(crate) fn coverage(report: &Report) -> String {
    let coverage = report.coverage;
    let count = |origin: Origin| report.pages.iter().filter(|page| page.origin == origin).count();
    let mut notes = Vec::new();
    if count(Origin::Ocr) > 0 {
        notes.push(format!("{} by OCR", count(Origin::Ocr)));
    }
    if count(Origin::Blank) > 0 {
        notes.push(format!("{} blank", count(Origin::Blank)));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    let (read, total) = (coverage.pages_read, coverage.pages_total);
    let mut line = match (read, total) {
        (read, total) if read < total => format!("{read} of {total} pages{notes}."),
        (_, 1) => format!("the whole page{}.", if count(Origin::Ocr) > 0 { " (by OCR)" } else { "" }),
        (_, 2) => format!("both pages{notes}."),
        (_, total) => format!("all {total} pages{notes}."),
    };
    if coverage.words_read < coverage.words_total {
        let _ = write!(
            line,
            " The summary rests on {} of {} words.",
            thousands(&coverage.words_read.to_string()),
            thousands(&coverage.words_total.to_string())
        );
    }
    let mut out = wrap("Read: ", "  ", &line) + "\n";
    if read < total {
        let (unread, again) = unread(&report.pages);
        let line =
            format!("{unread}. Scan or export {again} again (scans at 300 dpi) and upload the document.");
        let _ = writeln!(out, "{}", wrap("NOT READ: ", "  ", &line));
    }
    out
}

/// `page 12 (too dark); pages 14-16 (…)`, the first few of them, and "it" or "them".
fn unread(pages: &[PageReport]) -> (String, &'static str) {
    const SHOWN: usize = 5;
    let unread: Vec<&PageReport> = pages.iter().filter(|page| page.origin == Origin::Unread).collect();
    let groups: Vec<_> = unread.chunk_by(|a, b| a.number + 1 == b.number && a.note == b.note).collect();
    let mut parts: Vec<String> = groups.iter().take(SHOWN).map(|group| unread_group(group)).collect();
    if groups.len() > SHOWN {
        let more: usize = groups[SHOWN..].iter().map(|group| group.len()).sum();
        parts.push(format!("{more} more"));
    }
    let list = if parts.is_empty() { "some pages".to_owned() } else { parts.join("; ") };
    (list, if unread.len() == 1 { "it" } else { "them" })
}

fn unread_group(group: &[&PageReport]) -> String {
    let pages = match group {
        [one] => format!("page {}", one.number),
        [first, .., last] => format!("pages {}-{}", first.number, last.number),
        [] => String::new(),
    };
    match group.first().and_then(|page| page.note.as_deref()).map(clean).filter(|note| !note.is_empty()) {
        Some(note) => format!("{pages} ({})", clip(note.trim_end_matches('.'), 100, "…")),
        None => pages,
    }
}

/// What people see on a terminal for one document: its name, then the summary, or why there is none and what
/// to do. Wrapped to 78 columns, harmless whatever the document says, ends with a line break.
#[must_use]
pub fn text_result(report: &Report) -> String {
    let name = crate::clean::clip_middle(&clean(&report.document.name), 60);
    let mut out = wrap("", "  ", &format!("{name}{}", pages_of(report.document.pages))) + "\n";
    match &report.summary {
        Some(summary) => {
            out.push_str(&self::summary(report, summary));
            out.push('\n');
            out.push_str(&coverage(report));
        }
        None => {
            let code = report.reason.map_or(report.outcome.as_str(), |reason| reason.code());
            let _ = writeln!(out, "{}: {code}", report.outcome.as_str().to_uppercase());
            out.push_str(&why_and_what(report, true));
        }
    }
    out
}

/// ` (12 pages)`, or nothing while the number is unknown.
pub(crate) fn pages_of(pages: Option<u32>) -> String {
    match pages {
        None | Some(0) => String::new(),
        Some(1) => " (1 page)".to_owned(),
        Some(pages) => format!(" ({pages} pages)"),
    }
}

/// `Why:` and `Do:`.
pub(crate) fn why_and_what(report: &Report, detailed: bool) -> String {
    let table = report.reason.map(|reason| reason.explanation().to_owned());
    let why = if detailed { report.explanation.clone() } else { table };
    let mut out = String::new();
    for (label, text) in [("Why:  ", why), ("Do:   ", report.advice.clone())] {
        if let Some(text) = text {
            let _ = writeln!(out, "{}", wrap(label, "      ", &clip(&clean(&text), SENTENCE, "…")));
        }
    }
    out
}
