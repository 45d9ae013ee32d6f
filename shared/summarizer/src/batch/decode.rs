//! Rows that write: which of them go on, which join, and how much of its prompt each reads in the next step.
//!
//! A row joins when its caches (prompt and longest answer), and what it needs on its way, fit beside what the rows at work
//! have been promised; so a row that has joined can always go on. In a step every row that writes has one token; what is
//! left of the budget goes to prompts, those of the earliest rows first, and then to rows that join. Rows join in the order
//! of [turns](super), and one for which there is no room yet holds up those behind it, else small ones would starve it.

mod rows;

use super::allowance::Allowance;
use super::fair::Fair;
use super::{Budget, Memory, Place, Refused, Request, count};
use rows::{Active, Open, Row};
pub use rows::{Prefill, RowSize, Slice};
use std::collections::{BTreeMap, VecDeque};

/// One step of all rows that have a part in it. It goes back to the planner by [`Decoding::done`] or
/// [`Decoding::out_of_memory`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a step that is not given back is planned again"]
pub struct Step {
    /// What each row does, no row twice.
    pub slices: Vec<Slice>,
    /// Sum of their tokens.
    pub tokens: u64,
    /// Memory beside the weights: the caches of all rows that have joined, also of those that pause, and what moves.
    pub bytes: u64,
}

/// Plans the steps of a decoder; see the [module](super) for what it promises.
///
/// `T` is what the caller keeps of a row: its prompt's ids, what it has written, its sampler.
///
/// ```
/// use precis_summarizer::batch::{Budget, Decoding, Memory, Prefill, RowSize};
///
/// let budget = Budget { work: 256, turn: 1024, even: u64::MAX };
/// let memory = Memory { limit: 1 << 30, weights: 300 << 20, cached: 64 << 10, active: 32 << 10, pair: 0, scored: 0 };
/// let mut planner = Decoding::new(budget, memory, Prefill::Chunks);
/// let prompt: Vec<u32> = vec![7; 700];
/// let size = RowSize { prompt: prompt.len(), answer: 3, width: 1 };
/// planner.submit("tenant", vec![(size, (prompt, Vec::new()))]).expect("it fits the memory");
///
/// let mut read = Vec::new();
/// while let Some(step) = planner.step() {
///     for slice in &step.slices {
///         let (prompt, written) = planner.row(slice.place).expect("a row of this step");
///         if slice.from == 0 {
///             written.clear(); // and new caches for the prompt and the answer
///         }
///         // The model reads `slice.tokens` tokens from `slice.from` on, of the prompt or of what is written…
///         assert!(slice.from + slice.tokens <= prompt.len() + written.len());
///         read.push(slice.tokens);
///         if slice.writes {
///             written.push(42_u32);
///         }
///     }
///     // …and says whose token ended a text. Rows that have written all they may end by themselves.
///     for (_request, rows) in planner.done(step, &[], &[]) {
///         assert_eq!(rows[0].1, [42, 42, 42]);
///     }
/// }
/// assert_eq!(read, [256, 256, 188, 1, 1]);
/// ```
#[derive(Debug)]
pub struct Decoding<T> {
    memory: Memory,
    prefill: Prefill,
    tokens: Allowance,
    room: Allowance,
    fair: Fair,
    /// Rows that had joined and lost their room, before all others.
    again: VecDeque<Place>,
    open: BTreeMap<Request, Open<T>>,
    /// In the order in which they joined.
    active: Vec<Active>,
    /// The last step was one prompt's alone.
    paused: bool,
    next: u64,
}

impl<T> Decoding<T> {
    /// A planner for a device with so much memory. `budget.work` counts the tokens of a step.
    #[must_use]
    pub fn new(budget: Budget, memory: Memory, prefill: Prefill) -> Self {
        Self {
            memory,
            prefill,
            tokens: Allowance::new(budget.work),
            room: Allowance::new(memory.room()),
            fair: Fair::new(budget.turn),
            again: VecDeque::new(),
            open: BTreeMap::new(),
            active: Vec::new(),
            paused: false,
            next: 0,
        }
    }

    /// Takes on the rows of a document. Turns are reckoned by the tokens that a row may come to.
    ///
    /// # Errors
    /// `Refused`, without a trace, if there is no row, one with an empty prompt, an empty answer or no width, or one that does
    /// not fit the memory alone.
    pub fn submit(&mut self, tenant: &str, rows: Vec<(RowSize, T)>) -> Result<Request, Refused> {
        if rows.is_empty() || rows.iter().any(|(size, _)| size.prompt.min(size.answer).min(size.width) == 0) {
            return Err(Refused::Empty);
        }
        for (at, &(size, _)) in rows.iter().enumerate() {
            let needed = self.memory.weights.saturating_add(self.alone(size));
            if needed > self.memory.limit {
                let tokens = size.tokens();
                return Err(Refused::TooLarge { at, tokens, needed, limit: self.memory.limit });
            }
        }
        let request = Request(self.next);
        self.next += 1;
        self.fair.add(tenant, request, rows.iter().map(|(size, _)| count(size.tokens())));
        let missing = rows.len();
        let rows = rows.into_iter().map(|(size, state)| Row { size, state }).collect();
        self.open.insert(request, Open { rows, missing });
        Ok(request)
    }

    /// Nobody waits for it any more: its rows leave, and those that wait never run. Whether it was under way.
    pub fn cancel(&mut self, request: Request) -> bool {
        self.fair.remove(request);
        self.again.retain(|place| place.request != request);
        self.active.retain(|row| row.place.request != request);
        self.open.remove(&request).is_some()
    }

    /// What the caller keeps of a row; `None` if its request is done, failed or cancelled.
    pub fn row(&mut self, place: Place) -> Option<&mut T> {
        self.open.get_mut(&place.request)?.rows.get_mut(place.at).map(|row| &mut row.state)
    }

    /// Tokens that the rows which have not joined may come to.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        let again = self.again.iter().filter_map(|place| self.open.get(&place.request)?.rows.get(place.at));
        again.fold(self.fair.waiting(), |sum, row| sum.saturating_add(count(row.size.tokens())))
    }

    /// Rows that have joined and are not done.
    #[must_use]
    pub fn active(&self) -> usize {
        self.active.len()
    }

    /// The next step; `None` if nobody has anything to do.
    pub fn step(&mut self) -> Option<Step> {
        let slices = match self.own_step() {
            Some(slice) => vec![slice],
            None => self.shared_step(),
        };
        self.paused = slices.len() == 1 && self.active.len() > 1;
        let extra: u64 = slices.iter().map(|slice| self.extra(slice)).sum();
        let tokens = slices.iter().map(|slice| count(slice.tokens)).sum();
        let bytes = self.promised().saturating_add(extra);
        (!slices.is_empty()).then_some(Step { slices, tokens, bytes })
    }

    /// The prompt that takes a step for itself, if it is its turn.
    fn own_step(&mut self) -> Option<Slice> {
        // One that has joined and whose step failed, or was never run.
        let begun = self.active.iter().find(|row| row.done == 0 && self.prefill == Prefill::Whole);
        if let Some(row) = begun.filter(|row| !self.beside(row.size.prompt)) {
            return Some(row.whole());
        }
        if self.prefill == Prefill::Chunks || (self.paused && !self.active.is_empty()) {
            return None;
        }
        let (place, size) = self.candidate()?;
        let slice = Active::new(place, size).whole();
        if self.beside(size.prompt) || !self.fits(&slice, size, 0) {
            return None;
        }
        self.join(place, size);
        Some(slice)
    }

    /// Whether so long a prompt fits the budget beside what the rows that have joined read in a step.
    fn beside(&self, prompt: usize) -> bool {
        count(prompt) <= self.tokens.now().saturating_sub(self.going())
    }

    /// Tokens of a step in which all rows that have joined write.
    fn going(&self) -> u64 {
        self.active.iter().fold(0, |sum, row| sum.saturating_add(count(row.size.width)))
    }

    fn shared_step(&mut self) -> Vec<Slice> {
        let mut left = self.tokens.now().saturating_sub(self.going());
        let mut extra = 0;
        let mut slices = Vec::with_capacity(self.active.len());
        for at in 0..self.active.len() {
            let own = count(self.active[at].size.width);
            let slice = self.slice(&self.active[at], left.saturating_add(own), extra);
            left = left.saturating_add(own).saturating_sub(count(slice.tokens));
            extra += self.extra(&slice);
            slices.push(slice);
        }
        while let Some((place, size)) = self.candidate().filter(|_| left > 0) {
            let row = Active::new(place, size);
            let slice = match self.prefill {
                Prefill::Whole => row.whole(),
                Prefill::Chunks => self.slice(&row, left, extra.saturating_add(self.rest(size))),
            };
            if count(slice.tokens) > left || !self.fits(&slice, size, extra) {
                break;
            }
            left -= count(slice.tokens);
            extra += self.extra(&slice);
            self.join(place, size);
            slices.push(slice);
        }
        slices
    }

    /// What a row does with at most so many tokens, when `extra` bytes beside the promised ones are taken.
    fn slice(&self, row: &Active, most: u64, extra: u64) -> Slice {
        let Active { place, size, done, .. } = *row;
        if done >= size.prompt {
            return Slice { place, from: done, tokens: size.width, writes: true };
        }
        if self.prefill == Prefill::Whole {
            return row.whole();
        }
        // Who is alone need not be careful of others.
        let others = self.active.iter().any(|other| other.place != place);
        let room = if others { self.room.now() } else { self.memory.room() };
        let free = room.saturating_sub(self.promised()).saturating_sub(extra);
        let of = |tokens| Slice { place, from: done, tokens, writes: done + tokens == size.prompt };
        // The most tokens whose bytes are there; one is promised.
        let (mut sure, mut beyond) =
            (1, (size.prompt - done).min(usize::try_from(most).unwrap_or(usize::MAX)) + 1);
        while beyond - sure > 1 {
            let middle = sure + (beyond - sure) / 2;
            if self.extra(&of(middle)) <= free { sure = middle } else { beyond = middle }
        }
        of(sure)
    }

    /// Who joins next.
    fn candidate(&mut self) -> Option<(Place, RowSize)> {
        let place = self.again.front().copied().or_else(|| self.fair.peek())?;
        Some((place, self.open.get(&place.request)?.rows.get(place.at)?.size))
    }

    fn join(&mut self, place: Place, size: RowSize) {
        if self.again.front() == Some(&place) {
            self.again.pop_front();
        } else {
            self.fair.take();
        }
        self.active.push(Active::new(place, size));
    }

    /// Whether a row may join with this slice, when `extra` bytes beside the promised ones are taken, and go on in the steps to
    /// come. Alone it always may.
    fn fits(&self, slice: &Slice, size: RowSize, extra: u64) -> bool {
        let moving = self.extra_of(slice, size);
        let bytes =
            self.promised().saturating_add(extra).saturating_add(self.rest(size)).saturating_add(moving);
        let wide = self.going().saturating_add(count(size.width));
        self.active.is_empty() || (wide <= self.tokens.now() && bytes <= self.room.now())
    }

    /// Bytes that a row needs to go on, once it writes.
    fn rest(&self, size: RowSize) -> u64 {
        let tokens = size.tokens();
        let scores = count(size.width).saturating_mul(self.memory.scored);
        let moving = self.memory.moving(size.width, tokens).saturating_add(scores);
        self.memory.caches(tokens).saturating_add(moving)
    }

    /// Bytes that a row needs when there is no other.
    fn alone(&self, size: RowSize) -> u64 {
        let whole = match self.prefill {
            Prefill::Whole => self.memory.moving(size.prompt, size.prompt),
            Prefill::Chunks => 0,
        };
        self.rest(size).saturating_add(whole.saturating_sub(self.memory.moving(size.width, size.tokens())))
    }

    /// Bytes that the rows at work have been promised.
    fn promised(&self) -> u64 {
        self.active.iter().fold(0, |sum, row| sum.saturating_add(self.rest(row.size)))
    }

    fn extra(&self, slice: &Slice) -> u64 {
        let size = self.open.get(&slice.place.request).and_then(|open| open.rows.get(slice.place.at));
        size.map_or(0, |row| self.extra_of(slice, row.size))
    }

    /// Bytes of a slice beyond what its row has been promised.
    fn extra_of(&self, slice: &Slice, size: RowSize) -> u64 {
        let context = slice.from.saturating_add(slice.tokens).min(size.tokens());
        let moving = self.memory.moving(slice.tokens, context);
        moving.saturating_sub(self.memory.moving(size.width, size.tokens()))
    }

    /// A step has run. The rows at `ended` wrote what ends a text, or cannot go on; those at `anew` give up their room and join
    /// again, as if this and all their steps had not been. Gives the requests that are complete, with their rows in the order of submission.
    pub fn done(&mut self, step: Step, ended: &[Place], anew: &[Place]) -> Vec<(Request, Vec<T>)> {
        self.tokens.went_well();
        self.room.went_well();
        let mut complete = Vec::new();
        for slice in step.slices {
            let Some(at) = self.active.iter().position(|row| row.place == slice.place) else { continue };
            let row = &mut self.active[at];
            if anew.contains(&slice.place) {
                // What its prompt needs on its way is not promised any more: it joins again, before all others.
                self.active.remove(at);
                self.again.push_back(slice.place);
                continue;
            }
            row.done = if slice.from < row.size.prompt { slice.from + slice.tokens } else { slice.from + 1 };
            row.written += usize::from(slice.writes);
            if row.written < row.size.answer && !ended.contains(&slice.place) {
                continue;
            }
            self.active.remove(at);
            let Some(open) = self.open.get_mut(&slice.place.request) else { continue };
            open.missing -= 1;
            if open.missing == 0
                && let Some(open) = self.open.remove(&slice.place.request)
            {
                complete.push((slice.place.request, open.rows.into_iter().map(|row| row.state).collect()));
            }
        }
        complete
    }

    /// The device had no memory for a step: it has not happened. The rows that joined last give up their room, until what
    /// is left takes at most half, and begin anew later, before all others. A row that was alone reads shorter chunks.
    /// Gives the rows whose caches are to go.
    ///
    /// # Errors
    /// The request of a row that was alone and has no shorter chunks to read: it cannot be helped, and has failed.
    pub fn out_of_memory(&mut self, step: Step) -> Result<Vec<Place>, Request> {
        self.tokens.halve(step.tokens);
        if let ([row], [slice]) = (&self.active[..], &step.slices[..]) {
            let request = row.place.request;
            let reads = self.prefill == Prefill::Chunks && slice.from < row.size.prompt;
            let shorter = reads && slice.tokens > 1;
            return if !shorter && self.cancel(request) { Err(request) } else { Ok(Vec::new()) };
        }
        self.room.halve(step.bytes);
        let mut left = Vec::new();
        while self.active.len() > 1 && self.crowded() {
            if let Some(row) = self.active.pop() {
                self.again.push_front(row.place);
                left.push(row.place);
            }
        }
        Ok(left)
    }

    /// Whether the row that joined last must give up its room.
    fn crowded(&self) -> bool {
        let unread = self.active.last().is_some_and(|row| row.done == 0 && self.prefill == Prefill::Whole);
        unread || self.promised() > self.room.now() || self.going() > self.tokens.now()
    }
}

#[cfg(test)]
mod tests;
