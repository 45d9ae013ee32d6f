//! How long a document waits for others, beside what the module promises.

use super::TENANTS;
use precis_summarizer::batch::{Batch, Budget, Encoding, Memory, Request};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Documents that come between two batches while a letter waits: tenant and lengths.
type Flood = Vec<Vec<(usize, Vec<usize>)>>;

fn flood(tenants: usize) -> impl Strategy<Value = Flood> {
    vec(vec((0..tenants, vec(1_usize..30, 1..40)), 0..6), 1..60)
}

proptest! {
    #[test]
    fn a_letter_waits_no_longer_than_the_stated_bound_whatever_waits_and_whatever_comes(
        before in vec((0_usize..4, vec(1_usize..30, 1..200)), 0..20),
        batches in 0_usize..10,
        after in flood(4),
        letter in vec(1_usize..30, 1..8),
        work in 20_u64..200,
        even in 30_u64..500,
        tenants in 1_usize..5,
    ) {
        let turn = letter.iter().map(|&tokens| tokens as u64 + (tokens * tokens) as u64 / even).sum::<u64>().max(60);
        let budget = Budget { work, turn, even };
        let mut planner: Encoding<usize, ()> = Encoding::new(budget, Memory::UNLIMITED);
        let mut newcomers = BTreeSet::new();
        let mut come = |planner: &mut Encoding<usize, ()>, tenant: usize, lengths: &[usize]| {
            let request = planner.submit(TENANTS[tenant % tenants], lengths.to_vec(), |&tokens| tokens).unwrap();
            if tenant.is_multiple_of(tenants) {
                newcomers.insert(request);
            }
            request
        };
        for (tenant, lengths) in &before {
            come(&mut planner, *tenant, lengths);
        }
        let mut served = BTreeSet::new();
        for _ in 0..batches {
            let Some(batch) = planner.plan() else { break };
            served.extend(batch.pieces.iter().map(|piece| piece.place.request));
            let results = vec![(); batch.pieces.len()];
            planner.done(batch, results);
        }
        let mine = come(&mut planner, 0, &letter);
        // Of the letter's tenant, those that have had no turn; the letter itself is not ahead of itself.
        let fresh = newcomers.difference(&served).count() - 1;
        let bound = budget.wait(fresh, tenants - 1, budget.cost(29));
        let (mut others, mut left) = (0, letter.len());
        let mut after = after.into_iter();
        while left > 0 {
            let batch = planner.plan().unwrap();
            for piece in &batch.pieces {
                if piece.place.request == mine {
                    left -= 1;
                } else if left > 0 {
                    others += budget.cost(piece.tokens);
                }
            }
            let results = vec![(); batch.pieces.len()];
            planner.done(batch, results);
            for (tenant, lengths) in after.next().into_iter().flatten() {
                planner.submit(TENANTS[tenant % tenants], lengths, |&tokens| tokens).unwrap();
            }
        }
        prop_assert!(others < bound, "{others} of others, and the bound is {bound}");
    }

    #[test]
    fn nobody_starves_under_endless_newcomers(
        documents in vec(vec(1_usize..30, 20..60), 1..6), after in flood(1), work in 20_u64..200, turn in 31_u64..100,
    ) {
        let budget = Budget { work, turn, even: 300 };
        let mut planner: Encoding<usize, ()> = Encoding::new(budget, Memory::UNLIMITED);
        let mut left = BTreeMap::new();
        let come = |planner: &mut Encoding<usize, ()>, left: &mut BTreeMap<Request, usize>, lengths: Vec<usize>| {
            let count = lengths.len();
            left.insert(planner.submit("a", lengths, |&tokens| tokens).unwrap(), count);
        };
        for lengths in documents {
            come(&mut planner, &mut left, lengths);
        }
        // For each document: the work of all when it was last served, and how many waited then.
        let mut last: BTreeMap<Request, (u64, u64)> = BTreeMap::new();
        let (mut total, mut after) = (0, after.into_iter());
        while let Some(batch) = planner.plan() {
            for piece in &batch.pieces {
                let request = piece.place.request;
                if let Some((then, waited)) = last.get(&request) {
                    let bound = (2 * waited + 1) * (turn + budget.cost(29));
                    prop_assert!(total - then < bound, "{} of others, and the bound is {bound}", total - then);
                }
                total += budget.cost(piece.tokens);
                let count = left.get_mut(&request).unwrap();
                *count -= 1;
                if *count == 0 {
                    left.remove(&request);
                }
                last.insert(request, (total, left.len() as u64));
            }
            let results = vec![(); batch.pieces.len()];
            planner.done(batch, results);
            for (_, lengths) in after.next().into_iter().flatten() {
                come(&mut planner, &mut left, lengths);
            }
        }
        prop_assert!(left.is_empty());
    }
}

/// Work of others that is run before a letter of one page has its results, when each of so many books has had turns.
fn behind(books: usize, budget: Budget) -> u64 {
    let mut planner: Encoding<usize, ()> = Encoding::new(budget, Memory::UNLIMITED);
    // 24 sentences a page, of 10 to 56 tokens.
    let sentences = |pages: usize| (0..24 * pages).map(|at| 10 + (at * 17) % 47).collect::<Vec<_>>();
    for _ in 0..books {
        planner.submit("a", sentences(1000), |&tokens| tokens).unwrap();
    }
    let run = |planner: &mut Encoding<usize, ()>, batch: Batch<usize>| {
        let results = vec![(); batch.pieces.len()];
        planner.done(batch, results).complete
    };
    for _ in 0..5 * books {
        let batch = planner.plan().unwrap();
        run(&mut planner, batch);
    }
    let letter = planner.submit("a", sentences(1), |&tokens| tokens).unwrap();
    assert!(planner.waiting() > 700_000);
    let mut others = 0;
    loop {
        let batch = planner.plan().unwrap();
        let theirs = batch.pieces.iter().filter(|piece| piece.place.request != letter);
        others += theirs.map(|piece| budget.cost(piece.tokens)).sum::<u64>();
        if let [(request, _)] = run(&mut planner, batch)[..] {
            assert_eq!(request, letter);
            return others;
        }
    }
}

#[test]
fn a_one_page_letter_waits_for_less_than_four_batches_behind_books_of_a_thousand_pages_however_many() {
    let budget = Budget { work: 1024, turn: 1024, even: 2304 };
    // And the end of the batch that takes the letter's last sentence.
    let bound = budget.wait(0, 0, budget.cost(56)) + budget.work;
    assert!(bound < 4 * budget.work);
    for books in [1, 3, 50] {
        let others = behind(books, budget);
        assert!(others < bound, "{others} of others behind {books} books, and the bound is {bound}");
    }
}
