//! Whether a new ranking is better than the current one, on documents that it has not seen.

use crate::example::Example;
use crate::noise::Noise;
use rayon::prelude::*;
use std::collections::BTreeMap;
use summarizer::Score;

/// Resamples of the bootstrap.
const RESAMPLES: usize = 5000;
/// One in so many documents of a set is held out.
const HELD_OUT: usize = 5;

/// An example's points under the current and the new weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// The document.
    pub group: [u8; 32],
    /// The set.
    pub set: usize,
    /// Points of 100 of the current ranking.
    pub current: f64,
    /// Of the new one.
    pub new: f64,
}

/// Both rankings on these examples.
#[must_use]
pub fn compare(examples: &[&Example], current: &[f64], new: &[f64]) -> Vec<Compared> {
    let one = |example: &&Example| Compared {
        group: example.group,
        set: example.set,
        current: example.points(current),
        new: example.points(new),
    };
    examples.par_iter().map(one).collect()
}

/// The means and the 95 % interval of the paired difference, resampled by documents.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn score(on: &str, compared: &[Compared], seed: u64) -> Score {
    let n = compared.len().max(1) as f64;
    let mut documents: BTreeMap<[u8; 32], (f64, f64)> = BTreeMap::new();
    for one in compared {
        let (sum, rows) = documents.entry(one.group).or_default();
        *sum += one.new - one.current;
        *rows += 1.0;
    }
    let documents: Vec<(f64, f64)> = documents.into_values().collect();
    let mut noise = Noise::new(seed, u64::MAX);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn = (0..documents.len()).map(|_| documents[noise.below(documents.len())]);
            let (sum, rows) = drawn.fold((0.0, 0.0), |(a, b), (sum, rows)| (a + sum, b + rows));
            sum / f64::max(rows, 1.0)
        })
        .collect();
    means.sort_by(f64::total_cmp);
    Score {
        on: on.to_owned(),
        documents: documents.len(),
        current: round(compared.iter().map(|one| one.current).sum::<f64>() / n),
        new: round(compared.iter().map(|one| one.new).sum::<f64>() / n),
        low: round(means[RESAMPLES / 40]),
        high: round(means[RESAMPLES - 1 - RESAMPLES / 40]),
    }
}

/// To thousandths of a point: more is noise.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// Splits examples into parts of about the same size, set by set; rows of one document stay together. Gives the part of
/// each example.
#[must_use]
pub fn parts(examples: &[&Example], parts: usize, seed: u64) -> Vec<usize> {
    let mut sets: BTreeMap<usize, Vec<[u8; 32]>> = BTreeMap::new();
    let mut part_of: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    for example in examples {
        if part_of.insert(example.group, 0).is_none() {
            sets.entry(example.set).or_default().push(example.group);
        }
    }
    for (&set, groups) in &sets {
        let order = Noise::new(seed, (1 << 63) | (set as u64)).shuffled(groups.len());
        for (at, &place) in order.iter().enumerate() {
            part_of.insert(groups[place], at % parts.max(1));
        }
    }
    examples.iter().map(|example| part_of[&example.group]).collect()
}

/// Whether each example is held out from training.
#[must_use]
pub fn held_out(examples: &[&Example], seed: u64) -> Vec<bool> {
    parts(examples, HELD_OUT, seed).into_iter().map(|part| part == 0).collect()
}

/// The gate: whether the new ranking passes, and why or why not. `held` are the documents kept apart, `crossed` those of
/// the cross-validation, `unseen` each set by a ranking trained on the others only.
#[must_use]
pub fn verdict(held: &Score, crossed: &Score, unseen: &[Score]) -> (bool, String) {
    let mut against = Vec::new();
    for score in [held, crossed] {
        if score.low <= 0.0 {
            against
                .push(format!("{} ({} documents) its interval is not above zero", score.on, score.documents));
        }
    }
    if let Some((all, sets)) = unseen.split_last() {
        if all.low <= 0.0 {
            against.push(format!("{} its interval is not above zero", all.on));
        }
        let worse = sets.iter().filter(|score| score.high < 0.0);
        against.extend(worse.map(|score| format!("{} it is worse", score.on)));
    }
    if against.is_empty() {
        let kinds = if unseen.is_empty() { "" } else { ", and on sets that it had not seen" };
        (true, format!("passed: better on documents that it had not seen{kinds}"))
    } else {
        (false, format!("not passed: {}", against.join("; ")))
    }
}
