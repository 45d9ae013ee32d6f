//! What is told of every batch to whoever watches a model: numbers only, nothing of any text.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A batch that has run, whether or not it went well.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Ran {
    /// Sequences in it.
    pub sequences: usize,
    /// Tokens of theirs that were read.
    pub tokens: u64,
    /// Tokens of answers that came of it; none where sentences become vectors.
    pub written: u64,
    /// Tokens that were computed only to fill rows up to the longest of their group; none on a processor.
    pub padding: u64,
    /// Its share of the budget of work, from 0; above 1 where one sequence alone is more.
    pub fill: f64,
    /// Memory that it was planned to take beside the weights, in bytes.
    pub bytes: u64,
    /// How long the device had it.
    pub took: Duration,
    /// How long the documents that had their first turn in it had waited for that: the longest.
    pub waited: Option<Duration>,
    /// Tokens that wait behind it.
    pub waiting: u64,
}

type Told = dyn Fn(&Ran) + Send + Sync;

/// Who is told of each batch, on the model's own thread: so it must not take long.
#[derive(Clone, Default)]
pub struct Watch(Option<Arc<Told>>);

impl Watch {
    /// Calls `with` after each batch.
    pub fn new(with: impl Fn(&Ran) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(with)))
    }

    pub(crate) fn tell(&self, ran: &Ran) {
        if let Some(with) = &self.0 {
            with(ran);
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Watch" } else { "Watch(nobody)" })
    }
}
