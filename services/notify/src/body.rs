//! What a summary looks like in plain text, in an e-mail and on a terminal alike: the lead, the points with
//! their pages, dates and amounts, and what was and was not read.
//!
//! Every line that carries the document's own words starts with a dash, a label or spaces, also where it is
//! wrapped. So no sentence can put a line of its own (`Open: …`) among ours.

use crate::clean::{clean, clip, thousands};
use crate::facts::facts;
use crate::wrap::wrap;
use domain::outcome::Report;
use domain::summary::{Citation, Cited, PageReport, Summary};
use domain::text::Origin;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Longest sentence shown; one beyond it is no sentence but a page without full stops.
const SENTENCE: usize = 480;
/// Key points shown at most.
const POINTS: usize = 3;
/// OCR this sure needs no second look.
const SURE: f32 = 0.9;

/// The headline, in the words of the sentence it came from when there is one, behind the title if it has one: then it
/// has a page, and the same need not stand below again. Gives the index of that sentence.
fn lead(summary: &Summary) -> (String, Option<usize>) {
    let headline = clean(&summary.headline);
    let bare = bare(&headline);
    let long = |text: &str| text.split(' ').count() >= 4;
    let same = |sentence: &Cited| {
        let sentence = self::bare(&sentence.text);
        !bare.is_empty() && (sentence == bare || (long(&bare) && sentence.contains(&bare)))
    };
    if let Some(from) = summary.sentences.iter().position(same) {
        return (clean(&summary.sentences[from].text), Some(from));
    }
    let within = |sentence: &Cited| {
        let sentence = self::bare(&sentence.text);
        long(&sentence) && bare.strip_suffix(&sentence).is_some_and(|title| title.ends_with(' '))
    };
    let from = summary.sentences.iter().position(within);
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
        "written",
        "not written",
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
        "figures",
        "duties",
        "decided",
        "to do",
        "parties",
        "note:",
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
            let sentence = Cited { text: headline.clone(), ..summary.sentences[index].clone() };
            cited(edge(&headline), "  ", &sentence, &report.pages)
        }
        None => wrap(edge(&headline), "  ", &clip(&headline, 200, "…")),
    };
    out.push_str("\n\n");
    for note in &summary.notes {
        let _ = writeln!(out, "{}\n", wrap("Note: ", "  ", &clean(note)));
    }
    let mut any = false;
    for (index, sentence) in summary.sentences.iter().enumerate() {
        if Some(index) != from {
            let _ = writeln!(out, "{}", cited("- ", "  ", sentence, &report.pages));
            any = true;
        }
    }
    // The length that was asked for is the summary's, which is never cut here. Facts, then points, fill the rest of
    // it and two thirds as much again, pages not counted.
    let length = usize::try_from(report.settings.words).unwrap_or(usize::MAX);
    let below = summary.sentences.iter().enumerate().filter(|(index, _)| Some(*index) != from);
    let told: usize = below.map(|(_, sentence)| words(&sentence.text)).sum();
    let mut room = (length / 3).saturating_mul(5).saturating_sub(told + words(&headline));
    let mut said = Said::by(summary);
    let facts = facts(report, summary, room, &mut said);
    room = room.saturating_sub(words(&facts));
    let mut shown = 0;
    for point in &summary.key_points {
        let line = cited("- ", "  ", point, &report.pages);
        if shown == POINTS || words(&line) > room {
            break;
        }
        if said.has(&point.text) {
            continue;
        }
        said.add(&point.text);
        room -= words(&line);
        out.push_str(if shown > 0 {
            ""
        } else if any {
            "\nAlso\n"
        } else {
            "Also\n"
        });
        let _ = writeln!(out, "{line}");
        (shown, any) = (shown + 1, true);
    }
    if !facts.is_empty() {
        out.push_str(if any { "\n" } else { "" });
        out.push_str(&facts);
    }
    out
}

pub(crate) fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// The key points that say something the summary does not.
pub(crate) fn added_points(summary: &Summary) -> Vec<&Cited> {
    let mut said = Said::by(summary);
    let new = |point: &&Cited| {
        let new = !said.has(&point.text);
        said.add(&point.text);
        new
    };
    summary.key_points.iter().filter(new).collect()
}

/// What a reader has been told, sentence by sentence.
#[derive(Clone)]
pub(crate) struct Said(Vec<String>);

impl Said {
    /// By the headline and the sentences of a summary.
    pub(crate) fn by(summary: &Summary) -> Self {
        let sentences = summary.sentences.iter().map(|sentence| bare(&sentence.text));
        Self(sentences.chain([bare(&summary.headline)]).collect())
    }

    pub(crate) fn add(&mut self, text: &str) {
        self.0.push(bare(text));
    }

    /// Whether one sentence said this already: all of its figures, no less a "not" and most of the words that
    /// carry it; or whether this holds all that a sentence said.
    pub(crate) fn has(&self, text: &str) -> bool {
        let text = bare(text);
        let words = carrying(&text);
        let again = |said: &String| {
            let told = carrying(said);
            let new: Vec<&&str> = words.difference(&told).collect();
            let turned = words.symmetric_difference(&told).any(|word| TURNS.contains(word));
            let figures = new.iter().any(|word| word.contains(|c: char| c.is_ascii_digit()));
            let most = !words.is_empty() && new.len() * 4 <= words.len() && !figures && !turned;
            most || said.contains(&text) || (told.len() >= 3 && told.is_subset(&words))
        };
        self.0.iter().any(again)
    }
}

/// Words that turn what a sentence says.
const TURNS: [&str; 6] = ["not", "no", "never", "only", "unless", "except"];

/// The words of a bare text that carry what it says: long ones, figures, and those that turn it.
fn carrying(text: &str) -> BTreeSet<&str> {
    let carries = |word: &&str| {
        word.chars().count() >= 4 || word.contains(|c: char| c.is_ascii_digit()) || TURNS.contains(word)
    };
    text.split_whitespace().filter(carries).collect()
}

fn cited(first: &str, rest: &str, cited: &Cited, pages: &[PageReport]) -> String {
    let mark = whole(&mark(&cited.citations, pages));
    wrap(first, rest, &format!("{} {mark}", clip(&clean(&cited.text), SENTENCE, "…")))
}

/// A mark whose `p. 3` no line's end tears apart.
pub(crate) fn whole(mark: &str) -> String {
    mark.replacen(' ', "\u{a0}", 1)
}

/// `[p. 3]`, `[pp. 3, 7]`, `[p. 9, scan, 71% sure: check]`, with the attachment in a mail. Where every page is a scan
/// the line about what was read says so once for all.
pub(crate) fn mark(citations: &[Citation], pages: &[PageReport]) -> String {
    let mut numbers: Vec<u32> = citations.iter().map(|citation| citation.page).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let page = |number: u32| pages.iter().find(|page| page.number == number);
    let list =
        numbers.iter().map(|&number| own_number(number, pages).to_string()).collect::<Vec<_>>().join(", ");
    let mut mark = match numbers.len() {
        0 => return String::new(),
        1 => format!("[p. {list}"),
        _ => format!("[pp. {list}"),
    };
    if let Some(name) = numbers.iter().find_map(|&number| page(number)?.attachment.as_deref()) {
        let _ = write!(mark, " of {}", attachment(name, pages));
    }
    let scanned = numbers.iter().any(|&n| page(n).is_some_and(|page| page.origin == Origin::Ocr));
    let others = pages.iter().any(|page| page.origin == Origin::Text);
    let unsure = citations.iter().filter_map(|citation| citation.confidence).reduce(f32::min);
    let unsure = unsure.filter(|sure| *sure < SURE);
    if unsure.is_some() || (scanned && others) {
        mark.push_str(", scan");
    }
    if let Some(sure) = unsure {
        let _ = write!(mark, ", {} sure: check", percent(sure));
    }
    mark + "]"
}

/// The number that a page has where it is printed: the pages of an attachment are counted from its own first one.
pub(crate) fn own_number(number: u32, pages: &[PageReport]) -> u32 {
    let of = |number: u32| pages.iter().find(|page| page.number == number)?.attachment.as_deref();
    let Some(name) = of(number) else { return number };
    let before = (1..number).rev().take_while(|&other| of(other) == Some(name)).count();
    u32::try_from(before + 1).unwrap_or(number)
}

/// `the attachment`, or its name where there are several.
fn attachment(name: &str, pages: &[PageReport]) -> String {
    if pages.iter().filter_map(|page| page.attachment.as_deref()).all(|other| other == name) {
        return "the attachment".to_owned();
    }
    crate::clean::clip_middle(&clean(name), 30).replace(['[', ']'], "")
}

/// A share as people write it.
pub(crate) fn percent(share: f32) -> String {
    format!("{:.0}%", (share.clamp(0.0, 1.0) * 100.0).floor())
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
    let groups: Vec<_> = unread
        .chunk_by(|a, b| a.number + 1 == b.number && a.note == b.note && a.attachment == b.attachment)
        .collect();
    let mut parts: Vec<String> = groups.iter().take(SHOWN).map(|group| unread_group(group, pages)).collect();
    if groups.len() > SHOWN {
        let more: usize = groups[SHOWN..].iter().map(|group| group.len()).sum();
        parts.push(format!("{more} more"));
    }
    let list = if parts.is_empty() { "some pages".to_owned() } else { parts.join("; ") };
    (list, if unread.len() == 1 { "it" } else { "them" })
}

fn unread_group(group: &[&PageReport], all: &[PageReport]) -> String {
    let number = |page: &PageReport| own_number(page.number, all);
    let mut pages = match group {
        [one] => format!("page {}", number(one)),
        [first, .., last] => format!("pages {}-{}", number(first), number(last)),
        [] => String::new(),
    };
    if let Some(name) = group.first().and_then(|page| page.attachment.as_deref()) {
        let _ = write!(pages, " of {}", attachment(name, all));
    }
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
            out.push_str(&crate::writing::writing(summary));
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
