//! Sequences: each once, within budget and memory, to whom it belongs.

use super::TENANTS;
use precis_summarizer::batch::{Batch, Budget, Encoding, Memory, Request};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A sequence of a test: a number of its own, and its length.
type Item = (usize, usize);

/// What happens between two batches.
#[derive(Debug, Clone)]
enum Event {
    /// A document of a tenant.
    Come(u8, Vec<usize>),
    /// The n-th request so far is cancelled.
    Cancel(usize),
    /// A batch runs.
    Run,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (0_u8..4, vec(0_usize..70, 1..12)).prop_map(|(tenant, lengths)| Event::Come(tenant, lengths)),
        1 => (0_u8..4, vec(1_usize..40, 30..80)).prop_map(|(tenant, lengths)| Event::Come(tenant, lengths)),
        1 => (0_usize..60).prop_map(Event::Cancel),
        5 => Just(Event::Run),
    ];
    vec(event, 1..80)
}

fn budgets() -> impl Strategy<Value = Budget> {
    (1_u64..200, 1_u64..200, 1_u64..500).prop_map(|(work, turn, even)| Budget { work, turn, even })
}

fn memories() -> impl Strategy<Value = Memory> {
    let memory = |(room, weights, active, pair)| Memory {
        limit: weights + room,
        weights,
        cached: 0,
        active,
        pair,
        scored: 0,
    };
    (1_u64..40_000, 0_u64..1000, 0_u64..50, 0_u64..5).prop_map(memory)
}

/// A planner and what an onlooker knows of it.
struct Watched {
    planner: Encoding<Item, usize>,
    budget: Budget,
    memory: Memory,
    /// The sequences of each request that was taken on.
    taken_on: BTreeMap<Request, Vec<Item>>,
    requests: Vec<Request>,
    ran: BTreeSet<usize>,
    cancelled: BTreeSet<Request>,
    complete: BTreeMap<Request, Vec<usize>>,
    numbered: usize,
}

/// What the planner says of work, reckoned another way.
fn work(budget: &Budget, tokens: usize) -> u64 {
    let tokens = u128::try_from(tokens.max(1)).unwrap();
    u64::try_from(tokens + tokens * tokens / u128::from(budget.even)).unwrap()
}

fn bytes(memory: &Memory, tokens: usize) -> u64 {
    let tokens = u64::try_from(tokens).unwrap();
    tokens * memory.active + tokens * tokens * memory.pair
}

impl Watched {
    fn new(budget: Budget, memory: Memory) -> Self {
        Self {
            planner: Encoding::new(budget, memory),
            budget,
            memory,
            taken_on: BTreeMap::new(),
            requests: Vec::new(),
            ran: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            complete: BTreeMap::new(),
            numbered: 0,
        }
    }

    fn come(&mut self, tenant: &str, lengths: &[usize]) -> Result<Option<Request>, TestCaseError> {
        let items: Vec<Item> = (self.numbered..).zip(lengths.iter().copied()).collect();
        self.numbered += items.len();
        let room = self.memory.limit - self.memory.weights;
        let fits = lengths.iter().all(|&tokens| bytes(&self.memory, tokens) <= room);
        let submitted = self.planner.submit(tenant, items.clone(), |item| item.1);
        prop_assert_eq!(submitted.is_ok(), fits);
        let Ok(request) = submitted else { return Ok(None) };
        self.taken_on.insert(request, items);
        self.requests.push(request);
        Ok(Some(request))
    }

    fn cancel(&mut self, number: usize) {
        if let Some(&request) = self.requests.get(number)
            && self.planner.cancel(request)
        {
            self.cancelled.insert(request);
        }
    }

    /// Budget, memory, once each, nobody's who has gone, and each what it says it is.
    fn look_at(&mut self, batch: &Batch<Item>) -> Result<(), TestCaseError> {
        let lengths = || batch.pieces.iter().map(|piece| piece.tokens);
        let taken: u64 = lengths().map(|tokens| work(&self.budget, tokens)).sum();
        prop_assert_eq!(taken, batch.work);
        prop_assert!(taken <= self.budget.work || batch.pieces.len() == 1);
        let moving: u64 = lengths().map(|tokens| bytes(&self.memory, tokens)).sum();
        prop_assert_eq!(moving, batch.bytes);
        prop_assert!(self.memory.weights + moving <= self.memory.limit);
        for piece in &batch.pieces {
            prop_assert!(!self.cancelled.contains(&piece.place.request));
            prop_assert_eq!(self.taken_on[&piece.place.request][piece.place.at], piece.item);
            prop_assert!(self.ran.insert(piece.item.0), "{} ran twice", piece.item.0);
        }
        Ok(())
    }

    /// Runs a batch. The result of a sequence is its number.
    fn run(&mut self) -> Result<bool, TestCaseError> {
        let Some(batch) = self.planner.plan() else { return Ok(false) };
        self.look_at(&batch)?;
        let results = batch.items().iter().map(|item| item.0).collect();
        let settled = self.planner.done(batch, results);
        prop_assert!(settled.failed.is_empty());
        for (request, results) in settled.complete {
            prop_assert!(self.complete.insert(request, results).is_none());
        }
        Ok(true)
    }

    /// Everything has run once and come to whom it belongs, but for what was cancelled.
    fn end(mut self) -> Result<(), TestCaseError> {
        while self.run()? {}
        prop_assert_eq!(self.planner.waiting(), 0);
        for (request, items) in &self.taken_on {
            let numbers: Vec<usize> = items.iter().map(|item| item.0).collect();
            let wanted = (!self.cancelled.contains(request)).then_some(&numbers);
            prop_assert_eq!(self.complete.get(request), wanted);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn every_sequence_runs_once_within_budget_and_memory_and_comes_to_whom_it_belongs(
        budget in budgets(), memory in memories(), events in events(),
    ) {
        let mut watched = Watched::new(budget, memory);
        for event in events {
            match event {
                Event::Come(tenant, lengths) => {
                    watched.come(TENANTS[usize::from(tenant)], &lengths)?;
                }
                Event::Cancel(number) => watched.cancel(number),
                Event::Run => {
                    watched.run()?;
                }
            }
        }
        watched.end()?;
    }

    #[test]
    fn what_is_cancelled_while_it_runs_comes_to_nothing_and_the_others_do(
        budget in budgets(), documents in vec(vec(1_usize..40, 1..20), 2..8), gone in 0_usize..8,
    ) {
        let mut watched = Watched::new(budget, Memory::UNLIMITED);
        for lengths in &documents {
            watched.come("a", lengths)?;
        }
        let running = watched.planner.plan().unwrap();
        watched.look_at(&running)?;
        watched.cancel(gone % documents.len());
        let results = running.items().iter().map(|item| item.0).collect();
        watched.complete.extend(watched.planner.done(running, results).complete);
        watched.end()?;
    }

    #[test]
    fn the_order_of_documents_does_not_change_what_comes_of_them(
        documents in vec((0_usize..4, vec(1_usize..60, 1..15)), 1..12).prop_shuffle(), budget in budgets(),
    ) {
        let outcome = |order: &mut dyn Iterator<Item = usize>| {
            let mut planner: Encoding<Item, Item> = Encoding::new(budget, Memory::UNLIMITED);
            let mut whose = BTreeMap::new();
            for number in order {
                let (tenant, lengths) = &documents[number];
                let items = lengths.iter().map(|&length| (number, length)).collect();
                whose.insert(planner.submit(TENANTS[*tenant], items, |item| item.1).unwrap(), number);
            }
            let mut results = BTreeMap::new();
            while let Some(batch) = planner.plan() {
                let same = batch.items().into_iter().copied().collect();
                let complete = planner.done(batch, same).complete;
                results.extend(complete.into_iter().map(|(request, items)| (whose[&request], items)));
            }
            results
        };
        let (there, back) = (outcome(&mut (0..documents.len())), outcome(&mut (0..documents.len()).rev()));
        prop_assert_eq!(&there, &back);
        for (number, (_, lengths)) in documents.iter().enumerate() {
            let wanted: Vec<Item> = lengths.iter().map(|&length| (number, length)).collect();
            prop_assert_eq!(&there[&number], &wanted);
        }
    }

    #[test]
    fn out_of_memory_fails_only_documents_with_a_sequence_that_does_not_fit_alone(
        documents in vec(vec(1_usize..60, 1..10), 1..10), real in 1_u64..80, budget in budgets(),
    ) {
        let mut planner: Encoding<Item, Item> = Encoding::new(budget, Memory::UNLIMITED);
        for (number, lengths) in documents.iter().enumerate() {
            let items: Vec<Item> = lengths.iter().map(|&length| (number, length)).collect();
            planner.submit(TENANTS[number % 4], items, |item| item.1).unwrap();
        }
        let (mut complete, mut failed) = (BTreeSet::new(), BTreeSet::new());
        let mut tries = 0;
        while let Some(batch) = planner.plan() {
            tries += 1;
            prop_assert!(tries < 10_000, "it goes round in circles");
            if batch.tokens > real {
                failed.extend(planner.out_of_memory(batch));
            } else {
                let same: Vec<Item> = batch.items().into_iter().copied().collect();
                complete.extend(planner.done(batch, same).complete.into_iter().map(|(_, items)| items[0].0));
            }
        }
        let fits = |lengths: &[usize]| lengths.iter().all(|&tokens| tokens as u64 <= real);
        let wanted = (0..documents.len()).filter(|&number| fits(&documents[number])).collect();
        prop_assert_eq!(&complete, &wanted);
        prop_assert_eq!(failed.len(), documents.len() - wanted.len());
        prop_assert_eq!(planner.waiting(), 0);
    }
}

#[test]
fn the_same_calls_give_the_same_plans() {
    let plans = || {
        let mut planner: Encoding<usize, ()> =
            Encoding::new(Budget { work: 90, turn: 50, even: 200 }, Memory::UNLIMITED);
        let mut plans = Vec::new();
        for step in 0..200_usize {
            planner
                .submit(
                    TENANTS[step * 7 % 4],
                    (1..1 + step % 9).map(|at| at * 5).chain([3]).collect(),
                    |&n| n,
                )
                .unwrap();
            let batch = planner.plan().unwrap();
            plans.push(batch.clone());
            let results = vec![(); batch.pieces.len()];
            planner.done(batch, results);
        }
        plans
    };
    assert_eq!(plans(), plans());
}
