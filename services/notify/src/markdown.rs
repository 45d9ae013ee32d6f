//! The result as Markdown: the summary with its sources, what was read page by page, and the settings.
//!
//! A result file is opened by editors, wikis and browsers, each with its own extensions. So every mark that
//! CommonMark or a usual extension (tables, footnotes, strike-through, mathematics, automatic links) gives a
//! meaning to is escaped in what comes from the document: it can say `<script>` and do nothing.

use crate::body::{added_points, bare, day, own_number, percent};
use crate::clean::{clean, clip, thousands};
use crate::writing::by_whom;
use domain::OutcomeKind;
use domain::outcome::Report;
use domain::summary::{Citation, Cited, FactKind, KeyFact, PageReport, Summary};
use std::fmt::Write;

/// The longest quotation of a source.
const QUOTE: usize = 600;

/// The whole report as Markdown.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    let name = escape(&report.document.name);
    match &report.summary {
        Some(summary) => {
            let headline = if summary.headline.trim().is_empty() { name } else { escape(&summary.headline) };
            let _ = writeln!(out, "# {headline}\n\n{}\n", document(report));
            self::summary(&mut out, report, summary);
            read(&mut out, report);
        }
        None => not_summarized(&mut out, report, &name),
    }
    settings(&mut out, report);
    out
}

/// Text in which nothing is a mark. A few marks count only where they begin a line; those are escaped there.
#[must_use]
pub fn escape(text: &str) -> String {
    let text = clean(text);
    let mut out = String::with_capacity(text.len() + 8);
    let number = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    for (at, c) in text.char_indices() {
        let mark = matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '#' | '$' | '^' | '@'
        );
        let begins = at == 0 && matches!(c, '-' | '+' | '=' | ':');
        let numbers = number > 0 && at == number && matches!(c, '.' | ')');
        // `https://…` and `www.…` become links by themselves unless they are broken up.
        let links = (c == ':' && text[at..].starts_with("://"))
            || (c == '.' && text[..at].to_ascii_lowercase().ends_with("www"))
            || (c == ':' && text[..at].to_ascii_lowercase().ends_with("mailto"));
        if mark || begins || numbers || links {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn document(report: &Report) -> String {
    let document = &report.document;
    let mut parts = vec![escape(&document.key)];
    parts.extend(
        document.pages.map(|pages| if pages == 1 { "1 page".into() } else { format!("{pages} pages") }),
    );
    parts.extend(document.kind.as_deref().map(escape));
    parts.extend(document.language.as_deref().map(|language| format!("language {}", escape(language))));
    parts.push(crate::mail::size(document.bytes));
    parts.join(", ")
}

fn summary(out: &mut String, report: &Report, summary: &Summary) {
    for note in &summary.notes {
        let _ = writeln!(out, "{}\n", escape(note));
    }
    out.push_str("## Summary\n\n");
    for sentence in &summary.sentences {
        cited(out, sentence, &report.pages);
    }
    if let Some((label, line)) = summary.writing.as_ref().map(by_whom) {
        let _ = writeln!(out, "\n{label}{}", escape(&line));
    }
    let points = added_points(summary);
    if !points.is_empty() {
        out.push_str("\n## Key points\n\n");
        points.iter().for_each(|point| cited(out, point, &report.pages));
    }
    if !summary.key_facts.is_empty() {
        out.push_str("\n## Key facts\n\n| | what | where |\n|---|---|---|\n");
        summary.key_facts.iter().for_each(|fact| self::fact(out, fact, &report.pages));
    }
    out.push('\n');
}

/// Where it stands, in round brackets: square ones would be escaped, and ugly in the file itself.
fn mark(citations: &[Citation], pages: &[PageReport]) -> String {
    let mark = crate::body::mark(citations, pages);
    format!("({})", escape(mark.trim_start_matches('[').trim_end_matches(']')))
}

fn cited(out: &mut String, cited: &Cited, pages: &[PageReport]) {
    let mark = mark(&cited.citations, pages);
    let _ = writeln!(out, "- {} {mark}", escape(&cited.text));
    for citation in &cited.citations {
        // Word for word the sentence is its own quotation.
        if bare(&citation.text) != bare(&cited.text) && !citation.text.trim().is_empty() {
            let quote = escape(&clip(&clean(&citation.text), QUOTE, "…"));
            let page = own_number(citation.page, pages);
            let _ = writeln!(out, "  > p. {page}: {quote}");
        }
    }
}

fn fact(out: &mut String, fact: &KeyFact, pages: &[PageReport]) {
    let value = match (fact.kind, &fact.value) {
        (_, None) => String::new(),
        (FactKind::Date, Some(value)) => day(value),
        (FactKind::Amount, Some(value)) => match value.split_once(' ') {
            Some((code, number)) => format!("{code} {}", thousands(number)),
            None => value.clone(),
        },
        (_, Some(value)) => value.clone(),
    };
    let mark = mark(&fact.citations, pages);
    let _ = writeln!(out, "| {} | {} | {mark} |", escape(&value), escape(&fact.text));
}

fn read(out: &mut String, report: &Report) {
    let coverage = &report.coverage;
    let _ = writeln!(
        out,
        "## What was read\n\n{} of {} pages, {} of {} words.\n",
        coverage.pages_read,
        coverage.pages_total,
        thousands(&coverage.words_read.to_string()),
        thousands(&coverage.words_total.to_string())
    );
    out.push_str("| pages | read from | sure | note |\n|---|---|---|---|\n");
    let same = |a: &PageReport, b: &PageReport| {
        a.number + 1 == b.number && a.origin == b.origin && a.note == b.note && a.attachment == b.attachment
    };
    for group in report.pages.chunk_by(same) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let (from, to) = (own_number(first.number, &report.pages), own_number(last.number, &report.pages));
        let pages = if from == to { from.to_string() } else { format!("{from}–{to}") };
        // Of several pages the least sure one matters.
        let sure = group.iter().filter_map(|page| page.confidence).reduce(f32::min).map(percent);
        let notes: Vec<String> =
            [&first.attachment, &first.note].into_iter().flatten().map(|note| escape(note)).collect();
        let (origin, sure) = (first.origin.as_str(), sure.unwrap_or_default());
        let _ = writeln!(out, "| {pages} | {origin} | {sure} | {} |", notes.join(": "));
    }
    out.push('\n');
}

fn not_summarized(out: &mut String, report: &Report, name: &str) {
    let how = match report.outcome {
        OutcomeKind::Rejected => "was not summarized",
        OutcomeKind::Failed => "failed",
        OutcomeKind::Superseded => "was superseded",
        OutcomeKind::Summarized => "was summarized",
    };
    let _ = writeln!(out, "# {name} {how}\n\n{}\n", document(report));
    if let Some(explanation) = &report.explanation {
        let _ = writeln!(out, "**Why:** {}\n", escape(explanation));
    }
    if let Some(reason) = report.reason {
        // The advice is our own and has commands in it; what the case adds stands in the explanation.
        let advice = report.advice.as_deref().unwrap_or(reason.advice());
        let _ = writeln!(out, "**What to do:** {advice}\n\n**Reason code:** {reason}\n");
    }
}

fn settings(out: &mut String, report: &Report) {
    out.push_str("## Settings\n\n| name | value | from |\n|---|---|---|\n");
    for (name, value, source) in report.settings.rows() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let value = if value.is_empty() { "not set".to_owned() } else { value };
        let _ = writeln!(out, "| {name} | {} | {} |", escape(&value), escape(&source.to_string()));
    }
    let _ = writeln!(out, "\nJob {}, run {}.", report.job, report.run);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_escaped_and_plain_text_stays_readable() {
        assert_eq!(
            escape("Rent is EUR 4,240 (6% more) - from 1 March."),
            "Rent is EUR 4,240 (6% more) - from 1 March."
        );
        assert_eq!(escape("1. item"), "1\\. item");
        assert_eq!(escape("- item\n# head"), "\\- item \\# head");
        assert_eq!(escape("<b>&lt;"), "\\<b\\>\\&lt;");
        assert_eq!(escape("see https://x.y"), "see https\\://x.y");
    }
}
