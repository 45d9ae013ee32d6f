//! Key facts: dates and sums as short lines of their own, the most important first.

use crate::amounts::{self, Habits};
use crate::clause;
use crate::cues;
use crate::dates;
use crate::old;
use crate::rank;
use crate::structure::{Document, Kind, Sentence};
use domain::summary::{FactKind, KeyFact};
use std::ops::Range;

/// Facts in one summary.
const MOST: usize = 8;
/// Of one kind, so that a price list does not crowd out the deadline.
const MOST_OF_A_KIND: usize = 5;
/// Characters of a fact: a line of an e-mail beside its label and its page.
const LONGEST: usize = 64;
/// Worth less than this share of the best fact: history and asides.
const NOISE: f64 = 0.4;
/// Added for a sentence that the summary does not say already.
const UNSAID: f64 = 0.4;
/// Added for a value that could be told for certain.
const CERTAIN: f64 = 0.2;
/// Taken off a value that another one may replace.
const PAST: f64 = 0.8;
/// Taken off a clause that leans on what stands before it.
const LEANS: f64 = 0.5;

struct Found<'a> {
    sentence: &'a Sentence,
    kind: FactKind,
    value: Option<String>,
    /// Under this name a fact is told once.
    key: String,
    text: String,
    worth: f64,
}

/// The facts of a document. `said` holds the sentences (indices) that the summary has.
pub(crate) fn key_facts(
    document: &Document,
    said: &[usize],
    today: Option<&str>,
    language: Option<&str>,
) -> Vec<KeyFact> {
    let habits = Habits::new(document.sentences.iter().map(|s| s.text.as_str()), language);
    let mut found = Vec::new();
    for (index, sentence) in document.sentences.iter().enumerate() {
        if sentence.text.len() <= 1500 && sentence.text.bytes().any(|b| b.is_ascii_digit()) {
            let unsaid = if said.contains(&index) { 0.0 } else { UNSAID };
            collect(sentence, rank::worth(sentence, today) + unsaid, today, habits, &mut found);
        }
    }
    // A stable sort: equal ones stay in document order.
    found.sort_by(|a, b| b.worth.total_cmp(&a.worth));
    let least = found.first().map_or(0.0, |best| NOISE * best.worth);
    let mut out: Vec<KeyFact> = Vec::new();
    let mut told: Vec<(FactKind, String)> = Vec::new();
    for fact in found.into_iter().take_while(|fact| fact.worth >= least) {
        let crowded = told.iter().filter(|(kind, _)| *kind == fact.kind).count() >= MOST_OF_A_KIND;
        let name = (fact.kind, fact.key);
        if crowded || told.contains(&name) || out.iter().any(|other| other.text == fact.text) {
            continue;
        }
        told.push(name);
        let citations = fact.sentence.parts.iter().map(crate::cite).collect();
        out.push(KeyFact { kind: fact.kind, text: fact.text, value: fact.value, citations });
        if out.len() == MOST {
            break;
        }
    }
    out
}

/// The facts of a sentence of that worth.
fn collect<'a>(
    sentence: &'a Sentence,
    worth: f64,
    today: Option<&str>,
    habits: Habits,
    out: &mut Vec<Found<'a>>,
) {
    let text = sentence.text.as_str();
    if cues::META.is_match(text) || sentence.is_dateline() {
        return;
    }
    let own = sentence.own_words();
    let mut days = dates::dates(text, today);
    days.retain(|day| own.contains(&text[day.range.clone()]));
    let mut sums = amounts::amounts(text, habits);
    if sentence.kind == Kind::Row {
        // Of the sums of a row the last one is the total, or the newest.
        sums.drain(..sums.len().saturating_sub(1));
    }
    let (day_ranges, sum_ranges) = (
        days.iter().map(|day| day.range.clone()).collect::<Vec<_>>(),
        sums.iter().map(|sum| sum.range.clone()).collect::<Vec<_>>(),
    );
    let row = sentence.kind == Kind::Row;
    let mut push = |kind, range: &Range<usize>, value: Option<String>, among: &[Range<usize>], end: usize| {
        if old::is_replaced(text, range, among) {
            return;
        }
        let cut = if row { clause::in_row } else { clause::around };
        let line = cut(&text[..end], range, LONGEST);
        let certain = if value.is_some() { CERTAIN } else { 0.0 };
        let past = if old::may_be_past(text, range) { PAST } else { 0.0 };
        let leans = if cues::dangles(&line) { LEANS } else { 0.0 };
        let key = value.clone().unwrap_or_else(|| text[range.clone()].to_lowercase());
        let worth = worth + certain - past - leans;
        out.push(Found { sentence, kind, value, key, text: line, worth });
    };
    for (day, range) in days.into_iter().zip(&day_ranges) {
        // The document's own date is at its head; nobody has to learn it.
        if day.value.is_none() || day.value.as_deref() != today {
            push(FactKind::Date, range, day.value, &day_ranges, text.len());
        }
    }
    for (sum, range) in sums.into_iter().zip(&sum_ranges) {
        // When it is due is a fact of its own.
        let end = day_ranges.iter().map(|day| day.start).find(|&day| day > range.end);
        let end = end.map_or(text.len(), |day| clause::without_link(&text[..day]).max(range.end));
        push(FactKind::Amount, range, sum.value, &sum_ranges, end);
    }
}
