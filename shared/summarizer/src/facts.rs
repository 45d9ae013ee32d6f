//! Key facts: what a reader looks for, as short lines of their own: a date, a sum, a period, a duty, a decision.
//!
//! Every hit in a sentence proposes the clause around it. The clauses that are worth most for their length, and that
//! neither the summary nor a fact before them says, are taken as long as there is room. What is left of the room goes
//! to dates and sums that the summary does say, so that programs find their values.

use crate::amounts::{self, Habits};
use crate::clause;
use crate::context;
use crate::cues;
use crate::dates;
use crate::old;
use crate::parties;
use crate::rank;
use crate::said::Said;
use crate::structure::{Document, Kind, Sentence};
use crate::words::count_words;
use domain::summary::{FactKind, KeyFact};
use std::ops::Range;

/// Facts in one summary.
const MOST: usize = 8;
/// Of one kind, so that a price list does not crowd out the deadline.
const MOST_OF_A_KIND: usize = 5;
/// Words of facts beside a summary of up to so many words; a longer one has more of them.
const ROOM: usize = 80;
const STANDARD: usize = 120;
/// Characters of a fact that is a whole clause, and of one that had to be cut.
const LONGEST: usize = 110;
const CUT: usize = 80;
/// Worth less than this share of the best fact: history and asides.
const NOISE: f64 = 0.3;
/// Added for a value that could be told for certain.
const CERTAIN: f64 = 0.3;
/// Added for what tells why it came to that: the first question after every incident and every refusal.
const CAUSE: f64 = 1.0;
/// Taken off a value that another one may replace, and off what is told as history.
const PAST: f64 = 1.6;
/// Taken off a clause that leans on what stands before it.
const LEANS: f64 = 0.8;
/// Taken off a clause that had to be cut.
const BROKEN: f64 = 0.5;
/// Fewer words say nothing by themselves, outside a table.
const LEAST: usize = 4;
/// So few words may need their heading to be understood, which has at most so many.
const SCRAP: usize = 8;
const LABEL: usize = 5;
/// A line without a full stop of so few words is a title, not a duty.
const TITLE: usize = 6;
/// Power of the length that divides, and the length up to which it doesn't.
const BREVITY: f64 = 0.6;
const LINE: usize = 8;

/// Where facts are looked for.
pub(crate) struct Source<'a> {
    pub document: &'a Document,
    /// The sentences (indices) that the summary has.
    pub said: &'a [usize],
    /// The sentences (indices) that tell what holds no longer, ascending.
    pub superseded: &'a [usize],
    /// The date that the document bears, ISO.
    pub today: Option<&'a str>,
    pub language: Option<&'a str>,
    /// Whether the document asks for action: only there duties and decisions are told apart from its matter.
    pub office: bool,
    /// Words of the summary, and the length that was asked for.
    pub told: usize,
    pub budget: usize,
    /// How much a sentence has to do with what was asked; empty if nothing was.
    pub relevance: &'a [f64],
}

struct Found<'a> {
    sentence: &'a Sentence,
    kind: FactKind,
    value: Option<String>,
    text: String,
    worth: f64,
    /// It tells why.
    why: bool,
    /// The summary has the sentence.
    said: bool,
}

/// The facts of a document, the most important first.
pub(crate) fn key_facts(source: &Source) -> Vec<KeyFact> {
    let sentences = &source.document.sentences;
    let habits = Habits::new(sentences.iter().map(|s| s.text.as_str()), source.language);
    let mut found = Vec::new();
    for (index, sentence) in sentences.iter().enumerate() {
        if sentence.text.len() <= 1500 {
            collect(source, index, sentence, habits, &mut found);
        }
    }
    let best = found.iter().map(|fact| fact.worth).fold(0.0, f64::max);
    if source.office {
        found
            .extend(sentences.iter().take(parties::FIRST).flat_map(|sentence| named(sentence, NOISE * best)));
    }
    // A stable sort: equal ones stay in document order.
    found.sort_by(|a, b| a.said.cmp(&b.said).then(b.worth.total_cmp(&a.worth)));
    choose(source, found.into_iter().filter(|fact| fact.why || fact.worth >= NOISE * best))
}

/// As many as there is room for, none that was told; then, for programs, values that the summary told.
fn choose<'a>(source: &Source, found: impl Iterator<Item = Found<'a>>) -> Vec<KeyFact> {
    let told = source.said.iter().map(|&index| source.document.sentences[index].text.as_str());
    let mut said = Said::by(told);
    let all = (source.budget * 5 / 3).max(source.budget.min(STANDARD) + ROOM);
    let mut chosen = Chosen { room: all.saturating_sub(source.told), facts: Vec::new() };
    let mut again = Vec::new();
    for fact in found {
        if fact.said || said.has(&fact.text) {
            again.push(fact);
        } else {
            said.add(&fact.text);
            chosen.take(fact);
        }
    }
    for fact in again {
        let known = |other: &KeyFact| other.kind == fact.kind && other.value == fact.value;
        if fact.value.is_some() && !chosen.facts.iter().any(known) {
            chosen.take(fact);
        }
    }
    chosen.facts
}

/// What was chosen, and the words that are left.
struct Chosen {
    room: usize,
    facts: Vec<KeyFact>,
}

impl Chosen {
    /// Takes a fact if there is room for it.
    fn take(&mut self, fact: Found) {
        let words = count_words(&fact.text);
        let of_kind = self.facts.iter().filter(|other| other.kind == fact.kind).count();
        if self.facts.len() < MOST && of_kind < MOST_OF_A_KIND && words <= self.room {
            self.room -= words;
            let citations = crate::cite(fact.sentence);
            self.facts.push(KeyFact { kind: fact.kind, text: fact.text, value: fact.value, citations });
        }
    }
}

/// The parties of a sentence: worth telling where there is room.
fn named(sentence: &Sentence, worth: f64) -> Vec<Found<'_>> {
    let party = |(role, name): (&str, &str)| Found {
        sentence,
        kind: FactKind::Party,
        value: Some(name.to_owned()),
        text: format!("{role}: {name}"),
        worth,
        why: false,
        said: false,
    };
    parties::parties(&sentence.text).into_iter().map(party).collect()
}

/// A place in a sentence that makes a fact of the clause around it.
struct Hit {
    kind: FactKind,
    range: Range<usize>,
    value: Option<String>,
}

/// The facts of a sentence.
fn collect<'a>(
    source: &Source,
    index: usize,
    sentence: &'a Sentence,
    habits: Habits,
    out: &mut Vec<Found<'a>>,
) {
    let text = sentence.text.as_str();
    if rank::about_itself(sentence) || source.superseded.binary_search(&index).is_ok() {
        return;
    }
    let said = source.said.contains(&index);
    let mut hits = valued(sentence, source.today, habits);
    let title = sentence.kind == Kind::Body && sentence.words <= TITLE && !text.ends_with(['.', '!', ';']);
    if source.office && !said && !title {
        hits.extend(worded(sentence));
    }
    let row = sentence.kind == Kind::Row;
    for at in 0..hits.len() {
        let hit = &hits[at];
        let among: Vec<Range<usize>> =
            hits.iter().filter(|other| other.kind == hit.kind).map(|other| other.range.clone()).collect();
        let known = hit.value.is_some() && hit.value.as_deref() == source.today;
        // The document's own date is at its head; nobody has to learn it.
        if known || old::is_replaced(text, &hit.range, &among) {
            continue;
        }
        let mut line = if row { clause::in_row(text, &hit.range, LONGEST) } else { line(text, &hit.range) };
        if !row && count_words(&line) < LEAST {
            continue;
        }
        let cause = source.office && tells_why(hit, text);
        if !row && (cues::dangles(&line) || count_words(&line) <= SCRAP && !cause) {
            line = labelled(source.document, sentence, line);
        }
        let worth =
            worth(source, sentence, hit, &line) + source.relevance.get(index).copied().unwrap_or_default();
        // The same clause is one fact, of the kind that comes first.
        if !out
            .iter()
            .rev()
            .take(hits.len())
            .any(|other| other.text == line && (other.kind == hit.kind || hit.value.is_none()))
        {
            let (kind, value) = (hit.kind, hit.value.clone());
            out.push(Found { sentence, kind, value, text: line, worth, why: cause, said });
        }
    }
}

/// A clause that does not say what it is about, behind the heading that does: "Right of appeal: It must be received by
/// 15 April". The title says what the whole is about.
fn labelled(document: &Document, sentence: &Sentence, line: String) -> String {
    let heading = rank::heading(document, sentence);
    if heading == document.title {
        return line;
    }
    let name = heading.trim_start_matches(|c: char| !c.is_alphabetic());
    let name = name.split(['(', '–', ':']).next().unwrap_or_default().trim();
    let (words, lower) = (count_words(name), line.to_lowercase());
    let known = name.to_lowercase().split(' ').any(|word| word.len() > 3 && lower.contains(word));
    if words == 0 || words > LABEL || known { line } else { format!("{name}: {line}") }
}

/// The clause around a hit: whole if it can be.
fn line(text: &str, hit: &Range<usize>) -> String {
    let whole = clause::around(text, hit, LONGEST);
    if whole.contains('…') { clause::around(text, hit, CUT) } else { whole }
}

/// Dates, sums, shares and periods.
fn valued(sentence: &Sentence, today: Option<&str>, habits: Habits) -> Vec<Hit> {
    let text = sentence.text.as_str();
    let mut hits = Vec::new();
    if text.bytes().any(|b| b.is_ascii_digit()) {
        let own = sentence.own_words();
        let mut days = dates::dates(text, today);
        days.retain(|day| own.contains(&text[day.range.clone()]));
        let hit = |day: dates::Found| Hit { kind: FactKind::Date, range: day.range, value: day.value };
        hits.extend(days.into_iter().map(hit));
        let mut sums = amounts::amounts(text, habits);
        if sentence.kind == Kind::Row {
            // Of the sums of a row the last one is the total, or the newest.
            sums.drain(..sums.len().saturating_sub(1));
        }
        let hit = |sum: amounts::Found| Hit { kind: FactKind::Amount, range: sum.range, value: sum.value };
        hits.extend(sums.into_iter().map(hit));
    }
    hits
}

/// What binds by a word: a period, a share, a duty, a decision.
fn worded(sentence: &Sentence) -> Vec<Hit> {
    let text = sentence.text.as_str();
    let mut hits = Vec::new();
    for (kind, pattern) in [
        (FactKind::Obligation, &*cues::MODAL),
        (FactKind::Action, &*cues::ACTION),
        (FactKind::Decision, &*context::ENDS),
        (FactKind::Decision, &*cues::DECISION),
        (FactKind::Decision, &*context::CAUSE),
        (FactKind::Figure, &*cues::PERCENT),
        (FactKind::Figure, &*context::PERIOD),
        (FactKind::Figure, &*context::COUNTED),
    ] {
        // "The valve had stuck, so …": the cause, without what followed from it.
        let end = |found: &regex::Match| found.start() + found.as_str().trim_end_matches(", so").len();
        let hit = |found: regex::Match| Hit { kind, range: found.start()..end(&found), value: None };
        hits.extend(pattern.find_iter(text).take(3).map(hit));
    }
    hits
}

/// Whether a hit is one of a cause.
fn tells_why(hit: &Hit, text: &str) -> bool {
    let found = || context::CAUSE.find(&text[hit.range.start..]);
    hit.kind == FactKind::Decision && found().is_some_and(|cause| cause.start() == 0)
}

/// What a clause is worth for its length, as a sentence of its own.
#[expect(clippy::cast_precision_loss, reason = "a clause has few words")]
fn worth(source: &Source, sentence: &Sentence, hit: &Hit, line: &str) -> f64 {
    let kind = if sentence.kind == Kind::Row { Kind::Item } else { sentence.kind };
    let words = count_words(line);
    let clause = Sentence { text: line.to_owned(), kind, words, parts: Vec::new(), ..sentence.clone() };
    let terms = rank::worth_terms(&clause, rank::heading(source.document, sentence), source.today);
    // A clause is short by nature, and does not open its section.
    let counts = |name: &str| !matches!(name, "short" | "opens");
    let sum: f64 =
        terms.iter().filter(|(name, ..)| counts(name)).map(|(_, weight, value)| weight * value).sum();
    let certain = if hit.value.is_some() { CERTAIN } else { 0.0 };
    let cause = tells_why(hit, &sentence.text);
    // Why something came about lies in the past by nature.
    let past = old::may_be_past(&sentence.text, &hit.range) || !cause && old::is_history(line);
    let taken = [(past, PAST), (cues::dangles(line), LEANS), (line.contains('…'), BROKEN)];
    let taken: f64 = taken.iter().filter(|(is, _)| *is).map(|(_, much)| much).sum();
    let cause = if cause { CAUSE } else { 0.0 };
    (sum + certain + cause - taken) / (words.max(LINE) as f64).powf(BREVITY)
}
