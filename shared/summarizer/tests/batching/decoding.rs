//! Rows: an oracle keeps their caches, as a device would.

use precis_summarizer::batch::{Budget, Decoding, Memory, Place, Prefill, Refused, Request, RowSize, Step};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What a row has read and written, as a device would keep it.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    size: RowSize,
    /// After so many tokens it writes what ends it.
    ends: usize,
    /// Once, after so many tokens, it begins anew.
    stumbles: Option<usize>,
    cached: usize,
    written: usize,
}

#[derive(Debug, Clone)]
enum Event {
    Come(usize, Vec<Wanted>),
    Cancel(usize),
    Step,
}

/// A row, after how many tokens it ends, and after how many it begins anew.
type Wanted = (RowSize, usize, Option<usize>);

fn row() -> impl Strategy<Value = Wanted> {
    let size = (1_usize..60, 1_usize..20, 1_usize..5).prop_map(|(prompt, answer, width)| RowSize {
        prompt,
        answer,
        width,
    });
    (size, 1_usize..25, proptest::option::of(0_usize..20))
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => (0_usize..3, vec(row(), 1..6)).prop_map(|(tenant, rows)| Event::Come(tenant, rows)),
        1 => (0_usize..30).prop_map(Event::Cancel),
        6 => Just(Event::Step),
    ];
    vec(event, 1..80)
}

fn prefills() -> impl Strategy<Value = Prefill> {
    prop_oneof![Just(Prefill::Chunks), Just(Prefill::Whole)]
}

fn memories() -> impl Strategy<Value = Memory> {
    let memory = |(room, weights, cached, active, pair, scored)| Memory {
        limit: weights + room,
        weights,
        cached,
        active,
        pair,
        scored,
    };
    (1_u64..20_000, 0_u64..500, 0_u64..50, 0_u64..30, 0_u64..4, 0_u64..40).prop_map(memory)
}

struct Watched {
    planner: Decoding<Row>,
    budget: u64,
    memory: Memory,
    prefill: Prefill,
    requests: Vec<Request>,
    sizes: BTreeMap<Request, Vec<Wanted>>,
    /// The rows that have caches.
    joined: BTreeMap<Place, RowSize>,
    cancelled: BTreeSet<Request>,
    complete: BTreeMap<Request, Vec<Row>>,
}

impl Watched {
    fn new(budget: u64, turn: u64, memory: Memory, prefill: Prefill) -> Self {
        Self {
            planner: Decoding::new(Budget { work: budget, turn, even: 1 }, memory, prefill),
            budget,
            memory,
            prefill,
            requests: Vec::new(),
            sizes: BTreeMap::new(),
            joined: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            complete: BTreeMap::new(),
        }
    }

    /// Bytes of a row's caches and of tokens that look at so many, of which so many are scored.
    fn bytes(&self, size: RowSize, tokens: usize, context: usize, scored: usize) -> u64 {
        let (all, tokens, context) = ((size.prompt + size.answer) as u64, tokens as u64, context as u64);
        let moving = tokens * self.memory.active + tokens * context * self.memory.pair;
        all * self.memory.cached + moving + scored as u64 * self.memory.scored
    }

    fn come(&mut self, tenant: usize, rows: &[Wanted]) -> Result<(), TestCaseError> {
        let fits = rows.iter().all(|&(size, ..)| {
            let going_on = self.bytes(size, size.width, size.prompt + size.answer, size.width);
            let whole = self.prefill == Prefill::Whole;
            let first = if whole { self.bytes(size, size.prompt, size.prompt, size.width) } else { 0 };
            self.memory.weights + going_on.max(first) <= self.memory.limit
        });
        let new = |&(size, ends, stumbles)| (size, Row { size, ends, stumbles, cached: 0, written: 0 });
        match self.planner.submit(["a", "b", "c"][tenant], rows.iter().map(new).collect()) {
            Ok(request) => {
                prop_assert!(fits);
                self.sizes.insert(request, rows.to_vec());
                self.requests.push(request);
            }
            Err(Refused::TooLarge { needed, limit, .. }) => prop_assert!(!fits && needed > limit),
            Err(Refused::Empty) => prop_assert!(false),
        }
        Ok(())
    }

    fn cancel(&mut self, number: usize) {
        if let Some(&request) = self.requests.get(number)
            && self.planner.cancel(request)
        {
            self.cancelled.insert(request);
            self.joined.retain(|place, _| place.request != request);
        }
    }

    fn size(&self, place: Place) -> RowSize {
        self.sizes[&place.request][place.at].0
    }

    /// Budget and memory, and each row goes on where it was.
    fn look_at(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let places: BTreeSet<Place> = step.slices.iter().map(|slice| slice.place).collect();
        prop_assert_eq!(places.len(), step.slices.len(), "a row twice in a step");
        let tokens: u64 = step.slices.iter().map(|slice| slice.tokens as u64).sum();
        prop_assert_eq!(tokens, step.tokens);
        // A prompt that is read whole, or a row that is wider than a step.
        let alone = step.slices.len() == 1;
        prop_assert!(tokens <= self.budget || alone, "{tokens} tokens");
        for slice in &step.slices {
            prop_assert!(!self.cancelled.contains(&slice.place.request));
            let size = self.size(slice.place);
            self.joined.insert(slice.place, size);
            let row = self.planner.row(slice.place).unwrap();
            prop_assert_eq!(slice.from, row.cached);
            let reads = if row.written > 0 { size.width } else { size.prompt - row.cached };
            prop_assert!(slice.tokens >= 1 && slice.tokens <= reads);
            prop_assert_eq!(slice.writes, slice.tokens == reads);
        }
        let caches: u64 = self.joined.values().map(|&size| self.bytes(size, 0, 0, 0)).sum();
        let moving = |slice: &precis_summarizer::batch::Slice| {
            let size = self.size(slice.place);
            let first = slice.from < size.prompt;
            let scored = if first { usize::from(slice.writes) } else { size.width };
            let context = (slice.from + slice.tokens).min(size.prompt + size.answer);
            self.bytes(size, slice.tokens, context, scored) - self.bytes(size, 0, 0, 0)
        };
        let needed = caches + step.slices.iter().map(moving).sum::<u64>();
        prop_assert!(needed <= step.bytes, "{needed} beside {}", step.bytes);
        prop_assert!(self.memory.weights + step.bytes <= self.memory.limit);
        Ok(())
    }

    fn run(&mut self) -> Result<bool, TestCaseError> {
        let Some(step) = self.planner.step() else { return Ok(false) };
        self.look_at(&step)?;
        let (mut ended, mut anew) = (Vec::new(), Vec::new());
        for slice in &step.slices {
            let row = self.planner.row(slice.place).unwrap();
            if row.stumbles.take_if(|at| row.written >= *at).is_some() {
                (row.cached, row.written) = (0, 0);
                anew.push(slice.place);
                self.joined.remove(&slice.place);
                continue;
            }
            row.cached += if row.written > 0 { 1 } else { slice.tokens };
            row.written += usize::from(slice.writes);
            if row.written == row.ends {
                ended.push(slice.place);
            }
            if row.written == row.ends.min(row.size.answer) {
                self.joined.remove(&slice.place);
            }
        }
        self.complete.extend(self.planner.done(step, &ended, &anew));
        prop_assert_eq!(self.planner.active(), self.joined.len());
        Ok(true)
    }

    fn end(mut self) -> Result<(), TestCaseError> {
        let mut steps = 0;
        while self.run()? {
            steps += 1;
            prop_assert!(steps < 100_000, "it goes round in circles");
        }
        for (request, rows) in &self.sizes {
            let told = self.complete.get(request);
            prop_assert_eq!(told.is_some(), !self.cancelled.contains(request));
            for (row, (size, ends, _)) in told.into_iter().flatten().zip(rows) {
                prop_assert_eq!(row.size, *size);
                prop_assert_eq!(row.written, *ends.min(&size.answer));
                prop_assert_eq!(row.cached, size.prompt + row.written - 1);
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn every_row_reads_and_writes_all_its_tokens_once_within_budget_and_memory(
        budget in 1_u64..100, turn in 1_u64..200, memory in memories(), prefill in prefills(), events in events(),
    ) {
        let mut watched = Watched::new(budget, turn, memory, prefill);
        for event in events {
            match event {
                Event::Come(tenant, rows) => watched.come(tenant, &rows)?,
                Event::Cancel(number) => watched.cancel(number),
                Event::Step => {
                    watched.run()?;
                }
            }
        }
        watched.end()?;
    }

    #[test]
    fn out_of_memory_fails_only_the_documents_that_do_not_fit_alone(
        documents in vec(vec((1_usize..40, 1_usize..10), 1..4), 1..6),
        real in 20_u64..400, budget in 1_u64..100, prefill in prefills(),
    ) {
        // A token in the cache takes 2 and one on its way 1; the planner thinks that it has all it wants.
        let memory = Memory { limit: 1_000_000, weights: 0, cached: 2, active: 1, pair: 0, scored: 0 };
        let mut planner = Decoding::new(Budget { work: budget, turn: 50, even: 1 }, memory, prefill);
        let alone = |prompt: usize, answer: usize| {
            let moving = if prefill == Prefill::Whole { prompt } else { 1 };
            2 * (prompt + answer) as u64 + moving as u64
        };
        let mut wanted = BTreeSet::new();
        for (number, rows) in documents.iter().enumerate() {
            let sizes = rows.iter().map(|&(prompt, answer)| (RowSize { prompt, answer, width: 1 }, number)).collect();
            planner.submit(["a", "b"][number % 2], sizes).unwrap();
            if rows.iter().all(|&(prompt, answer)| alone(prompt, answer) <= real) {
                wanted.insert(number);
            }
        }
        let (mut complete, mut failed, mut tries) = (BTreeSet::new(), 0, 0);
        while let Some(step) = planner.step() {
            tries += 1;
            prop_assert!(tries < 100_000, "it goes round in circles");
            if step.bytes > real {
                failed += usize::from(planner.out_of_memory(step).is_err());
            } else {
                complete.extend(planner.done(step, &[], &[]).into_iter().map(|(_, rows)| rows[0]));
            }
        }
        prop_assert_eq!(failed, documents.len() - wanted.len());
        prop_assert_eq!(complete, wanted);
        prop_assert_eq!(planner.active(), 0);
    }

    #[test]
    fn a_short_answer_is_begun_within_the_stated_bound_behind_long_ones(
        before in vec((1_usize..60, 1_usize..40), 1..40), after in vec((1_usize..60, 1_usize..40), 0..200),
        budget in 8_u64..100,
    ) {
        let turns = Budget { work: budget, turn: 100, even: u64::MAX };
        // Room for some of the rows at a time.
        let memory = Memory { limit: 300, weights: 0, cached: 1, active: 0, pair: 0, scored: 0 };
        let mut planner: Decoding<u64> = Decoding::new(turns, memory, Prefill::Chunks);
        let row = |(prompt, answer): (usize, usize)| (RowSize { prompt, answer, width: 1 }, (prompt + answer) as u64);
        planner.submit("a", before.into_iter().map(row).collect()).unwrap();
        let first = planner.step().unwrap();
        let mut begun: BTreeSet<Place> = first.slices.iter().map(|slice| slice.place).collect();
        planner.done(first, &[], &[]);
        let mine = planner.submit("a", vec![row((20, 5))]).unwrap();
        let (mut others, mut after) = (0, after.into_iter());
        'begun: loop {
            let step = planner.step().unwrap();
            for slice in &step.slices {
                if slice.place.request == mine {
                    break 'begun;
                }
                if begun.insert(slice.place) {
                    others += *planner.row(slice.place).unwrap();
                }
            }
            planner.done(step, &[], &[]);
            if let Some(sizes) = after.next() {
                planner.submit("a", vec![row(sizes)]).unwrap();
            }
        }
        let bound = turns.wait(0, 0, 98);
        prop_assert!(others < bound, "{others} of others, and the bound is {bound}");
    }
}
