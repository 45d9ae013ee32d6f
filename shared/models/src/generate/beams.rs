//! Beam search: several answers side by side, each step keeping the likeliest continuations of all of them.
//!
//! As the reference library does it (its `early_stopping` off): an answer that ends is kept with its score divided by a power
//! of its length; the search goes on until no answer under way, by its score so far, could replace the worst of those kept.

use super::choose::{highest, id, log_shares};
use super::line::finished;
use super::{Rules, Written, rules};
use crate::ModelError;
use crate::controls::Controls;
use crate::row::{Feed, Row};

pub(crate) struct Beams {
    beams: Vec<Beam>,
    /// Rest of the prompt, while there is only one beam that reads it.
    pending: Vec<u32>,
    fed: usize,
    done: Vec<Done>,
    start: usize,
    controls: Controls,
}

/// An answer under way.
struct Beam {
    row: Row,
    /// What the decoder starts with, then the answer.
    history: Vec<u32>,
    score: f32,
}

/// One that has ended, best first.
struct Done {
    tokens: Vec<u32>,
    score: f32,
    cut: bool,
}

/// A beam with one token more.
struct Candidate {
    beam: usize,
    token: u32,
    score: f32,
    /// It ends the answer, by its mark or its length.
    ends: bool,
}

impl Beams {
    pub(super) fn new(row: Row, pending: Vec<u32>, history: Vec<u32>, controls: Controls) -> Self {
        let start = history.len();
        let beams = vec![Beam { row, history, score: 0.0 }];
        Self { beams, pending, fed: 0, done: Vec::new(), start, controls }
    }

    pub(super) fn written(&self) -> usize {
        self.beams.first().map_or(0, |beam| beam.history.len() - self.start)
    }

    pub(super) fn feeds(&mut self, most: usize) -> Vec<Feed<'_>> {
        if !self.pending.is_empty() {
            let whole = self.pending.len() <= most.max(1);
            self.fed = if whole { self.pending.len() } else { most };
            let wanted = usize::from(whole);
            let tokens = &self.pending[..self.fed];
            let only = self.beams.first_mut().filter(|_| !tokens.is_empty());
            return only.map(|beam| Feed { row: &mut beam.row, tokens, wanted }).into_iter().collect();
        }
        let feeds = self.beams.iter_mut().map(|Beam { row, history, .. }| {
            let last = history.len() - 1;
            Feed { row, tokens: &history[last..], wanted: 1 }
        });
        feeds.collect()
    }

    pub(super) fn read(
        &mut self,
        logits: Vec<Vec<Vec<f32>>>,
        known: &Rules,
    ) -> Result<Option<Written>, ModelError> {
        self.pending.drain(..self.fed);
        self.fed = 0;
        if logits.iter().all(Vec::is_empty) {
            return Ok(None);
        }
        let candidates = self.candidates(logits.into_iter().flatten(), known);
        let length = self.written() + 1;
        self.keep(&candidates, length, known);
        let going = candidates.iter().filter(|candidate| !candidate.ends).take(self.controls.beams);
        let going: Vec<&Candidate> = going.collect();
        if self.over(going.first().map(|best| best.score), length) {
            let best = self.done.drain(..).next();
            let best = best.ok_or_else(|| ModelError::Run("no beam has come to an end".to_owned()))?;
            return finished(best.tokens, best.cut, known, &self.controls).map(Some);
        }
        self.step(&going)?;
        Ok(None)
    }

    /// The likeliest continuations of all beams: enough of them that, however many end here, as many as there are beams go on.
    fn candidates(&self, logits: impl Iterator<Item = Vec<f32>>, known: &Rules) -> Vec<Candidate> {
        let count = (1 + known.ends.len()).max(2) * self.controls.beams;
        let last = self.written() + 1 >= self.controls.max_tokens;
        let mut all = Vec::new();
        for (at, (beam, scores)) in self.beams.iter().zip(logits).enumerate() {
            let mut shares = log_shares(&scores);
            rules::apply(&mut shares, &beam.history, self.written(), &self.controls, known.ends);
            all.extend(highest(&shares, count).into_iter().map(|(place, share)| {
                let token = id(place);
                let ends = last || known.ends.contains(&token);
                Candidate { beam: at, token, score: share + beam.score, ends }
            }));
        }
        // Stable: of equals the one of the better beam.
        all.sort_by(|a, b| b.score.total_cmp(&a.score));
        all.truncate(count);
        all
    }

    /// Those that end among the first few are answers.
    fn keep(&mut self, candidates: &[Candidate], length: usize, known: &Rules) {
        let first = candidates.iter().take(self.controls.beams);
        for candidate in first.filter(|candidate| candidate.ends && candidate.score.is_finite()) {
            let mut tokens = self.beams[candidate.beam].history[self.start..].to_vec();
            let cut = !known.ends.contains(&candidate.token);
            if cut {
                tokens.push(candidate.token);
            }
            self.done.push(Done { tokens, score: candidate.score / self.divisor(length), cut });
        }
        self.done.sort_by(|a, b| b.score.total_cmp(&a.score));
        self.done.truncate(self.controls.beams);
    }

    fn divisor(&self, length: usize) -> f32 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "lengths of answers"
        )]
        let divisor = (length as f64).powf(f64::from(self.controls.length_penalty)) as f32;
        divisor
    }

    /// Nothing goes on, or what does could not become better than the worst of enough answers.
    fn over(&self, best: Option<f32>, length: usize) -> bool {
        let Some(best) = best else { return true };
        let full = self.done.len() == self.controls.beams;
        let worst = self.done.last().map_or(f32::NEG_INFINITY, |done| done.score);
        full && best / self.divisor(length) <= worst
    }

    fn step(&mut self, going: &[&Candidate]) -> Result<(), ModelError> {
        let mut uses = vec![0_usize; self.beams.len()];
        for candidate in going {
            uses[candidate.beam] += 1;
        }
        let mut parents: Vec<(Option<Row>, Vec<u32>)> =
            self.beams.drain(..).map(|beam| (Some(beam.row), beam.history)).collect();
        for candidate in going {
            let (row, history) = &mut parents[candidate.beam];
            uses[candidate.beam] -= 1;
            // The last child has the parent's own row.
            let row = if uses[candidate.beam] == 0 {
                row.take()
            } else {
                row.as_ref().map(Row::fork).transpose().map_err(ModelError::run)?
            };
            let Some(row) = row else { return Err(ModelError::Run("a beam without its row".to_owned())) };
            let mut history = history.clone();
            history.push(candidate.token);
            self.beams.push(Beam { row, history, score: candidate.score });
        }
        Ok(())
    }
}
