//! What the planner knows of a row.

use super::{Place, RowSize, Slice};

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
