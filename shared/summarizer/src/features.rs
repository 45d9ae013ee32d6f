//! What a learnt ranking may look at: every sentence of the pool as a row of numbers with names.
//!
//! The numbers are those that the hand-set ranking is made of ([`rank`](crate::rank)), each apart, and a few
//! about a sentence's shape. All are standardised within the document and cut at ±5, so that weights learnt
//! on letters mean the same in books; only `blend`, the hand-set score itself, is not cut, since it is a
//! score already.
//!
//! A document is read for what it is about, as a talk, or for what to do, and these want different weights.
//! So each feature belongs to one question and is multiplied by how far the document asks it: `about.*` and
//! `talk.*` by 1 − λ, `act.*` by λ (RANKING.md's "Which question?"). What is learnt from contracts leaves
//! papers alone.
//!
//! Where the sentences were embedded, what they mean follows as further columns without names: the embedding of the
//! sentence, of the one before it and of the one after it, less the document's mean, multiplied by λ too.

use crate::cues;
use crate::rank::{self, Ranked, z};
use crate::select::Embedded;
use crate::structure::{Document, Kind, Sentence};

/// A number that a learnt ranking may weigh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feature {
    /// Its name, unique and stable: weights are kept by it.
    pub name: &'static str,
    /// What is measured, in which unit and range, before it is standardised.
    pub says: &'static str,
}

/// Standardised values are cut here.
const MOST: f64 = 5.0;
/// What the components of a sentence's embedding are multiplied by, and those of its neighbours'. The pull on weights is
/// the same for all columns: a direction among hundreds has less to say than a term, and what stands around a sentence
/// less than what stands in it.
const OWN: f64 = 5.0;
const NEAR: f64 = 3.0;

macro_rules! features {
    ($($name:literal $says:literal)*) => { [$(Feature { name: $name, says: $says }),*] };
}

/// Every feature, in the order of a row.
pub const FEATURES: [Feature; 62] = features! {
    "blend" "the hand-set score: recipe C, act, or the blend of both; a score, about −8 to 12"
    "about.lexrank" "LexRank within the document; a probability, 0 to 1"
    "about.textrank" "TextRank within the document; a probability, 0 to 1"
    "about.sumbasic" "mean probability of the sentence's stems in the document, 0 to 1"
    "about.title" "share of the title's stems in the sentence, 0 to 1"
    "about.doc" "says \"this document\", \"our proposal\" …, 0 or 1"
    "about.we" "says \"we propose\", \"this report finds\" …, 0 or 1"
    "about.commas" "minus the number of commas, −60 to 0"
    "about.position_plain" "−ln(1 + its number in a document without headings), −14 to 0"
    "about.section_position" "−ln(1 + its number in its section) where there are headings, −14 to 0"
    "about.position_headed" "−ln(1 + its number in a document with headings), −14 to 0"
    "about.intro" "its section says what the whole is about, 0 or 1"
    "about.first_section" "it stands in the first section, 0 or 1"
    "about.words" "ln of its words, 0 to 5"
    "about.item" "it is a list item, 0 or 1"
    "about.capitals" "share of its words (after the first) that begin with a capital, 0 to 1"
    "about.digits" "share of its characters that are digits, 0 to 1"
    "about.code" "share of its words that look like code (a_b, a.b(), CamelCase), 0 to 1"
    "about.parentheses" "number of opening parentheses and brackets, 0 to 60"
    "about.depth" "its number ÷ the number of sentences, 0 to 1"
    "about.dangling" "it leans on the sentence before it, 0 or 1"
    "talk.talk" "minus the share of words in first or second person and of fillers, −1 to 0"
    "talk.position" "−ln(1 + its number in a talk), −14 to 0"
    "talk.length" "ln of its words in a talk, 0 to 5"
    "talk.lexrank" "LexRank within the talk; a probability, 0 to 1"
    "talk.capitals" "share of its words (after the first) that begin with a capital, 0 to 1"
    "talk.decision" "says decided, agreed, because …, 0 or 1"
    "act.date" "has a date, 0 or 1"
    "act.dates" "number of dates, 0 to 3"
    "act.money" "has a sum, 0 or 1"
    "act.moneys" "number of sums, 0 to 3"
    "act.percent" "has a per cent, 0 or 1"
    "act.numbers" "numbers ÷ 4, 0 to 1"
    "act.due" "has a word that binds to a time, 0 or 1"
    "act.modal" "obliges: must, shall …, 0 or 1"
    "act.decision" "a decision or a cause, 0 or 1"
    "act.change" "says that something is no longer as it was, 0 or 1"
    "act.action" "somebody is to do something, 0 or 1"
    "act.boilerplate" "what every letter has, 0 or 1"
    "act.short" "under eight words, 0 or 1"
    "act.ahead" "its latest date is after (1), on (−0.5) or before (−1) the document's own; 0 without"
    "act.quoted" "it stands in a quoted message, 0 or 1"
    "act.itself" "it is about the document itself, 0 or 1"
    "act.stale" "it tells only sums that hold no longer, 0 or 1"
    "act.words" "ln of its words, 0 to 5"
    "act.item" "it is a list item, 0 or 1"
    "act.heading" "its heading announces what holds (1) or how it came about (−1), else 0"
    "act.period" "has a period: three months, 30 working days, 0 or 1"
    "act.ends" "something ends or is shut out, 0 or 1"
    "act.request" "the reader is asked, 0 or 1"
    "act.deadline" "names a date by which something must be, 0 or 1"
    "act.verdict" "says what the author makes of it: overall, in short …, 0 or 1"
    "act.problem" "says what is wrong: missing, broken, overdue …, 0 or 1"
    "act.performs" "does what it says: grants, is refused …, 0 or 1"
    "act.counted" "a share told by counting: 14 of the 40, 0 or 1"
    "act.taxed" "the tax on a sum, 0 or 1"
    "act.sets" "sets a value, 0 or 1"
    "act.permits" "says what may be, 0 or 1"
    "act.denies" "says what is refused, shut out or not so, 0 or 1"
    "act.cause" "says why it came to that, 0 or 1"
    "act.opens" "it opens its section, 0 or 1"
    "act.row" "it is a row of a table, 0 or 1"
};

/// A document's features: one row for each sentence of the pool, one column for each of [`FEATURES`], and three for
/// each component of an embedding if the sentences were embedded.
pub(crate) struct Features {
    values: Vec<f64>,
    rows: usize,
    width: usize,
}

impl Features {
    /// From a ranked document. `ranked.scores` are the hand-set ones.
    pub(crate) fn of(document: &Document, ranked: &Ranked) -> Self {
        let (rows, width) = (ranked.pool.len(), FEATURES.len());
        let mut out = Self { values: vec![0.0; rows * width], rows, width };
        out.column("blend", &z(&ranked.scores), 1.0, f64::INFINITY);
        if ranked.office < 1.0 {
            out.about(document, ranked, 1.0 - ranked.office);
        }
        if ranked.office > 0.0 {
            out.act(document, ranked, ranked.office);
        }
        out
    }

    /// The same with what the sentences mean; of those that were not embedded nothing is known. `share` is how far the
    /// document asks what to do.
    pub(crate) fn with_meaning(self, embedded: &Embedded, share: f64) -> Self {
        let size = embedded.size();
        let width = self.width + 3 * size;
        let mean = embedded.mean();
        let mut values = vec![0.0; self.rows * width];
        for place in 0..self.rows {
            let row = &mut values[place * width..(place + 1) * width];
            row[..self.width].copy_from_slice(self.row(place));
            let around = [(Some(place), OWN), (place.checked_sub(1), NEAR), (Some(place + 1), NEAR)];
            for ((other, scale), columns) in around.into_iter().zip(row[self.width..].chunks_mut(size.max(1)))
            {
                let Some(own) = other.and_then(|other| embedded.of(other)) else { continue };
                for ((column, own), mean) in columns.iter_mut().zip(own).zip(&mean) {
                    *column = share * scale * (f64::from(*own) - mean);
                }
            }
        }
        Self { values, rows: self.rows, width }
    }

    /// Rows of the pool.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The features of one place of the pool.
    pub(crate) fn row(&self, place: usize) -> &[f64] {
        &self.values[place * self.width..(place + 1) * self.width]
    }

    /// Each place's weighted sum, for one weight a column.
    pub(crate) fn weighed(&self, weights: &[f64]) -> Vec<f64> {
        let sum = |row: &[f64]| row.iter().zip(weights).map(|(value, weight)| value * weight).sum();
        self.values.chunks(self.width).map(sum).collect()
    }

    fn column(&mut self, name: &str, values: &[f64], share: f64, most: f64) {
        let Some(at) = FEATURES.iter().position(|feature| feature.name == name) else {
            debug_assert!(false, "{name} is no feature");
            return;
        };
        for (place, value) in values.iter().enumerate() {
            self.values[place * self.width + at] = share * value.clamp(-most, most);
        }
    }

    /// What recipe C is made of, and the shape of its candidates; 0 for what is none of them.
    fn about(&mut self, document: &Document, ranked: &Ranked, share: f64) {
        let places: Vec<Option<usize>> =
            ranked.pool.iter().map(|sentence| ranked.kept.binary_search(sentence).ok()).collect();
        let mut column = |name: &str, values: &[f64]| {
            let values = z(values);
            let spread: Vec<f64> = places.iter().map(|at| at.map_or(0.0, |at| values[at])).collect();
            self.column(name, &spread, share, MOST);
        };
        let spoken = ranked.about.iter().any(|(name, ..)| *name == "talk");
        let of = |name: &str| if spoken { format!("talk.{name}") } else { format!("about.{name}") };
        for (name, _, values) in &ranked.about {
            column(&of(name), values);
        }
        let kept = || ranked.kept.iter().map(|&at| (at, &document.sentences[at]));
        let per = |f: &dyn Fn(&Sentence) -> f64| kept().map(|(_, s)| f(s)).collect::<Vec<f64>>();
        column(&of("capitals"), &per(&|s| capitals(&s.text)));
        if spoken {
            column("talk.decision", &per(&|s| flag(cues::DECISION.is_match(&s.text))));
            return;
        }
        let all = count(document.sentences.len());
        column("about.words", &per(&|s| count(s.words).ln()));
        column("about.item", &per(&|s| flag(s.kind == Kind::Item)));
        column("about.digits", &per(&|s| digits(&s.text)));
        column("about.code", &per(&|s| code(&s.text)));
        column("about.parentheses", &per(&|s| exactly(s.text.matches(['(', '[']).count())));
        column("about.depth", &kept().map(|(at, _)| exactly(at) / all).collect::<Vec<_>>());
        column("about.dangling", &per(&|s| flag(cues::dangles(&s.text))));
    }

    /// What *act* is made of, for every sentence of the pool.
    fn act(&mut self, document: &Document, ranked: &Ranked, share: f64) {
        let today = ranked.today.as_deref();
        let mut columns: Vec<(&str, Vec<f64>)> = Vec::new();
        for &at in &ranked.pool {
            let sentence = &document.sentences[at];
            let shape = [("words", count(sentence.words).ln()), ("item", flag(sentence.kind == Kind::Item))];
            let terms = rank::worth_terms(sentence, rank::heading(document, sentence), today);
            let terms = terms.into_iter().map(|(name, _, value)| (name, value));
            for (column, (name, value)) in terms.chain(shape).enumerate() {
                if columns.len() == column {
                    columns.push((name, Vec::new()));
                }
                columns[column].1.push(value);
            }
        }
        for (name, values) in &columns {
            self.column(&format!("act.{name}"), &z(values), share, MOST);
        }
    }
}

fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

/// A count that is divided by or whose logarithm is taken: at least one.
fn count(n: usize) -> f64 {
    exactly(n.max(1))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn exactly(n: usize) -> f64 {
    n as f64
}

/// Share of the words after the first that begin with a capital.
fn capitals(text: &str) -> f64 {
    let rest = || text.split_whitespace().skip(1);
    let capital = |word: &&str| word.chars().find(|c| c.is_alphanumeric()).is_some_and(char::is_uppercase);
    exactly(rest().filter(capital).count()) / count(rest().count())
}

/// Share of the characters that are digits.
fn digits(text: &str) -> f64 {
    exactly(text.chars().filter(|c| c.is_numeric()).count()) / count(text.chars().count())
}

/// Share of the words that look like code: an underscore, a call, a dot, slash or capital within the word.
fn code(text: &str) -> f64 {
    let looks = |word: &&str| {
        let inner = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_' && c != '(' && c != ')');
        let mut before = ' ';
        let joint = inner.chars().any(|c| {
            let within = before.is_lowercase() && (c.is_uppercase() || matches!(c, '.' | '/' | ':'));
            before = c;
            within
        });
        joint || inner.contains(['_', '{', '=', '<']) || inner.contains("()")
    };
    exactly(text.split_whitespace().filter(looks).count()) / count(text.split_whitespace().count())
}

#[cfg(test)]
#[path = "features_tests.rs"]
mod tests;
