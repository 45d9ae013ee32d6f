//! Whether a sentence says what its sources say: which sentences it rests on, and what it has that they have not.
//!
//! A generated sentence is held against the sentences that its writer was shown. It rests on those that share its words
//! (and its meaning, by a model's embeddings): the best one, and others as long as each adds a part of it, as where two
//! sentences were made one. Then everything in it that can be checked exactly is: numbers with their units, dates, names,
//! what is denied, the direction of comparisons, and who does what. What a rule can't tell it lets pass, and what fails is
//! not mended: the caller puts the source's own sentence in its place.

mod common;
mod compare;
mod direction;
mod names;
mod polarity;
mod quantity;
mod reading;
mod roles;
mod tokens;
mod units;
mod when;

use crate::amounts::Habits;
use crate::words::Stems;
use names::{Name, Writing};
use quantity::{Manner, Match, Quantity};
use reading::{Read, exchanged, joined, leans, measures, mentions, read};
use std::collections::{BTreeMap, BTreeSet};
use tokens::Token;
use when::When;

/// Below this share of its weight in its sources a sentence has none.
const SUPPORT: f32 = 0.35;
/// Sources that a sentence may rest on.
const SOURCES: usize = 3;
/// Candidates whose embeddings are worth having.
const CANDIDATES: usize = 12;

/// A sentence that another rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Support {
    /// Its place among the checker's sources.
    pub source: usize,
    /// 0–1: the share of the sentence's words that it has, averaged with their cosine where there are embeddings.
    pub score: f32,
}

/// What can be wrong with a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProblemKind {
    /// No source says anything like it.
    Unsupported,
    /// A number that the sources don't have.
    Number,
    /// The number is theirs, its unit or its period isn't.
    Unit,
    /// A day, month or year that they don't have.
    Date,
    /// A name that they don't have.
    Name,
    /// They deny what it affirms, or the other way round.
    Negation,
    /// More for less, before for after, rose for fell.
    Comparison,
    /// One party in another's place.
    Party,
}

/// Something that a sentence has and its sources have not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its kind.
    pub kind: ProblemKind,
    /// The words at fault.
    pub said: String,
}

/// What a sentence rests on and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// Best first; empty only where there is nothing to compare with.
    pub supports: Vec<Support>,
    /// Empty for a sentence that may stand.
    pub problems: Vec<Problem>,
}

/// The sentences of a document that others are held against.
pub struct Checker {
    stems: Stems,
    manner: Manner,
    writing: Writing,
    sources: Vec<Read>,
    /// Sources that have a key.
    index: BTreeMap<String, Vec<usize>>,
    /// Words written with small letters somewhere, as stems.
    common: BTreeSet<String>,
    /// Words of the title and the headings.
    about: BTreeSet<String>,
    years: Vec<i16>,
}

impl Checker {
    /// Over a document's sentences in order; `about` is its title, headings and name, whose words may be used anywhere.
    #[must_use]
    pub fn new(sources: &[&str], about: &str, language: Option<&str>) -> Self {
        let stems = Stems::new(language);
        let primary = language.unwrap_or("en").split('-').next().unwrap_or("en");
        let habits = Habits::new(sources.iter().copied(), language);
        let manner = Manner { habits, english: stems.english() };
        let writing = match primary {
            "en" => Writing::English,
            "de" | "lb" => Writing::German,
            _ => Writing::Latin,
        };
        let sources: Vec<Read> = sources.iter().map(|text| read(text, &stems, manner)).collect();
        let mut index: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, source) in sources.iter().enumerate() {
            // A number is also found without its unit.
            let bare = source.numbers.iter().flat_map(Quantity::keys);
            let keys: BTreeSet<String> = source.keys.iter().cloned().chain(bare).collect();
            for key in keys {
                index.entry(key).or_default().push(at);
            }
        }
        let small = |token: &&Token| !token.capital;
        let common = sources.iter().flat_map(|s| &s.tokens).filter(small).map(|t| t.stem.clone()).collect();
        let days = || sources.iter().flat_map(|source| &source.dates).flat_map(|date| &date.readings);
        let mut years: Vec<i16> = days().filter_map(|day| day.year).collect();
        let title = read(about, &stems, manner);
        years.extend(title.dates.iter().flat_map(|date| &date.readings).filter_map(|day| day.year));
        years.sort_unstable();
        years.dedup();
        let about = title.tokens.iter().map(|token| token.lower.clone()).collect();
        Self { stems, manner, writing, sources, index, common, about, years }
    }

    /// The sources whose embeddings can sharpen the choice for this sentence, the likeliest first: at most twelve.
    #[must_use]
    pub fn candidates(&self, sentence: &str) -> Vec<usize> {
        let said = read(sentence, &self.stems, self.manner);
        self.ranked(&said).into_iter().take(CANDIDATES).map(|(source, _)| source).collect()
    }

    /// Holds a sentence against the sources. `cosines` are those of its embedding with some of them, or empty.
    #[must_use]
    pub fn check(&self, sentence: &str, cosines: &[(usize, f32)]) -> Verdict {
        let said = read(sentence, &self.stems, self.manner);
        let supports = self.supports(&said, cosines);
        let Some(best) = supports.first() else {
            let problems = vec![Problem { kind: ProblemKind::Unsupported, said: sentence.to_owned() }];
            return Verdict { supports, problems };
        };
        let mut problems = Vec::new();
        if best.score < SUPPORT {
            problems.push(Problem { kind: ProblemKind::Unsupported, said: sentence.to_owned() });
        }
        let cited: Vec<&Read> = supports.iter().map(|support| &self.sources[support.source]).collect();
        self.figures(sentence, &said, &cited, &mut problems);
        self.dates(sentence, &said, &cited, &mut problems);
        self.named(&said, &supports, &mut problems);
        self.meaning(&said, &cited, &mut problems);
        Verdict { supports, problems }
    }

    /// Weight of a key: rare ones tell more.
    fn weight(&self, key: &str) -> f32 {
        let has = self.index.get(key).map_or(0, Vec::len);
        #[expect(clippy::cast_precision_loss, reason = "counts of sentences")]
        let share = (self.sources.len() as f32 + 1.0) / (has as f32 + 1.0);
        share.ln() + 0.5
    }

    /// Sources by the share of the sentence's weight that they have, best first.
    fn ranked(&self, said: &Read) -> Vec<(usize, f32)> {
        let total: f32 = said.keys.iter().map(|key| self.weight(key)).sum();
        let mut shares: BTreeMap<usize, f32> = BTreeMap::new();
        let mut keys: Vec<&String> = said.keys.iter().collect();
        keys.sort_unstable();
        for key in keys {
            for source in self.index.get(key).into_iter().flatten() {
                *shares.entry(*source).or_default() += self.weight(key);
            }
        }
        let mut out: Vec<(usize, f32)> = shares.into_iter().map(|(at, sum)| (at, sum / total)).collect();
        out.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        out
    }

    /// What the sentence rests on: the best source, then those that add a part of it.
    fn supports(&self, said: &Read, cosines: &[(usize, f32)]) -> Vec<Support> {
        let mut ranked = self.ranked(said);
        let near: BTreeMap<usize, f32> = cosines.iter().copied().collect();
        let known: BTreeSet<usize> = ranked.iter().map(|(at, _)| *at).collect();
        ranked.extend(
            cosines
                .iter()
                .filter(|(at, _)| !known.contains(at) && *at < self.sources.len())
                .map(|(at, _)| (*at, 0.0)),
        );
        let score = |(source, share): (usize, f32)| {
            let score = near.get(&source).map_or(share, |cosine| (share + cosine.clamp(0.0, 1.0)) / 2.0);
            Support { source, score }
        };
        let mut scored: Vec<Support> = ranked.into_iter().map(score).collect();
        scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.source.cmp(&b.source)));
        let mut out: Vec<Support> = scored.first().copied().into_iter().collect();
        while out.len() < SOURCES {
            let Some(next) = self.adds(said, &scored, &out) else { break };
            out.push(next);
        }
        out
    }

    /// The source with most of what the chosen ones lack, if that is a part of the sentence and not a word of it.
    fn adds(&self, said: &Read, scored: &[Support], chosen: &[Support]) -> Option<Support> {
        let has = |key: &String| chosen.iter().any(|support| self.sources[support.source].keys.contains(key));
        let mut open: Vec<&String> = said.keys.iter().filter(|key| !has(key)).collect();
        open.sort_unstable();
        let total: f32 = said.keys.iter().map(|key| self.weight(key)).sum();
        let gain = |support: &Support| {
            let source = &self.sources[support.source];
            let new: Vec<&&String> = open.iter().filter(|key| source.keys.contains(**key)).collect();
            let weight: f32 = new.iter().map(|key| self.weight(key)).sum();
            let own: f32 = source.keys.iter().map(|key| self.weight(key)).sum();
            // A good part of the sentence, and a good part of the source: a stray name is neither.
            let part = new.len() >= 3 && weight >= 0.15 * total && weight >= 0.3 * own;
            let most = new.len() == 2 && weight >= 0.2 * total && weight >= 0.5 * own;
            (part || most).then_some((weight, *support))
        };
        let gains =
            scored.iter().take(64).filter(|s| chosen.iter().all(|c| c.source != s.source)).filter_map(gain);
        gains.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.source.cmp(&a.1.source))).map(|(_, support)| support)
    }

    fn figures(&self, sentence: &str, said: &Read, cited: &[&Read], problems: &mut Vec<Problem>) {
        for number in said.numbers.iter().filter(|number| !number.loose) {
            let told = cited.iter().flat_map(|source| &source.numbers);
            let matches: Vec<(Match, &Quantity)> = told.map(|other| (number.against(other), other)).collect();
            let best = matches.iter().map(|(found, _)| *found).max().unwrap_or(Match::No);
            let same = matches.iter().filter(|(found, _)| *found == best);
            let words = || sentence[number.at.clone()].to_owned();
            let in_a_date = || {
                number.unit.is_none()
                    && cited.iter().flat_map(|s| &s.dates).flat_map(|d| &d.readings).any(|day| {
                        let parts = [day.year, day.month.map(i16::from), day.day.map(i16::from)];
                        parts.into_iter().flatten().any(|part| number.readings.contains(&f64::from(part)))
                    })
            };
            let kind = match best {
                Match::No if in_a_date() => continue,
                Match::No => ProblemKind::Number,
                Match::OtherUnit => ProblemKind::Unit,
                // The source's unit may stand elsewhere in it ("between 2 and 4.5 km").
                Match::Bare if number.unit.as_ref().is_some_and(|unit| !measures(cited, &unit.dimension)) => {
                    ProblemKind::Unit
                }
                _ if same.clone().all(|(_, other)| {
                    number.rate.is_some() && other.rate.is_some() && other.rate != number.rate
                }) =>
                {
                    ProblemKind::Unit
                }
                _ if number.rate.is_some_and(|rate| !mentions(cited, rate)) => ProblemKind::Unit,
                _ => continue,
            };
            problems.push(Problem { kind, said: words() });
        }
    }

    fn dates(&self, sentence: &str, said: &Read, cited: &[&Read], problems: &mut Vec<Problem>) {
        for date in &said.dates {
            let told =
                cited.iter().flat_map(|source| &source.dates).any(|other| date.within(other, &self.years));
            if !told {
                problems
                    .push(Problem { kind: ProblemKind::Date, said: sentence[date.at.clone()].to_owned() });
            }
        }
        for token in &said.tokens {
            let Some(day) = when::weekday(token) else { continue };
            let fits = |date: &&When| date.readings.iter().any(|one| when::falls_on(one) == Some(day));
            let told = cited.iter().any(|source| {
                source.tokens.iter().any(|other| when::weekday(other) == Some(day))
                    || source.dates.iter().any(|d| fits(&d))
            });
            if !told {
                problems.push(Problem { kind: ProblemKind::Date, said: token.lower.clone() });
            }
        }
    }

    fn names(&self, read: &Read) -> Vec<Name> {
        let dated = |token: &Token| read.dates.iter().any(|date| date.at.contains(&token.at.start));
        names::names(&read.tokens, dated, &self.common, self.writing)
    }

    fn named(&self, said: &Read, supports: &[Support], problems: &mut Vec<Problem>) {
        let mut words: BTreeSet<String> = self.about.clone();
        let mut initials = BTreeSet::new();
        for support in supports {
            // "She", "it": who that is, the sentences before say.
            let back = if leans(&self.sources[support.source]) { 2 } else { 0 };
            for source in &self.sources[support.source.saturating_sub(back)..=support.source] {
                words.extend(source.tokens.iter().map(|token| token.lower.clone()));
                initials.extend(names::initials(&source.tokens));
            }
        }
        for name in self.names(said) {
            let strange =
                said.tokens[name.tokens].iter().find(|token| !names::told(&token.lower, &words, &initials));
            if let Some(token) = strange {
                problems.push(Problem { kind: ProblemKind::Name, said: token.lower.clone() });
            }
        }
    }

    /// Denials, directions and roles.
    fn meaning(&self, said: &Read, cited: &[&Read], problems: &mut Vec<Problem>) {
        let all: Vec<Token> = joined(cited);
        let mut add = |kind, said: Option<String>| problems.extend(said.map(|said| Problem { kind, said }));
        add(ProblemKind::Negation, polarity::turned(&said.tokens, &all));
        if !self.manner.english {
            return;
        }
        let sources: Vec<compare::Text> = cited.iter().map(|source| source.text()).collect();
        add(ProblemKind::Comparison, compare::reversed(&said.text(), &sources));
        let own = self.places(said);
        let roles = cited
            .iter()
            .map(|source| roles::swapped((&said.tokens, &own), (&source.tokens, &self.places(source))));
        let roles: Vec<Option<String>> = roles.collect();
        // One source that agrees is enough.
        let party = roles.into_iter().collect::<Option<Vec<String>>>().and_then(|all| all.into_iter().next());
        add(ProblemKind::Party, party.or_else(|| exchanged(said, cited)));
    }

    /// The places of the words that are names.
    fn places(&self, read: &Read) -> BTreeSet<usize> {
        self.names(read).into_iter().flat_map(|name| name.tokens).collect()
    }
}

#[cfg(test)]
#[path = "check/tests.rs"]
mod tests;
