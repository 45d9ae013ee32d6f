//! How an answer is chosen and when it ends.

use crate::ModelError;

/// What is asked of one answer, besides its prompt. The default is the likeliest token each time, up to 256 of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Controls {
    /// Longest answer, in tokens.
    pub max_tokens: usize,
    /// Shortest answer, in tokens: the end is not chosen before. Stop texts end it all the same.
    pub min_tokens: usize,
    /// 0 takes the likeliest token each time; above, logits are divided by it before one is drawn.
    pub temperature: f32,
    /// Only the likeliest tokens that together have this share are drawn from.
    pub top_p: f32,
    /// Of this answer's own random numbers: others in the batch don't change them.
    pub seed: u64,
    /// Logits of tokens that the answer already has are divided (below 0: multiplied) by it; 1 changes nothing.
    pub repetition_penalty: f32,
    /// No run of so many tokens comes twice in an answer; 0 allows any.
    pub no_repeat_ngram: usize,
    /// Answers followed side by side, of which the likeliest is given; 1 follows none but the likeliest next token.
    pub beams: usize,
    /// With beams: a sum of log-probabilities is divided by the length to this power, so above 0 favours long answers.
    pub length_penalty: f32,
    /// Texts that end an answer; they are not part of it. With beams, the finished answer is cut there.
    pub stop: Vec<String>,
    /// Most tokens that are guessed from what the prompt and the answer already say and then verified in one pass; 0 guesses
    /// none. Changes the speed, not the answer. Only at temperature 0 and without beams.
    pub lookup: usize,
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            max_tokens: 256,
            min_tokens: 0,
            temperature: 0.0,
            top_p: 1.0,
            seed: 0,
            repetition_penalty: 1.0,
            no_repeat_ngram: 0,
            beams: 1,
            length_penalty: 1.0,
            stop: Vec::new(),
            lookup: 0,
        }
    }
}

/// More rows for one answer than anybody wants.
const MOST_BEAMS: usize = 32;

impl Controls {
    pub(crate) fn checked(&self) -> Result<(), ModelError> {
        let wrong = |what: &str| Err(ModelError::Asked(what.to_owned()));
        if self.max_tokens == 0 || self.min_tokens > self.max_tokens {
            return wrong("an answer has at least one token, and no fewer at most than at least");
        }
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return wrong("temperature is 0 or a number above");
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return wrong("top_p is above 0 and at most 1");
        }
        if !(self.repetition_penalty.is_finite() && self.repetition_penalty > 0.0) {
            return wrong("repetition_penalty is a number above 0");
        }
        if self.beams == 0 || self.beams > MOST_BEAMS {
            return wrong("beams are 1 to 32");
        }
        if self.beams > 1 && self.temperature > 0.0 {
            return wrong("beams follow what is likeliest: set temperature to 0, or beams to 1");
        }
        if !self.length_penalty.is_finite() {
            return wrong("length_penalty is a number");
        }
        Ok(())
    }
}
