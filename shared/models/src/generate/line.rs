//! An answer token by token: the likeliest each time, or drawn.

use super::{Rules, Written, choose, lookup, rules, stopped};
use crate::ModelError;
use crate::controls::Controls;
use crate::row::{Feed, Row};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Tokens guessed at first.
const FIRST_GUESS: usize = 4;
/// Most steps without a guess after wrong ones: reading a token more costs something.
const LONGEST_PAUSE: usize = 16;

pub(crate) struct Line {
    row: Row,
    /// What the row has to read: the rest of the prompt, or the last token with guesses after it.
    pending: Vec<u32>,
    /// How many of them are guesses.
    guessed: usize,
    /// How many of them were fed.
    fed: usize,
    /// What the decoder starts with, then the answer.
    history: Vec<u32>,
    start: usize,
    /// The prompt and the answer, to guess from.
    seen: Vec<u32>,
    /// Most tokens to guess next: more after good guesses.
    trust: usize,
    /// Steps without a guess after the last wrong one, and how many of them are left.
    pause: usize,
    left: usize,
    random: ChaCha8Rng,
    controls: Controls,
}

impl Line {
    pub(super) fn new(
        row: Row,
        pending: Vec<u32>,
        prompt: &[u32],
        history: Vec<u32>,
        controls: Controls,
    ) -> Self {
        let random = ChaCha8Rng::seed_from_u64(controls.seed);
        let guesses = controls.lookup > 0 && controls.temperature == 0.0;
        Self {
            row,
            pending,
            guessed: 0,
            fed: 0,
            start: history.len(),
            history,
            seen: if guesses { prompt.to_vec() } else { Vec::new() },
            trust: if guesses { FIRST_GUESS.min(controls.lookup) } else { 0 },
            pause: 0,
            left: 0,
            random,
            controls,
        }
    }

    pub(super) fn written(&self) -> usize {
        self.history.len() - self.start
    }

    pub(super) fn feed(&mut self, most: usize) -> Option<Feed<'_>> {
        let whole = self.pending.len() <= most.max(1 + self.guessed);
        self.fed = if whole { self.pending.len() } else { most };
        let wanted = if whole { 1 + self.guessed } else { 0 };
        let tokens = &self.pending[..self.fed];
        (self.fed > 0).then_some(Feed { row: &mut self.row, tokens, wanted })
    }

    pub(super) fn read(
        &mut self,
        logits: Vec<Vec<f32>>,
        known: &Rules,
    ) -> Result<Option<Written>, ModelError> {
        if logits.is_empty() {
            self.pending.drain(..self.fed);
            return Ok(None);
        }
        let guesses = self.pending.split_off(self.pending.len() - self.guessed);
        let mut right = 0;
        for (at, mut scores) in logits.into_iter().enumerate() {
            let token = self.choose(&mut scores, known);
            if let Some(written) = self.say(token, known)? {
                return Ok(Some(written));
            }
            if guesses.get(at) != Some(&token) {
                break;
            }
            right += 1;
        }
        // What was read on a wrong guess is as if not read.
        self.row.length -= guesses.len() - right;
        self.go_on(guesses.len(), right);
        Ok(None)
    }

    fn choose(&mut self, scores: &mut [f32], known: &Rules) -> u32 {
        rules::apply(scores, &self.history, self.written(), &self.controls, known.ends);
        if self.controls.temperature > 0.0 {
            choose::drawn(scores, self.controls.temperature, self.controls.top_p, &mut self.random)
        } else {
            choose::likeliest(scores)
        }
    }

    /// One token more; the answer if it ends it.
    fn say(&mut self, token: u32, known: &Rules) -> Result<Option<Written>, ModelError> {
        if known.ends.contains(&token) {
            return self.answer(known, false).map(Some);
        }
        self.history.push(token);
        if self.trust > 0 {
            self.seen.push(token);
        }
        if !self.controls.stop.is_empty() {
            let text = known.text.decode(&self.history[self.start..])?;
            if stopped(&text, &self.controls.stop).is_some() {
                return self.answer(known, false).map(Some);
            }
        }
        if self.written() == self.controls.max_tokens {
            return self.answer(known, true).map(Some);
        }
        Ok(None)
    }

    fn answer(&self, known: &Rules, cut: bool) -> Result<Written, ModelError> {
        finished(self.history[self.start..].to_vec(), cut, known, &self.controls)
    }

    fn go_on(&mut self, guesses: usize, right: usize) {
        self.pending = self.history[self.history.len() - 1..].to_vec();
        self.guessed = 0;
        if self.trust == 0 {
            return;
        }
        if guesses > 0 {
            let better = if right == guesses { self.trust * 2 } else { right.max(1) };
            self.trust = better.min(self.controls.lookup);
            self.pause = if right == 0 { (self.pause * 2).clamp(1, LONGEST_PAUSE) } else { 0 };
            self.left = self.pause;
        }
        if self.left > 0 {
            self.left -= 1;
            return;
        }
        // The last token is never guessed: it comes with the verdict on the guess before it.
        let room = self.controls.max_tokens - self.written() - 1;
        let guess = lookup::guess(&self.seen, self.trust.min(room));
        self.guessed = guess.len();
        self.pending.extend(guess);
    }
}

/// The answer of these tokens, cut where it says a stop text.
pub(super) fn finished(
    tokens: Vec<u32>,
    cut: bool,
    known: &Rules,
    controls: &Controls,
) -> Result<Written, ModelError> {
    let mut text = known.text.decode(&tokens)?;
    let stop = stopped(&text, &controls.stop);
    if let Some(at) = stop {
        text.truncate(at);
    }
    Ok(Written { text, tokens, cut: cut && stop.is_none() })
}
