//! A text taken apart for the checks.

use super::compare;
use super::quantity::{self, Manner, Match, Quantity};
use super::tokens::{self, Token};
use super::units;
use super::when::{self, When};
use crate::words::Stems;
use std::collections::{BTreeMap, BTreeSet};

/// A text taken apart for checking.
pub(super) struct Read {
    pub tokens: Vec<Token>,
    pub numbers: Vec<Quantity>,
    pub dates: Vec<When>,
    /// Distinct stems that carry meaning, and numbers.
    pub keys: BTreeSet<String>,
}

impl Read {
    pub(super) fn text(&self) -> compare::Text<'_> {
        compare::Text { tokens: &self.tokens, dates: &self.dates, numbers: &self.numbers }
    }

    /// The figures that stand in the same clause as a word, for words that stand there once and with one figure.
    pub(super) fn beside(&self) -> BTreeMap<String, Vec<&Quantity>> {
        let mut out: BTreeMap<String, Vec<&Quantity>> = BTreeMap::new();
        let mut often = BTreeSet::new();
        for clause in self.tokens.chunk_by(|a, b| a.clause == b.clause) {
            let (Some(first), Some(last)) = (clause.first(), clause.last()) else { continue };
            let range = first.at.start..last.at.end;
            let inside: Vec<&Quantity> =
                self.numbers.iter().filter(|n| !n.loose && range.contains(&n.at.start)).collect();
            for token in
                clause.iter().filter(|token| !crate::words::is_stop(&token.lower) && !token.is_figure())
            {
                if out.insert(token.stem.clone(), inside.clone()).is_some() {
                    often.insert(token.stem.clone());
                }
            }
        }
        out.retain(|stem, figures| figures.len() == 1 && !often.contains(stem));
        out
    }
}

pub(super) fn read(text: &str, stems: &Stems, manner: Manner) -> Read {
    let tokens = tokens::tokens(text, stems);
    let dates = when::dates(text, &tokens);
    let taken: Vec<_> = dates.iter().map(|date| date.at.clone()).collect();
    let numbers = quantity::quantities(text, &tokens, &taken, manner);
    let mut keys: BTreeSet<String> = stems.of(text).into_iter().filter(|stem| stems.carries(stem)).collect();
    keys.extend(numbers.iter().filter(|n| !n.loose).flat_map(|number| number.keys().into_iter().take(1)));
    let days = dates.iter().flat_map(|date| &date.readings);
    keys.extend(days.filter_map(|day| Some(format!("#{}-{}", day.month?, day.day?))));
    Read { tokens, numbers, dates, keys }
}

/// One text of several, their clauses apart.
pub(super) fn joined(cited: &[&Read]) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    for source in cited {
        let base = out.last().map_or(0, |token| token.clause + 1);
        out.extend(source.tokens.iter().cloned().map(|token| Token { clause: token.clause + base, ..token }));
    }
    out
}

/// Two words whose figures have changed places: "€2.31 by van, €2.87 by bicycle".
pub(super) fn exchanged(said: &Read, cited: &[&Read]) -> Option<String> {
    let own = said.beside();
    cited.iter().find_map(|source| {
        let told = source.beside();
        let mut shared: Vec<&String> = own.keys().filter(|stem| told.contains_key(*stem)).collect();
        shared.sort_unstable();
        // A figure of each, and never the same.
        let agree = |a: &[&Quantity], b: &[&Quantity]| {
            a.iter().any(|a| b.iter().any(|b| a.against(b) >= Match::Bare))
        };
        let strange: Vec<&String> =
            shared.into_iter().filter(|stem| !agree(&own[*stem], &told[*stem])).collect();
        strange.iter().enumerate().find_map(|(at, one)| {
            let turned =
                |other: &&&String| agree(&own[*one], &told[**other]) && agree(&own[**other], &told[*one]);
            strange[at + 1..].iter().find(turned).map(|_| (*one).clone())
        })
    })
}

pub(super) fn measures(cited: &[&Read], dimension: &str) -> bool {
    let units = cited.iter().flat_map(|source| &source.numbers).filter_map(|number| number.unit.as_ref());
    units.into_iter().any(|unit| unit.dimension == dimension)
}

pub(super) fn mentions(cited: &[&Read], rate: &str) -> bool {
    cited.iter().flat_map(|source| &source.tokens).any(|token| units::period(&token.lower) == Some(rate))
}

/// Whether a sentence speaks of somebody by a pronoun.
pub(super) fn leans(source: &Read) -> bool {
    const PRONOUNS: &[&str] = &["he", "she", "they", "him", "her", "them", "his", "their"];
    source
        .tokens
        .iter()
        .any(|token| token.is(PRONOUNS) || token.first && token.is(&["it", "its", "this", "these"]))
}
