//! Whose turn it is: tenants take turns, and in a tenant's turn its documents do.
//!
//! The same [`Turns`] serve both levels. A flow (a tenant, a document) may take while it has credit; its last sequence may
//! overdraw it, and the debt is paid from its next turn. So nothing needs to be known of a sequence before it is taken, and
//! a turn gives less than the quantum and one sequence more.

use super::{Place, Request};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A debt beyond so many turns is forgiven: one giant sequence would else have the line searched over and over.
const LONGEST_DEBT: i64 = 16;

/// Flows that wait for their turns.
#[derive(Debug)]
struct Turns<K> {
    quantum: i64,
    /// Those that have had no turn since they began to wait.
    fresh: VecDeque<(K, i64)>,
    /// Those that have had one.
    steady: VecDeque<(K, i64)>,
    /// Whose turn it is, and what it may still take.
    current: Option<(K, i64)>,
    /// Whether the next turn is a fresh one's, if there is one.
    fresh_next: bool,
}

impl<K: Clone + PartialEq> Turns<K> {
    fn new(quantum: u64) -> Self {
        let quantum = i64::try_from(quantum.max(1)).unwrap_or(i64::MAX);
        Self { quantum, fresh: VecDeque::new(), steady: VecDeque::new(), current: None, fresh_next: true }
    }

    fn is_empty(&self) -> bool {
        self.current.is_none() && self.fresh.is_empty() && self.steady.is_empty()
    }

    fn join(&mut self, key: K) {
        self.fresh.push_back((key, 0));
    }

    /// Whose turn it is; begins the next turn if need be.
    fn current(&mut self) -> Option<K> {
        while self.current.is_none() {
            let (key, credit) = self.draw()?;
            let credit = credit.saturating_add(self.quantum);
            if credit > 0 {
                self.current = Some((key, credit));
            } else {
                self.steady.push_back((key, credit));
            }
        }
        self.current.as_ref().map(|(key, _)| key.clone())
    }

    fn draw(&mut self) -> Option<(K, i64)> {
        let fresh = if self.fresh_next { !self.fresh.is_empty() } else { self.steady.is_empty() };
        // A fresh one that had nobody to alternate with is not followed by itself.
        self.fresh_next = !fresh || self.steady.is_empty();
        if fresh { self.fresh.pop_front() } else { self.steady.pop_front() }
    }

    /// The current one has taken so much, and has more that waits.
    fn spend(&mut self, cost: u64) {
        let Some((key, credit)) = self.current.take() else { return };
        let least = self.quantum.saturating_mul(-LONGEST_DEBT);
        let credit = credit.saturating_sub(i64::try_from(cost).unwrap_or(i64::MAX)).max(least);
        if credit > 0 {
            self.current = Some((key, credit));
        } else {
            self.steady.push_back((key, credit));
        }
    }

    /// It has nothing more that waits.
    fn leave(&mut self, key: &K) {
        if self.current.as_ref().is_some_and(|(current, _)| current == key) {
            self.current = None;
        } else {
            self.fresh.retain(|(other, _)| other != key);
            self.steady.retain(|(other, _)| other != key);
        }
    }
}

/// What of a document waits, in its own order.
#[derive(Debug)]
struct Queue {
    tenant: Arc<str>,
    /// Places in the request and what they cost.
    waiting: VecDeque<(usize, u64)>,
}

/// Sequences of documents of tenants, in the order in which they are to run.
#[derive(Debug)]
pub(super) struct Fair {
    quantum: u64,
    tenants: Turns<Arc<str>>,
    documents: BTreeMap<Arc<str>, Turns<Request>>,
    queues: BTreeMap<Request, Queue>,
}

impl Fair {
    pub(super) fn new(quantum: u64) -> Self {
        Self { quantum, tenants: Turns::new(quantum), documents: BTreeMap::new(), queues: BTreeMap::new() }
    }

    /// A new document, at the end of its line; `costs` are those of its sequences, at least one.
    pub(super) fn add(&mut self, tenant: &str, request: Request, costs: impl IntoIterator<Item = u64>) {
        let tenant: Arc<str> =
            self.documents.get_key_value(tenant).map_or_else(|| tenant.into(), |(key, _)| Arc::clone(key));
        let turns = self.documents.entry(Arc::clone(&tenant)).or_insert_with(|| Turns::new(self.quantum));
        if turns.is_empty() {
            self.tenants.join(Arc::clone(&tenant));
        }
        turns.join(request);
        let waiting = costs.into_iter().enumerate().collect();
        self.queues.insert(request, Queue { tenant, waiting });
    }

    /// The sequence that is to run next.
    pub(super) fn peek(&mut self) -> Option<Place> {
        let tenant = self.tenants.current()?;
        let request = self.documents.get_mut(&tenant)?.current()?;
        let (at, _) = *self.queues.get(&request)?.waiting.front()?;
        Some(Place { request, at })
    }

    /// Takes what [`Self::peek`] shows.
    pub(super) fn take(&mut self) -> Option<Place> {
        let place = self.peek()?;
        let queue = self.queues.get_mut(&place.request)?;
        let (_, cost) = queue.waiting.pop_front()?;
        let (tenant, last) = (Arc::clone(&queue.tenant), queue.waiting.is_empty());
        if last {
            self.remove(place.request);
        } else if let Some(turns) = self.documents.get_mut(&tenant) {
            turns.spend(cost);
        }
        if self.documents.contains_key(&tenant) {
            self.tenants.spend(cost);
        }
        Some(place)
    }

    /// What all that waits costs.
    pub(super) fn waiting(&self) -> u64 {
        let costs = self.queues.values().flat_map(|queue| &queue.waiting);
        costs.fold(0, |sum, (_, cost)| sum.saturating_add(*cost))
    }

    /// Whatever of a document waits is forgotten.
    pub(super) fn remove(&mut self, request: Request) {
        let Some(queue) = self.queues.remove(&request) else { return };
        let Some(turns) = self.documents.get_mut(&queue.tenant) else { return };
        turns.leave(&request);
        if turns.is_empty() {
            self.documents.remove(&queue.tenant);
            self.tenants.leave(&queue.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests in the order in which they are served.
    fn served(fair: &mut Fair) -> Vec<u64> {
        std::iter::from_fn(|| fair.take().map(|place| place.request.0)).collect()
    }

    #[test]
    fn a_letter_overtakes_books_and_books_go_on_meanwhile() {
        let mut fair = Fair::new(2);
        fair.add("a", Request(1), [1; 6]);
        fair.add("a", Request(2), [1; 6]);
        let begun: Vec<_> = (0..4).map_while(|_| fair.take()).map(|place| place.request.0).collect();
        assert_eq!(begun, [1, 1, 2, 2]);
        for letter in 3..6 {
            fair.add("a", Request(letter), [1]);
        }
        assert_eq!(served(&mut fair), [1, 1, 3, 2, 2, 4, 1, 1, 5, 2, 2]);
    }

    #[test]
    fn tenants_share_equally_however_many_documents_each_has() {
        let mut fair = Fair::new(10);
        (0..9).for_each(|request| fair.add("many", Request(request), [10; 2]));
        fair.add("one", Request(9), [10; 5]);
        let first: Vec<_> = served(&mut fair).into_iter().take(10).collect();
        assert_eq!(first.iter().filter(|&&request| request == 9).count(), 5);
    }

    #[test]
    fn what_a_turn_overdraws_is_paid_back() {
        let mut fair = Fair::new(10);
        fair.add("a", Request(1), [25, 10, 10]);
        fair.add("a", Request(2), [10; 4]);
        // 25 in a turn of 10 cost it the next turn.
        assert_eq!(served(&mut fair), [1, 2, 2, 1, 2, 1, 2]);
    }

    #[test]
    fn a_giant_sequence_does_not_have_the_line_searched_forever() {
        let mut fair = Fair::new(1);
        fair.add("a", Request(1), [u64::MAX, 1]);
        fair.add("b", Request(2), [u64::MAX, 1]);
        let mut order = served(&mut fair);
        order.sort_unstable();
        assert_eq!(order, [1, 1, 2, 2]);
    }

    #[test]
    fn who_leaves_in_the_middle_of_a_turn_is_gone() {
        let mut fair = Fair::new(10);
        fair.add("a", Request(1), [1; 3]);
        fair.add("b", Request(2), [1; 2]);
        assert_eq!(fair.take(), Some(Place { request: Request(1), at: 0 }));
        fair.remove(Request(1));
        assert_eq!(served(&mut fair), [2, 2]);
        assert!(fair.peek().is_none() && fair.documents.is_empty() && fair.tenants.is_empty());
    }
}
