//! Dates, amounts, duties and decisions as an index under the summary: a line for each, so that an eye that looks for a deadline finds
//! it.
//!
//! Only what no sentence above says: the result has the others with their values, for programs.

use crate::body::{Said, day, mark, whole, words};
use crate::clean::{clean, clip, thousands};
use crate::wrap::wrap;
use domain::outcome::Report;
use domain::summary::{FactKind, KeyFact, Summary};
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// Lines of one kind.
const FACTS: usize = 5;
/// What stands before the lines of a kind, in their order.
const LABELS: [(FactKind, &str); 7] = [
    (FactKind::Date, "Dates"),
    (FactKind::Amount, "Amounts"),
    (FactKind::Figure, "Figures"),
    (FactKind::Obligation, "Duties"),
    (FactKind::Decision, "Outcome"),
    (FactKind::Action, "To do"),
    (FactKind::Party, "Parties"),
];
/// Width of the labels, and of the days behind them.
const LABEL: usize = 9;
const DAY: usize = 13;
/// Words of "and 2 more in the result".
const MORE: usize = 6;
/// Longest clause, in characters.
const CLAUSE: usize = 110;

/// The lines, of at most so many words; empty if there is nothing to add, else they end with a line break.
/// What they say is added to what was `said`.
pub(crate) fn facts(report: &Report, summary: &Summary, room: usize, said: &mut Said) -> String {
    let (mut shown, mut left) = choose(summary, room, said);
    if left > 0 {
        // That there are more is read, too.
        (shown, left) = choose(summary, room.saturating_sub(MORE), said);
    }
    shown.iter().for_each(|fact| said.add(&fact.text));
    let mut out = String::new();
    for (kind, label) in LABELS {
        let mut of_kind: Vec<&KeyFact> = shown.iter().copied().filter(|fact| fact.kind == kind).collect();
        // The most important came first; they are read most easily in the order of time.
        of_kind.sort_by_key(|&fact| (dated(fact).is_none(), dated(fact)));
        for (index, fact) in of_kind.into_iter().enumerate() {
            let _ = writeln!(out, "{}", line(if index == 0 { label } else { "" }, fact, report));
        }
    }
    if left > 0 && !out.is_empty() {
        let _ = writeln!(out, "{:LABEL$}and {left} more in the result", "");
    }
    out
}

/// The facts that are shown, and how many that nothing else says are not.
fn choose<'a>(summary: &'a Summary, mut room: usize, said: &Said) -> (Vec<&'a KeyFact>, usize) {
    let mut said = said.clone();
    let (mut shown, mut left) = (Vec::<&KeyFact>::new(), 0);
    for fact in &summary.key_facts {
        if said.has(&fact.text) {
            continue;
        }
        // The label and the day are read, too.
        let words = 1 + words(&fact_day(fact)) + words(&fact_text(fact));
        if shown.iter().filter(|other| other.kind == fact.kind).count() < FACTS && words <= room {
            room -= words;
            said.add(&fact.text);
            shown.push(fact);
        } else {
            left += 1;
        }
    }
    (shown, left)
}

/// One fact: a short clause takes one line.
fn line(label: &str, fact: &KeyFact, report: &Report) -> String {
    let first = format!("{label:<LABEL$}{}", fact_day(fact));
    let mark = whole(&mark(&fact.citations, &report.pages));
    wrap(&first, &" ".repeat(first.width()), &format!("{} {mark}", fact_text(fact)))
}

/// What dates are ordered by; nothing for other facts, which keep their order.
fn dated(fact: &KeyFact) -> Option<&str> {
    fact.value.as_deref().filter(|_| fact.kind == FactKind::Date)
}

/// The date as a column of its own, empty for other facts.
fn fact_day(fact: &KeyFact) -> String {
    dated(fact).map_or_else(String::new, |value| format!("{:<DAY$}", clip(&day(value), DAY - 1, "")))
}

/// The clause; before it a sum that the clause does not show in figures.
fn fact_text(fact: &KeyFact) -> String {
    let clause = clip(&clean(&fact.text), CLAUSE, "…");
    let value = fact.value.as_deref().map(clean).unwrap_or_default();
    let (code, number) = value.split_once(' ').unwrap_or(("", &value));
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let whole = number.split('.').next().unwrap_or_default();
    if fact.kind != FactKind::Amount || value.is_empty() || digits(&clause).contains(whole) {
        return clause;
    }
    format!("{code} {}: {clause}", thousands(number)).trim_start().to_owned()
}
