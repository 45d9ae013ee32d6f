//! Key facts: dates and sums as short lines of their own, the most important first.

use crate::amounts::{self, Habits};
use crate::clause;
use crate::dates;
use crate::rank;
use crate::structure::{Document, Kind, Sentence};
use domain::summary::{FactKind, KeyFact};
use std::ops::Range;

/// Facts in one summary.
const MOST: usize = 8;
/// Of one kind, so that a price list does not crowd out the deadline.
const MOST_OF_A_KIND: usize = 5;
/// Words of a fact.
const WORDS: usize = 14;
/// Worth less than this share of the best fact: history and asides.
const NOISE: f64 = 0.4;
/// Added for a sentence that the summary does not say already.
const UNSAID: f64 = 0.4;

/// Taken off a value that another one replaces.
const REPLACED: f64 = 0.8;

struct Found<'a> {
    sentence: &'a Sentence,
    kind: FactKind,
    value: Option<String>,
    range: Range<usize>,
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
            collect(sentence, rank::worth(sentence, today) + unsaid, habits, &mut found);
        }
    }
    // A stable sort: equal ones stay in document order.
    found.sort_by(|a, b| b.worth.total_cmp(&a.worth));
    let least = found.first().map_or(0.0, |best| NOISE * best.worth);
    let mut out: Vec<KeyFact> = Vec::new();
    let mut values: Vec<(FactKind, String)> = Vec::new();
    for fact in found {
        if out.len() == MOST || fact.worth < least {
            break;
        }
        let text = clause::around(&fact.sentence.text, fact.range.start, fact.range.end, WORDS);
        let key = fact.value.clone().unwrap_or_else(|| fact.sentence.text[fact.range.clone()].to_lowercase());
        let crowded = out.iter().filter(|other| other.kind == fact.kind).count() >= MOST_OF_A_KIND;
        let told = out.iter().any(|other| other.text == text);
        if crowded || told || values.contains(&(fact.kind, key.clone())) {
            continue;
        }
        values.push((fact.kind, key));
        let citations = fact.sentence.parts.iter().map(crate::cite).collect();
        out.push(KeyFact { kind: fact.kind, text, value: fact.value, citations });
    }
    out
}

fn collect<'a>(sentence: &'a Sentence, worth: f64, habits: Habits, out: &mut Vec<Found<'a>>) {
    let sums = amounts::amounts(&sentence.text, habits);
    let days = dates::dates(&sentence.text);
    if sums.is_empty() && days.is_empty() {
        return;
    }
    // A row or an item has no verbs to score by, but it is where people put such things.
    let worth = worth + if sentence.kind == Kind::Row { 0.3 } else { 0.0 };
    let day_ranges: Vec<_> = days.iter().map(|day| day.range.clone()).collect();
    let sum_ranges: Vec<_> = sums.iter().map(|sum| sum.range.clone()).collect();
    let mut push = |kind, range: Range<usize>, value: Option<String>, all: &[Range<usize>]| {
        let certain = if value.is_some() { 0.2 } else { 0.0 };
        let old = if replaced(&sentence.text, &range, all) { REPLACED } else { 0.0 };
        out.push(Found { sentence, kind, value, range, worth: worth + certain - old });
    };
    for day in days {
        push(FactKind::Date, day.range, day.value, &day_ranges);
    }
    for sum in sums {
        push(FactKind::Amount, sum.range, sum.value, &sum_ranges);
    }
}

/// Whether the sentence says that something else holds instead: "from EUR 4,000 to EUR 4,240",
/// "instead of 1 March", "(previously £8.40)".
fn replaced(text: &str, range: &Range<usize>, all: &[Range<usize>]) -> bool {
    let before =
        text[..range.start].trim_end_matches(|c: char| c.is_whitespace() || "(:,".contains(c)).to_lowercase();
    let after =
        |end: usize| all.iter().find(|other| other.start >= end).map(|other| text[end..other.start].trim());
    let from = ["from", "von"].iter().any(|word| before.ends_with(word));
    let onward = after(range.end)
        .is_some_and(|between| between == "to" || between == "auf" || between.ends_with(" to"));
    let old = [
        "instead of",
        "previously",
        "formerly",
        "until now",
        "rather than",
        "not",
        "before",
        "was",
        "were",
        "statt",
        "bisher",
    ];
    from && onward || old.iter().any(|word| before.ends_with(word) && !before.ends_with("not before"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_another_replaces_is_told_from_the_one_that_holds() {
        let old = |text: &str, value: &str| {
            let found = amounts::amounts(text, Habits { one_dollar: true, ..Habits::default() });
            let all: Vec<_> = found.iter().map(|f| f.range.clone()).collect();
            let at = text.find(value).unwrap();
            replaced(text, all.iter().find(|range| range.start == at).unwrap(), &all)
        };
        assert!(old("It rises from €40 to €50.", "€40") && !old("It rises from €40 to €50.", "€50"));
        assert!(old("You pay €50 instead of €40.", "€40") && !old("You pay €50 instead of €40.", "€50"));
        assert!(old("The fee is €50 (previously €40).", "€40"));
        assert!(!old("A fee from €40 is usual.", "€40"));
    }
}
