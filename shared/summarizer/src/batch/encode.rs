//! Sequences that go through the model once: what runs in the next batch.

use super::allowance::Allowance;
use super::fair::Fair;
use super::{Budget, Memory, Place, Refused, Request, count};
use std::collections::{BTreeMap, VecDeque};

/// A sequence in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<T> {
    /// Whose it is.
    pub place: Place,
    /// Its length.
    pub tokens: usize,
    /// What was submitted.
    pub item: T,
}

/// Sequences that run together, at least one; to be packed one behind the other, without padding.
///
/// It goes back to the planner by [`Encoding::done`], [`Encoding::failed`] or [`Encoding::out_of_memory`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a batch that is not given back leaves its requests waiting"]
pub struct Batch<T> {
    /// The sequences, in the order in which they were taken.
    pub pieces: Vec<Piece<T>>,
    /// Sum of their lengths.
    pub tokens: u64,
    /// Sum of their work ([`Budget::cost`]).
    pub work: u64,
    /// Memory that they take beside the weights.
    pub bytes: u64,
}

impl<T> Batch<T> {
    /// What was submitted, in the order of the batch.
    pub fn items(&self) -> Vec<&T> {
        self.pieces.iter().map(|piece| &piece.item).collect()
    }
}

/// What became of requests with a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled<V> {
    /// Those whose last results have come, with all of their results in the order of submission.
    pub complete: Vec<(Request, Vec<V>)>,
    /// Those that lack a result because the batch gave too few.
    pub failed: Vec<Request>,
}

/// A request under way.
#[derive(Debug)]
struct Open<T, V> {
    /// Those that wait.
    items: Vec<Option<(usize, T)>>,
    results: Vec<Option<V>>,
    missing: usize,
}

/// Plans batches of sequences of many documents; see the [module](super) for what it promises.
///
/// `T` is what is to be run (token ids), `V` what comes of it (a vector).
///
/// ```
/// use precis_summarizer::batch::{Budget, Encoding, Memory};
/// use std::collections::BTreeMap;
/// # fn forward(rows: &[&Vec<u32>]) -> Result<Vec<f32>, String> { Ok(rows.iter().map(|row| row.len() as f32).collect()) }
///
/// let budget = Budget { work: 1024, turn: 1024, even: 2304 };
/// let mut planner = Encoding::new(budget, Memory::UNLIMITED);
/// let mut replies = BTreeMap::new(); // of channels, in a worker
///
/// // The thread that owns the device takes in whatever waits in its queue…
/// for (reply, texts) in [("letter", vec![vec![7_u32; 12], vec![7; 30]]), ("book", vec![vec![7; 100]; 900])] {
///     let request = planner.submit("tenant", texts, Vec::len).expect("it fits the memory");
///     replies.insert(request, reply);
/// }
/// let mut answered = Vec::new();
/// // …and runs batch after batch; between two of them it takes in what has come, and cancels what nobody wants any more.
/// while let Some(batch) = planner.plan() {
///     match forward(&batch.items()) {
///         Ok(vectors) => {
///             for (request, vectors) in planner.done(batch, vectors).complete {
///                 answered.push((replies.remove(&request).expect("its reply"), vectors.len()));
///             }
///         }
///         // Or `out_of_memory`, which tries again in smaller batches.
///         Err(_) => for request in planner.failed(batch) { replies.remove(&request); },
///     }
/// }
/// assert_eq!(answered, [("letter", 2), ("book", 900)]);
/// ```
#[derive(Debug)]
pub struct Encoding<T, V> {
    budget: Budget,
    memory: Memory,
    work: Allowance,
    fair: Fair,
    /// What ran out of memory and is to run again, before all others.
    again: VecDeque<Place>,
    open: BTreeMap<Request, Open<T, V>>,
    next: u64,
    waiting: u64,
}

impl<T, V> Encoding<T, V> {
    /// A planner for a device with so much memory that runs one batch at a time.
    #[must_use]
    pub fn new(budget: Budget, memory: Memory) -> Self {
        Self {
            budget,
            memory,
            work: Allowance::new(budget.work),
            fair: Fair::new(budget.turn),
            again: VecDeque::new(),
            open: BTreeMap::new(),
            next: 0,
            waiting: 0,
        }
    }

    /// Takes on the sequences of a document, of lengths by `tokens`.
    ///
    /// # Errors
    /// `Refused`, without a trace, if there is no sequence or one that does not fit the memory alone.
    pub fn submit(
        &mut self,
        tenant: &str,
        items: Vec<T>,
        tokens: impl Fn(&T) -> usize,
    ) -> Result<Request, Refused> {
        let items: Vec<(usize, T)> = items.into_iter().map(|item| (tokens(&item), item)).collect();
        if items.is_empty() {
            return Err(Refused::Empty);
        }
        for (at, &(tokens, _)) in items.iter().enumerate() {
            let needed = self.memory.weights.saturating_add(self.bytes(tokens));
            if needed > self.memory.limit {
                return Err(Refused::TooLarge { at, tokens, needed, limit: self.memory.limit });
            }
        }
        let request = Request(self.next);
        self.next += 1;
        let budget = self.budget;
        self.fair.add(tenant, request, items.iter().map(|&(tokens, _)| budget.cost(tokens)));
        let missing = items.len();
        self.waiting += items.iter().map(|&(tokens, _)| count(tokens)).sum::<u64>();
        let items = items.into_iter().map(Some).collect();
        let results = std::iter::repeat_with(|| None).take(missing).collect();
        self.open.insert(request, Open { items, results, missing });
        Ok(request)
    }

    /// Nobody waits for it any more: what has not run never will, and what is running comes to nothing. Whether it was
    /// under way.
    pub fn cancel(&mut self, request: Request) -> bool {
        self.fair.remove(request);
        self.again.retain(|place| place.request != request);
        let Some(open) = self.open.remove(&request) else { return false };
        self.waiting -= open.items.iter().flatten().map(|&(tokens, _)| count(tokens)).sum::<u64>();
        true
    }

    /// Tokens of all the sequences that wait for a batch.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting
    }

    /// The next batch; `None` if nothing waits.
    pub fn plan(&mut self) -> Option<Batch<T>> {
        let mut batch = Batch { pieces: Vec::new(), tokens: 0, work: 0, bytes: 0 };
        while let Some(place) = self.again.front().copied().or_else(|| self.fair.peek()) {
            let Some(tokens) = self.length(place) else { break };
            let work = batch.work.saturating_add(self.budget.cost(tokens));
            let bytes = batch.bytes.saturating_add(self.bytes(tokens));
            let full = work > self.work.now() || bytes > self.memory.room();
            // Who does not fit any more opens the next batch. To let smaller ones pass would fill a gap, and starve him.
            if full && !batch.pieces.is_empty() {
                break;
            }
            let Some(item) = self.take(place) else { break };
            (batch.work, batch.bytes) = (work, bytes);
            batch.tokens += count(tokens);
            batch.pieces.push(Piece { place, tokens, item });
        }
        (!batch.pieces.is_empty()).then_some(batch)
    }

    /// A batch has run, with one result for each sequence in the order of the batch.
    pub fn done(&mut self, batch: Batch<T>, results: Vec<V>) -> Settled<V> {
        self.work.went_well();
        let mut settled = Settled { complete: Vec::new(), failed: Vec::new() };
        let mut results = results.into_iter();
        for Piece { place, .. } in batch.pieces {
            let Some(result) = results.next() else {
                settled.failed.extend(self.cancel(place.request).then_some(place.request));
                continue;
            };
            let Some(open) = self.open.get_mut(&place.request) else { continue };
            open.results[place.at] = Some(result);
            open.missing -= 1;
            if open.missing == 0
                && let Some(open) = self.open.remove(&place.request)
            {
                settled.complete.push((place.request, open.results.into_iter().flatten().collect()));
            }
        }
        settled
    }

    /// A batch could not be run: all that had a part in it fail, each named once.
    pub fn failed(&mut self, batch: Batch<T>) -> Vec<Request> {
        let requests = batch.pieces.iter().map(|piece| piece.place.request);
        requests.filter(|&request| self.cancel(request)).collect()
    }

    /// The device had no memory for a batch: its sequences run again in batches of at most half its work. One that was
    /// alone cannot be helped, and its request fails.
    pub fn out_of_memory(&mut self, batch: Batch<T>) -> Option<Request> {
        self.work.halve(batch.work);
        if let [alone] = &batch.pieces[..] {
            let request = alone.place.request;
            return self.cancel(request).then_some(request);
        }
        for Piece { place, tokens, item } in batch.pieces.into_iter().rev() {
            let Some(open) = self.open.get_mut(&place.request) else { continue };
            open.items[place.at] = Some((tokens, item));
            self.waiting += count(tokens);
            self.again.push_front(place);
        }
        None
    }

    fn bytes(&self, tokens: usize) -> u64 {
        self.memory.moving(tokens, tokens)
    }

    fn length(&self, place: Place) -> Option<usize> {
        self.open.get(&place.request)?.items.get(place.at)?.as_ref().map(|&(tokens, _)| tokens)
    }

    fn take(&mut self, place: Place) -> Option<T> {
        if self.again.front() == Some(&place) {
            self.again.pop_front();
        } else {
            self.fair.take();
        }
        let (tokens, item) = self.open.get_mut(&place.request)?.items.get_mut(place.at)?.take()?;
        self.waiting -= count(tokens);
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Budget = Budget { work: 10, turn: 10, even: u64::MAX };

    fn planner(memory: Memory) -> Encoding<usize, usize> {
        Encoding::new(PLAIN, memory)
    }

    fn lengths(batch: &Batch<usize>) -> Vec<(u64, usize)> {
        batch.pieces.iter().map(|piece| (piece.place.request.0, piece.tokens)).collect()
    }

    #[test]
    fn documents_share_a_batch_and_get_their_results_in_their_own_order() {
        let mut planner = planner(Memory::UNLIMITED);
        let first = planner.submit("a", vec![4, 3], |&n| n).unwrap();
        let second = planner.submit("b", vec![2, 5], |&n| n).unwrap();
        assert_eq!(planner.waiting(), 14);
        let batch = planner.plan().unwrap();
        assert_eq!(lengths(&batch), [(0, 4), (0, 3), (1, 2)]);
        assert_eq!((batch.tokens, planner.waiting()), (9, 5));
        let settled = planner.done(batch, vec![40, 30, 20]);
        assert_eq!(settled.complete, [(first, vec![40, 30])]);
        let batch = planner.plan().unwrap();
        assert_eq!(planner.done(batch, vec![50]).complete, [(second, vec![20, 50])]);
        assert!(planner.plan().is_none() && planner.open.is_empty());
    }

    #[test]
    fn attention_counts_by_the_square_and_a_sequence_beyond_the_budget_runs_alone() {
        let budget = Budget { even: 10, ..PLAIN };
        assert_eq!([0, 1, 5, 10, 20].map(|n| budget.cost(n)), [1, 1, 7, 20, 60]);
        let mut planner: Encoding<usize, ()> = Encoding::new(budget, Memory::UNLIMITED);
        planner.submit("a", vec![5, 5, 20, 1], |&n| n).unwrap();
        let cut: Vec<usize> = std::iter::from_fn(|| planner.plan().map(|batch| batch.pieces.len())).collect();
        assert_eq!(cut, [1, 1, 1, 1]);
    }

    #[test]
    fn memory_ends_a_batch_and_what_never_fits_is_refused_with_the_figures() {
        // 2 bytes a token and 1 a pair: 4 tokens take 24 of the 50 that the weights leave.
        let memory = Memory { limit: 150, weights: 100, cached: 0, active: 2, pair: 1, scored: 0 };
        let mut planner = planner(memory);
        let refused = planner.submit("a", vec![3, 7], |&n| n).unwrap_err();
        assert_eq!(refused, Refused::TooLarge { at: 1, tokens: 7, needed: 163, limit: 150 });
        assert_eq!(
            refused.to_string(),
            "sequence 2 has 7 tokens, which need 163 bytes of memory, and there are 150"
        );
        assert_eq!(planner.submit("a", vec![], |&n| n), Err(Refused::Empty));
        planner.submit("a", vec![4, 4, 1, 1], |&n| n).unwrap();
        let batch = planner.plan().unwrap();
        assert_eq!((lengths(&batch), batch.bytes), (vec![(0, 4), (0, 4)], 48));
    }

    #[test]
    fn what_is_cancelled_never_runs_and_what_was_running_comes_to_nothing() {
        let mut planner = planner(Memory::UNLIMITED);
        let gone = planner.submit("a", vec![6, 6], |&n| n).unwrap();
        let stays = planner.submit("a", vec![4, 4], |&n| n).unwrap();
        let running = planner.plan().unwrap();
        assert_eq!(lengths(&running), [(0, 6)]);
        assert!(planner.cancel(gone) && !planner.cancel(gone));
        assert_eq!(planner.done(running, vec![1]), Settled { complete: vec![], failed: vec![] });
        let batch = planner.plan().unwrap();
        assert_eq!(lengths(&batch), [(1, 4), (1, 4)]);
        assert_eq!(planner.done(batch, vec![1, 2]).complete, [(stays, vec![1, 2])]);
        assert_eq!(planner.waiting(), 0);
    }

    #[test]
    fn without_memory_the_batch_halves_and_only_the_document_that_cannot_fit_fails() {
        let mut planner = planner(Memory::UNLIMITED);
        let small = planner.submit("a", vec![2, 2, 1], |&n| n).unwrap();
        let large = planner.submit("b", vec![5, 5], |&n| n).unwrap();
        let (mut complete, mut failed, mut runs) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(batch) = planner.plan() {
            runs.push(batch.work);
            // The device has room for four tokens.
            if batch.work > 4 {
                failed.extend(planner.out_of_memory(batch));
            } else {
                let results = batch.items().into_iter().copied().collect();
                complete.extend(planner.done(batch, results).complete);
            }
        }
        assert_eq!(complete, [(small, vec![2, 2, 1])]);
        assert_eq!(failed, [large]);
        assert_eq!(runs, [10, 5, 2, 2, 1, 5]);
    }

    #[test]
    fn a_batch_that_fails_fails_its_own_requests_and_no_others() {
        let mut planner = planner(Memory::UNLIMITED);
        let first = planner.submit("a", vec![9, 9], |&n| n).unwrap();
        let second = planner.submit("a", vec![9], |&n| n).unwrap();
        let batch = planner.plan().unwrap();
        assert_eq!(planner.failed(batch), [first]);
        let batch = planner.plan().unwrap();
        assert_eq!(planner.done(batch, vec![]).failed, [second]);
        assert!(planner.plan().is_none());
    }
}
