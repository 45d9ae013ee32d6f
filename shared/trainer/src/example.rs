//! A row that has been read: its sentences as numbers, and how good a choice of them is.

use crate::data::{Fact, Goal, Row, plain};
use crate::rouge::{Reference, Tokens};
use sha2::{Digest, Sha256};
use summarizer::SummarizeError;
use summarizer::learn::Material;

/// A document to learn from or to be judged by.
pub struct Example {
    /// The sentences, their features, and the selection.
    pub material: Material,
    /// Number of the set that it is from.
    pub set: usize,
    /// Rows of the same document are of one group: they are never apart, one learnt from and one judged by.
    pub group: [u8; 32],
    /// Most words.
    pub words: usize,
    target: Target,
    oracle: Vec<usize>,
}

enum Target {
    /// The reference and the stems of each place.
    Like(Box<Reference>, Vec<Vec<u32>>),
    /// For each place the groups of patterns that it has, as bits; and those that each fact and each trap needs.
    Told { has: Vec<u128>, facts: Vec<u128>, traps: Vec<u128> },
    /// Places of the better and of the worse summary.
    Preferred { better: Vec<usize>, worse: Vec<usize> },
}

/// Why a row teaches nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Useless {
    /// No summary can be made of it.
    #[error("no summary can be made of it: {0}")]
    Document(#[from] SummarizeError),
    /// There is no choice.
    #[error("it has fewer than three sentences to choose from")]
    NoChoice,
    /// No sentence is better than another.
    #[error("no sentence of it has anything of what is wanted")]
    NothingFits,
    /// The two summaries are made of the same sentences, or not of the document's.
    #[error("the two summaries are not told apart by the document's sentences")]
    SamePair,
    /// More than fits.
    #[error("its facts and traps have more than 128 groups of patterns together; make two rows of it")]
    TooManyFacts,
}

impl Example {
    /// From a row and its document's sentences ([`Material::new`]).
    ///
    /// # Errors
    /// Why the row teaches nothing. Others may still be used.
    pub fn new(row: &Row, set: usize, material: Material) -> Result<Self, Useless> {
        if material.len() < 3 {
            return Err(Useless::NoChoice);
        }
        let target = match &row.goal {
            Goal::Reference(text) => like(&material, text),
            Goal::Facts { facts, traps } => told(&material, facts, traps)?,
            Goal::Pair { better, worse } => preferred(&material, better, worse)?,
        };
        let group = Sha256::digest(row.document.as_bytes()).into();
        let mut out = Self { material, set, group, words: row.words, target, oracle: Vec::new() };
        out.oracle = out.greedy();
        if out.oracle.is_empty() && out.pair().is_none() {
            return Err(Useless::NothingFits);
        }
        Ok(out)
    }

    /// The choice that somebody would make who knows what is wanted; empty for a pair.
    #[must_use]
    pub fn oracle(&self) -> &[usize] {
        &self.oracle
    }

    /// Places of the better and of the worse summary, for a pair.
    #[must_use]
    pub fn pair(&self) -> Option<(&[usize], &[usize])> {
        match &self.target {
            Target::Preferred { better, worse } => Some((better, worse)),
            _ => None,
        }
    }

    /// How good a choice of places is, 0 to 1 (less than 0 where traps outweigh facts). Always 0 for a pair.
    #[must_use]
    pub fn reward(&self, chosen: &[usize]) -> f64 {
        match &self.target {
            Target::Like(reference, stems) => {
                let said: Vec<u32> = chosen.iter().flat_map(|&place| &stems[place]).copied().collect();
                reference.score(&said).mean()
            }
            Target::Told { has, facts, traps } => {
                let all = chosen.iter().fold(0, |all, &place| all | has[place]);
                let full = |needed: &[u128]| needed.iter().filter(|&&bits| all & bits == bits).count();
                share(full(facts), facts.len()) - share(full(traps), facts.len())
            }
            Target::Preferred { .. } => 0.0,
        }
    }

    /// Points of 100 under weights: what the gate compares. For a pair 100 where the better one has the higher mean
    /// score, 50 on a tie.
    #[must_use]
    pub fn points(&self, weights: &[f64]) -> f64 {
        let Some((better, worse)) = self.pair() else {
            return 100.0 * self.reward(&self.material.summary(weights, self.words));
        };
        let merits = self.material.merits(weights);
        let mean = |places: &[usize]| {
            let sum: f64 = places.iter().map(|&place| merits[place]).sum();
            sum / share(places.len().max(1), 1)
        };
        let ahead = mean(better) - mean(worse);
        if ahead.abs() < 1e-9 { 50.0 } else { 100.0 * f64::from(u8::from(ahead > 0.0)) }
    }

    /// Adds the sentence that gains most as long as one gains. Half a fact counts, else a fact in two sentences would
    /// never be begun.
    fn greedy(&self) -> Vec<usize> {
        let value = |chosen: &[usize]| match &self.target {
            Target::Told { has, facts, .. } => {
                let all = chosen.iter().fold(0, |all, &place| all | has[place]);
                let part =
                    |bits: &u128| f64::from((all & bits).count_ones()) / f64::from(bits.count_ones().max(1));
                self.reward(chosen) + 0.5 * facts.iter().map(part).sum::<f64>() / share(facts.len(), 1)
            }
            _ => self.reward(chosen),
        };
        let (mut chosen, mut left, mut best) = (Vec::new(), self.words, 0.0);
        loop {
            let mut next: Option<(f64, Vec<usize>)> = None;
            for place in 0..self.material.len() {
                if self.material.words(place) > left || chosen.contains(&place) {
                    continue;
                }
                let mut tried = chosen.clone();
                tried.push(place);
                tried.sort_unstable();
                let value = value(&tried);
                if value > next.as_ref().map_or(best, |(value, _)| *value) + 1e-9 {
                    next = Some((value, tried));
                }
            }
            let Some((value, tried)) = next else { return chosen };
            left = self.words - tried.iter().map(|&place| self.material.words(place)).sum::<usize>();
            (chosen, best) = (tried, value);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn share(some: usize, all: usize) -> f64 {
    some as f64 / all as f64
}

fn like(material: &Material, text: &str) -> Target {
    let mut tokens = Tokens::default();
    let reference = Reference::new(tokens.of(text));
    let stems = (0..material.len()).map(|place| tokens.of(material.text(place))).collect();
    Target::Like(Box::new(reference), stems)
}

fn told(material: &Material, facts: &[Fact], traps: &[Fact]) -> Result<Target, Useless> {
    let mut first = 0_u32;
    let mut needs = |fact: &Fact| {
        let groups = u32::try_from(fact.0.len()).unwrap_or(u32::MAX);
        if groups > 128 - first {
            return Err(Useless::TooManyFacts);
        }
        let bits = (0..groups).fold(0_u128, |bits, group| bits | (1 << (first + group)));
        first += groups;
        Ok(bits)
    };
    let needed = facts.iter().chain(traps).map(&mut needs).collect::<Result<Vec<u128>, _>>()?;
    let has = |place: usize| {
        let text = plain(material.text(place));
        let groups = facts.iter().chain(traps).flat_map(|fact| fact.groups_in(&text));
        groups.enumerate().fold(0_u128, |bits, (group, found)| bits | (u128::from(found) << group))
    };
    let has = (0..material.len()).map(has).collect();
    let (facts, traps) = needed.split_at(facts.len());
    Ok(Target::Told { has, facts: facts.to_vec(), traps: traps.to_vec() })
}

/// The document's sentences that a summary is made of: those most of whose stems it has.
fn preferred(material: &Material, better: &str, worse: &str) -> Result<Target, Useless> {
    let mut tokens = Tokens::default();
    let stems: Vec<Vec<u32>> = (0..material.len()).map(|place| tokens.of(material.text(place))).collect();
    let mut made_of = |text: &str| {
        let pairs: std::collections::HashSet<(u32, u32)> =
            tokens.of(text).windows(2).map(|pair| (pair[0], pair[1])).collect();
        let said = |place: &usize| {
            let own = &stems[*place];
            let hits = own.windows(2).filter(|pair| pairs.contains(&(pair[0], pair[1]))).count();
            own.len() > 1 && share(hits, own.len() - 1) >= 0.8
        };
        (0..material.len()).filter(said).collect::<Vec<_>>()
    };
    let (better, worse) = (made_of(better), made_of(worse));
    if better.is_empty() || worse.is_empty() || better == worse {
        return Err(Useless::SamePair);
    }
    Ok(Target::Preferred { better, worse })
}
