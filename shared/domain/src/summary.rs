//! What comes out: a summary in which every sentence says where it comes from.

use crate::text::{BoundingBox, Origin};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place in the document that a sentence of the summary stands on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Citation {
    /// Page number, from 1.
    pub page: u32,
    /// The source's own words.
    pub text: String,
    /// How well the source supports the sentence, 0–1; 1 when the sentence is the source's, word for word.
    pub score: f32,
    /// Where it stands on the page, if the format has places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bbox: Option<BoundingBox>,
    /// OCR's confidence in those lines, 0–1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// The source says more: the sentence of the summary leaves words of it out ("However, …", an aside).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trimmed: bool,
}

/// A sentence of the summary, or a key point, with its sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cited {
    /// What it says.
    pub text: String,
    /// At least one.
    pub citations: Vec<Citation>,
}

/// What kind of thing a key fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// A date or a deadline; `value` is ISO 8601.
    Date,
    /// A sum of money; `value` is the ISO 4217 code and a plain number.
    Amount,
    /// A period, a share or another figure that binds ("three months' notice").
    Figure,
    /// What somebody must or must not do.
    Obligation,
    /// What was decided, found (why it came to that, too) or refused.
    Decision,
    /// What somebody is to do next, in minutes and plans.
    Action,
    /// Who agrees with whom, by the name that the document gives them; `value` is that name.
    Party,
}

/// A thing people look for, as a short line of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeyFact {
    /// Its kind.
    pub kind: FactKind,
    /// The clause around it, in the document's words.
    pub text: String,
    /// The normalised value, when it could be told for certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// At least one.
    pub citations: Vec<Citation>,
}

/// The summary of a document.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// One line that says what matters most.
    pub headline: String,
    /// The summary itself, in document order.
    pub sentences: Vec<Cited>,
    /// The most important points spread over the document's topics.
    #[serde(default)]
    pub key_points: Vec<Cited>,
    /// Dates, amounts, duties and decisions, the most important first.
    #[serde(default)]
    pub key_facts: Vec<KeyFact>,
    /// What the reader should know about this summary, in our words: that the document says nothing about what was
    /// asked, that it is only a table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How the sentences were written, where a model was asked to; without it they are the document's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writing: Option<Writing>,
}

/// How a summary was written by a model, or why it was not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Writing {
    /// The model that wrote, and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The summary's sentences that the model wrote, by their place from 0. The others are the document's own.
    #[serde(default)]
    pub generated: Vec<u32>,
    /// Sentences that the model wrote in its answer.
    #[serde(default)]
    pub written: u32,
    /// Sentences of it that failed the checks, so that the document's own stand in their place.
    #[serde(default)]
    pub replaced: u32,
    /// Why the summary is the document's own sentences although a written one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// What the model was asked to do, in order.
    #[serde(default)]
    pub steps: Vec<WritingStep>,
}

/// One text that a model was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct WritingStep {
    /// `notes` on some sections, or the `summary`.
    pub what: String,
    /// Headings of the sections that it was about.
    #[serde(default)]
    pub sections: Vec<String>,
    /// Sentences (or lines of notes) that it was shown.
    pub sentences: u32,
    /// Sentences that these sections have.
    pub of: u32,
}

/// How much of the document was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Pages read, blank ones included.
    pub pages_read: u32,
    /// Pages there are.
    pub pages_total: u32,
    /// Words that the ranking saw.
    pub words_read: u64,
    /// Words on the pages read.
    pub words_total: u64,
}

/// One page in the outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PageReport {
    /// From 1.
    pub number: u32,
    /// Where its text comes from.
    pub origin: Origin,
    /// Mean OCR confidence, 0–1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// The attachment it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<String>,
    /// Why it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
