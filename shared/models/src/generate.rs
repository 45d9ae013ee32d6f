//! Writing one answer: what its rows read next, and what is made of the logits that come back.
//!
//! A [`Task`] knows nothing of batches: whoever runs it takes its feeds along with those of others, and hands back the logits.

mod beams;
mod choose;
mod line;
mod lookup;
mod rules;
#[cfg(test)]
mod tests;

use crate::ModelError;
use crate::controls::Controls;
use crate::row::{Feed, Row};
use crate::text::Text;
use beams::Beams;
use line::Line;

/// A finished answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Without the prompt, the end mark and what stopped it.
    pub text: String,
    /// Its tokens, without the end mark; those of a stop text count.
    pub tokens: Vec<u32>,
    /// It was cut at its longest.
    pub cut: bool,
}

/// What an answer needs to know of its model.
pub(crate) struct Rules<'a> {
    pub text: &'a Text,
    /// Ids that end an answer.
    pub ends: &'a [u32],
}

/// An answer being written.
pub(crate) enum Task {
    Line(Box<Line>),
    Beams(Box<Beams>),
}

impl Task {
    /// For a row that was begun with `prompt`. `start` is what a decoder reads first where that is not the prompt.
    pub(crate) fn new(row: Row, prompt: &[u32], start: Option<u32>, controls: Controls) -> Self {
        let history: Vec<u32> = start.into_iter().collect();
        let pending = if start.is_some() { history.clone() } else { prompt.to_vec() };
        if controls.beams > 1 {
            Self::Beams(Box::new(Beams::new(row, pending, history, controls)))
        } else {
            Self::Line(Box::new(Line::new(row, pending, prompt, history, controls)))
        }
    }

    /// What its rows read next: of a long prompt no more than `most` tokens at once, and nothing at 0.
    pub(crate) fn feeds(&mut self, most: usize) -> Vec<Feed<'_>> {
        match self {
            Self::Line(line) => line.feed(most).into_iter().collect(),
            Self::Beams(beams) => beams.feeds(most),
        }
    }

    /// Goes on with the logits of its feeds, one list for each. Gives the answer once it is finished.
    pub(crate) fn read(
        &mut self,
        logits: Vec<Vec<Vec<f32>>>,
        rules: &Rules,
    ) -> Result<Option<Written>, ModelError> {
        // By rows: a whole row is looked through faster than a number.
        let whole = |row: &&Vec<f32>| row.iter().fold(true, |whole, x| whole & x.is_finite());
        let bad = logits.iter().flatten().find(|row| !whole(row));
        if let Some(bad) = bad.and_then(|row| row.iter().find(|x| !x.is_finite())) {
            return Err(ModelError::NotFinite { written: self.written(), found: bad.to_string() });
        }
        match self {
            Self::Line(line) => line.read(logits.into_iter().flatten().collect(), rules),
            Self::Beams(beams) => beams.read(logits, rules),
        }
    }

    /// Tokens of the answer so far.
    pub(crate) fn written(&self) -> usize {
        match self {
            Self::Line(line) => line.written(),
            Self::Beams(beams) => beams.written(),
        }
    }
}

/// Where the first of the stop texts begins.
fn stopped(text: &str, stop: &[String]) -> Option<usize> {
    stop.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop.as_str())).min()
}
