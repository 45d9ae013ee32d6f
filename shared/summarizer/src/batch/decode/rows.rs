//! A row: how large it may become, what it does in a step, and what the planner knows of it.

use super::Place;

/// How large a row may become, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowSize {
    /// What it reads.
    pub prompt: usize,
    /// What its caches come to hold beside that: what it writes at most, of all answers that it follows side by side.
    pub answer: usize,
    /// What it reads in a step once it writes, at most: 1, the token that it wrote last; more with guesses after it, or with
    /// several answers side by side.
    pub width: usize,
}

impl RowSize {
    pub(super) fn tokens(self) -> usize {
        self.prompt.saturating_add(self.answer)
    }
}

/// How a model reads prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefill {
    /// In chunks, as the budget has room: a decoder that only looks back. The others go on writing meanwhile.
    Chunks,
    /// At once: an encoder that looks both ways. A prompt that does not fit the budget beside the rows at work takes a step
    /// for itself; never two such steps follow each other while somebody writes.
    Whole,
}

/// What one row does in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Whose it is.
    pub place: Place,
    /// Tokens of the row that are in its cache; of what it has written one is counted for each step, though there may be more.
    /// At 0 the row begins, or begins anew: nothing that it has written counts.
    pub from: usize,
    /// Tokens that it reads now: of its prompt, or as many as it is wide.
    pub tokens: usize,
    /// Whether it writes after that.
    pub writes: bool,
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Open<T> {
    pub rows: Vec<Row<T>>,
    /// Rows that are not done.
    pub missing: usize,
}

#[derive(Debug)]
pub(super) struct Row<T> {
    pub size: RowSize,
    pub state: T,
}

/// A row that has joined.
#[derive(Debug)]
pub(super) struct Active {
    pub place: Place,
    pub size: RowSize,
    /// Tokens in its cache.
    pub done: usize,
    /// Tokens of its answer.
    pub written: usize,
}

impl Active {
    pub(super) fn new(place: Place, size: RowSize) -> Self {
        Self { place, size, done: 0, written: 0 }
    }

    /// The whole prompt at once.
    pub(super) fn whole(&self) -> Slice {
        Slice { place: self.place, from: 0, tokens: self.size.prompt, writes: true }
    }
}
