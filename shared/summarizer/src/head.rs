//! A learnt ranking: a weight for each feature by its name, and the record of how it was learnt.
//!
//! A head is a small JSON file that people can read. Its name is the hash of its bytes, so that a result
//! says which head ranked it, and a head that was changed is another head.

use crate::features::{FEATURES, Features};
use crate::rank::z;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The version of the file's form that this release writes and reads.
pub const FORMAT: u32 = 1;
/// Bytes of a head file at most.
pub const LARGEST: usize = 200_000;

/// A learnt ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    weights: Vec<f64>,
    meaning: Option<Meaning>,
    /// How it was learnt.
    pub record: Record,
    name: String,
}

/// What a head makes of the meaning of sentences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Meaning {
    /// The model whose embeddings are weighed ([`Backend::name`](crate::Backend::name)): those of another one mean
    /// something else.
    model: String,
    /// A weight for each component of a sentence's embedding, of the one before it and of the one after it.
    weights: Vec<f64>,
}

/// How a head was learnt, for whoever must decide to use it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Record {
    /// When, ISO date.
    pub date: String,
    /// The command that makes it again from the same data.
    pub command: String,
    /// The seed of everything that was drawn.
    pub seed: u64,
    /// The summarizer whose features it has seen ([`crate::VERSION`]).
    pub summarizer: String,
    /// What it was trained on.
    pub data: Vec<Data>,
    /// What it was compared with: the name of a head, or [`RECIPE`].
    pub against: String,
    /// What came out, in points of 100.
    pub scores: Vec<Score>,
    /// Whether the gate lets it pass, in words.
    pub verdict: String,
    /// The same for programs.
    pub passed: bool,
}

/// A data set that a head was trained on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Data {
    /// Name of the file, without its folder.
    pub name: String,
    /// sha-256 of its bytes.
    pub sha256: String,
    /// Rows.
    pub rows: usize,
}

/// Two rankings on the same documents, none of which the new one was trained on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Score {
    /// Which documents: "held out", "cross-validation", "without papers.jsonl" …
    pub on: String,
    /// How many.
    pub documents: usize,
    /// Mean of the current ranking.
    pub current: f64,
    /// Mean of the new one.
    pub new: f64,
    /// Bounds of the paired difference, 95 % bootstrap.
    pub low: f64,
    /// The upper one.
    pub high: f64,
}

/// What the hand-set ranking is called where a head is named.
pub const RECIPE: &str = "recipe";

/// Why a head file is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// It is no JSON of a head, or ends too early.
    #[error(
        "it is no head, or only the beginning of one ({0}): copy it again, or train a new one with `precis train`"
    )]
    Damaged(String),
    /// It has another form.
    #[error(
        "it has format version {found}, this release reads {FORMAT}: train a new one with `precis train`"
    )]
    Format {
        /// The version in the file.
        found: u64,
    },
    /// It weighs what this release does not measure.
    #[error(
        "it weighs the feature {0:?}, which this release does not know: use the release that trained it, or train a new one with `precis train`"
    )]
    UnknownFeature(String),
    /// A weight cannot be computed with.
    #[error("its weight of {0:?} is no number of a sensible size: train a new one with `precis train`")]
    Weight(String),
    /// It is larger than a head can be.
    #[error("it has {0} bytes, a head has at most {LARGEST}: this is another file")]
    TooLarge(usize),
}

#[derive(Serialize, Deserialize)]
struct File {
    precis_head: u32,
    weights: BTreeMap<String, f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    meaning: Option<Meaning>,
    record: Record,
}

impl Head {
    /// From a weight for each of [`FEATURES`] and, behind them, for each component of the embeddings of the model that is
    /// named: a sentence's, and those of its neighbours. Weights are kept to five digits: more would be noise of the
    /// training.
    ///
    /// # Errors
    /// `Weight` for one that is not finite.
    pub fn new(weights: &[f64], model: Option<&str>, record: Record) -> Result<Self, HeadError> {
        let (named, meaning) = weights.split_at(weights.len().min(FEATURES.len()));
        let named = FEATURES.iter().zip(named).map(|(feature, weight)| (feature.name.to_owned(), *weight));
        let meaning = model
            .filter(|_| !meaning.is_empty())
            .map(|model| Meaning { model: model.to_owned(), weights: meaning.to_vec() });
        Self::from_file(File { precis_head: FORMAT, weights: named.collect(), meaning, record })
    }

    /// Whether it can rank by the embeddings of this model: of those of another one it knows nothing.
    #[must_use]
    pub fn suits(&self, model: &str) -> bool {
        self.meaning.as_ref().is_none_or(|meaning| meaning.model == model)
    }

    /// The model whose embeddings it weighs, if it weighs any.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.meaning.as_ref().map(|meaning| meaning.model.as_str())
    }

    /// Whether it weighs what sentences mean.
    pub(crate) fn weighs_meaning(&self) -> bool {
        self.meaning.is_some()
    }

    /// The hand-set ranking as a head: what training starts from.
    #[must_use]
    pub fn recipe() -> Vec<f64> {
        FEATURES.iter().map(|feature| if feature.name == "blend" { 1.0 } else { 0.0 }).collect()
    }

    /// Reads a head file.
    ///
    /// # Errors
    /// Says what is wrong with it: damaged, another version, an unknown feature.
    pub fn parse(bytes: &[u8]) -> Result<Self, HeadError> {
        if bytes.len() > LARGEST {
            return Err(HeadError::TooLarge(bytes.len()));
        }
        let damaged = |error: serde_json::Error| HeadError::Damaged(error.to_string());
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(damaged)?;
        let missing = || HeadError::Damaged("there is no precis_head in it".to_owned());
        let found = value.get("precis_head").and_then(serde_json::Value::as_u64).ok_or_else(missing)?;
        if found != u64::from(FORMAT) {
            return Err(HeadError::Format { found });
        }
        Self::from_file(serde_json::from_value(value).map_err(damaged)?)
    }

    fn from_file(file: File) -> Result<Self, HeadError> {
        let mut weights = vec![0.0; FEATURES.len()];
        for (name, weight) in file.weights {
            let Some(at) = FEATURES.iter().position(|feature| feature.name == name) else {
                return Err(HeadError::UnknownFeature(name));
            };
            if !weight.is_finite() || weight.abs() > 1e6 {
                return Err(HeadError::Weight(name));
            }
            weights[at] = (weight * 1e5).round() / 1e5;
        }
        let mut meaning = file.meaning;
        for weight in meaning.iter_mut().flat_map(|meaning| &mut meaning.weights) {
            if !weight.is_finite() || weight.abs() > 1e6 {
                return Err(HeadError::Weight("meaning".to_owned()));
            }
            *weight = (*weight * 1e5).round() / 1e5;
        }
        let mut head = Self { weights, meaning, record: file.record, name: String::new() };
        head.name = hash(&head.bytes());
        Ok(head)
    }

    /// The file: JSON, the weights by name, the record behind them.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let named = FEATURES.iter().zip(&self.weights).filter(|(_, weight)| **weight != 0.0);
        let weights = named.map(|(feature, weight)| (feature.name.to_owned(), *weight)).collect();
        let file =
            File { precis_head: FORMAT, weights, meaning: self.meaning.clone(), record: self.record.clone() };
        // Numbers, texts and lists of them always become JSON.
        let mut out = serde_json::to_vec_pretty(&file).unwrap_or_default();
        out.push(b'\n');
        out
    }

    /// What it is called: the beginning of its bytes' sha-256. Part of the keys under which results are reused.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The weight of each of [`FEATURES`], and behind them those of the embeddings, if it weighs these.
    #[must_use]
    pub fn weights(&self) -> Vec<f64> {
        let meaning = self.meaning.iter().flat_map(|meaning| &meaning.weights);
        self.weights.iter().chain(meaning).copied().collect()
    }

    /// A score for each row, with the mean and the spread of the hand-set `scores`, since selection takes points off
    /// and compares with zero on their scale. `None` if the embeddings are not those that it weighs.
    pub(crate) fn scores(&self, features: &Features, scores: &[f64]) -> Option<Vec<f64>> {
        let (weights, width) = (self.weights(), features.width());
        (width == FEATURES.len() || width == weights.len())
            .then(|| on_scale(&features.weighed(&weights), scores))
    }
}

/// `raw` moved and stretched to the mean and the spread of `scores`.
pub(crate) fn on_scale(raw: &[f64], scores: &[f64]) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "sentence counts are far below 2^52")]
    let n = scores.len().max(1) as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let deviation = (scores.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    z(raw).into_iter().map(|value| mean + deviation * value).collect()
}

/// Twelve hexadecimal digits of a file's sha-256.
fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(6).fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
