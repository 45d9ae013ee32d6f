//! Ways to make batches of what waits.

use crate::trace::{Document, real};
use precis_summarizer::batch::{Budget, Encoding, Memory, Request};
use std::collections::{BTreeMap, VecDeque};

/// A batch that has run.
#[derive(Default)]
pub struct Ran {
    /// With those of padding.
    pub tokens: f64,
    /// With those of padding.
    pub squares: f64,
    pub padding: f64,
    /// Documents that have their results with it.
    pub done: Vec<usize>,
}

pub trait Policy {
    fn name(&self) -> &'static str;
    fn come(&mut self, number: usize, document: &Document);
    /// The next batch of what has come.
    fn run(&mut self) -> Option<Ran>;
}

pub fn all(budget: Budget) -> Vec<Box<dyn Policy>> {
    let queue = Queue::default;
    vec![
        Box::new(Fixed(queue())),
        Box::new(Rounds { queue: queue(), sorted: VecDeque::new(), round: Vec::new() }),
        Box::new(Packed { queue: queue(), budget }),
        Box::new(Planner { planner: Encoding::new(budget, Memory::UNLIMITED), numbers: BTreeMap::new() }),
    ]
}

/// First come, first served.
#[derive(Default)]
struct Queue {
    /// Documents and lengths.
    waiting: VecDeque<(usize, usize)>,
    /// Sequences of a document that have not run.
    left: BTreeMap<usize, usize>,
}

impl Queue {
    fn come(&mut self, number: usize, document: &Document) {
        self.waiting.extend(document.lengths.iter().map(|&length| (number, length)));
        self.left.insert(number, document.lengths.len());
    }

    /// The documents that are done when these have run.
    fn done(&mut self, batch: &[(usize, usize)]) -> Vec<usize> {
        let mut done = Vec::new();
        for (number, _) in batch {
            if let Some(left) = self.left.get_mut(number) {
                *left -= 1;
                if *left == 0 {
                    self.left.remove(number);
                    done.push(*number);
                }
            }
        }
        done
    }
}

fn padded(batch: &[(usize, usize)], done: Vec<usize>) -> Option<Ran> {
    let longest = real(batch.iter().map(|(_, length)| *length).max()?);
    let tokens = longest * real(batch.len());
    let wanted: f64 = batch.iter().map(|(_, length)| real(*length)).sum();
    Some(Ran { tokens, squares: tokens * longest, padding: tokens - wanted, done })
}

/// Eight sequences in the order of arrival, padded to the longest.
struct Fixed(Queue);

impl Policy for Fixed {
    fn name(&self) -> &'static str {
        "8 as they come, padded"
    }

    fn come(&mut self, number: usize, document: &Document) {
        self.0.come(number, document);
    }

    fn run(&mut self) -> Option<Ran> {
        let count = self.0.waiting.len().min(8);
        let batch: Vec<_> = self.0.waiting.drain(..count).collect();
        let done = self.0.done(&batch);
        padded(&batch, done)
    }
}

/// Whole documents up to 512 sequences are a round, sorted by length, padded up to 1,024 tokens a batch; all have their
/// results at the round's end.
struct Rounds {
    queue: Queue,
    sorted: VecDeque<(usize, usize)>,
    round: Vec<usize>,
}

impl Rounds {
    fn gather(&mut self) {
        while self.sorted.len() < 512 {
            let Some(&(number, _)) = self.queue.waiting.front() else { break };
            let count = self.queue.left.remove(&number).unwrap_or(0);
            self.sorted.extend(self.queue.waiting.drain(..count));
            self.round.push(number);
        }
        self.sorted.make_contiguous().sort_by_key(|(_, length)| *length);
    }
}

impl Policy for Rounds {
    fn name(&self) -> &'static str {
        "rounds of 512, sorted, padded"
    }

    fn come(&mut self, number: usize, document: &Document) {
        self.queue.come(number, document);
    }

    fn run(&mut self) -> Option<Ran> {
        if self.sorted.is_empty() {
            self.gather();
        }
        let within = |&count: &usize| self.sorted[count - 1].1 * count <= 1024 || count == 1;
        let count = (1..=self.sorted.len()).take_while(within).last()?;
        let batch: Vec<_> = self.sorted.drain(..count).collect();
        let done = if self.sorted.is_empty() { std::mem::take(&mut self.round) } else { Vec::new() };
        padded(&batch, done)
    }
}

fn packed(lengths: impl Iterator<Item = usize> + Clone, done: Vec<usize>) -> Ran {
    let squares = lengths.clone().map(|n| real(n) * real(n)).sum();
    Ran { tokens: lengths.map(real).sum(), squares, padding: 0.0, done }
}

/// In the order of arrival up to the budget, without padding: what packing does without fairness.
struct Packed {
    queue: Queue,
    budget: Budget,
}

impl Policy for Packed {
    fn name(&self) -> &'static str {
        "packed, as they come"
    }

    fn come(&mut self, number: usize, document: &Document) {
        self.queue.come(number, document);
    }

    fn run(&mut self) -> Option<Ran> {
        let (mut work, mut batch) = (0, Vec::new());
        while let Some(&(number, length)) = self.queue.waiting.front() {
            work += self.budget.cost(length);
            if work > self.budget.work && !batch.is_empty() {
                break;
            }
            self.queue.waiting.pop_front();
            batch.push((number, length));
        }
        let done = self.queue.done(&batch);
        (!batch.is_empty()).then(|| packed(batch.iter().map(|(_, length)| *length), done))
    }
}

/// `summarizer::batch`.
struct Planner {
    planner: Encoding<usize, ()>,
    numbers: BTreeMap<Request, usize>,
}

impl Policy for Planner {
    fn name(&self) -> &'static str {
        "the planner"
    }

    fn come(&mut self, number: usize, document: &Document) {
        if let Ok(request) = self.planner.submit(document.tenant, document.lengths.clone(), |&length| length)
        {
            self.numbers.insert(request, number);
        }
    }

    fn run(&mut self) -> Option<Ran> {
        let batch = self.planner.plan()?;
        let mut ran = packed(batch.pieces.iter().map(|piece| piece.tokens), Vec::new());
        let results = vec![(); batch.pieces.len()];
        let complete = self.planner.done(batch, results).complete;
        ran.done = complete.into_iter().filter_map(|(request, _)| self.numbers.remove(&request)).collect();
        Some(ran)
    }
}
