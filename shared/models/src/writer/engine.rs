//! The thread that owns a writing model: a batch that rows join and leave at every step.
//!
//! Which rows have a part in a step is the planner's to say (`summarizer::batch`): fair between tenants and documents, within a
//! budget of tokens and of memory, longest answers included. Here is what a plan needs of the world: caches for the rows that
//! join, one pass of the model for all that a step reads, and what to do when it fails. What fails together is tried again one
//! by one, so that only the row that fails alone is told so; where the device has no memory, rows that came last give up their
//! caches and begin anew later; a row whose numbers overflow begins anew alone in f32.

use super::loaded::Write;
use super::memory::size;
use crate::ModelError;
use crate::controls::Controls;
use crate::desk::{self, Desk, Waiting, guarded};
use crate::generate::{Rules, Task, Written};
use crate::model::Kind;
use crate::ran::{Ran, Watch};
use crate::row::Feed;
use crate::text::Text;
use std::sync::Arc;
use std::time::Instant;
use summarizer::BackendError;
use summarizer::batch::{Budget, Decoding, Memory, Place, Prefill, Slice};

/// Tokens that are read in one step, where prompts are among them: rows that are being written wait no longer than for that.
const PIECE: usize = 512;
/// The same where an encoder reads prompts, which it can only do whole.
const ENCODED: usize = 4096;
/// Tokens of a document, or of a tenant, before it is another's turn: a letter and its summary.
const TURN: u64 = 2048;

/// Most tokens of a step.
pub(super) fn most(kind: &Kind) -> usize {
    if kind.start().is_some() { ENCODED } else { PIECE }
}

/// A prompt that fits.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub prompt: Vec<u32>,
    pub controls: Controls,
}

/// What became of a prompt; a failure is its own.
pub(super) type Said = Result<Written, ModelError>;

/// A document's prompts.
pub(super) type Request = desk::Request<Asked, Said>;

/// A prompt on its way.
struct Job {
    asked: Asked,
    /// Its caches, and what it has written, once it has joined.
    task: Option<Task>,
    /// Alone and in f32.
    exact: bool,
    said: Option<Said>,
}

impl Job {
    fn written(&self) -> usize {
        match (&self.said, &self.task) {
            (Some(Ok(written)), _) => written.tokens.len(),
            (_, Some(task)) => task.written(),
            _ => 0,
        }
    }
}

/// A job's part in a step.
struct Turn {
    slice: Slice,
    job: Job,
    /// Tokens that it has read.
    read: usize,
    /// Its numbers overflowed.
    again: bool,
}

impl Turn {
    fn say(&mut self, said: Said) {
        self.job.task = None;
        self.job.said = Some(said);
    }

    fn go_on(&mut self, logits: Vec<Vec<Vec<f32>>>, rules: &Rules) {
        let Some(task) = &mut self.job.task else { return };
        match task.read(logits, rules) {
            Ok(None) => {}
            Ok(Some(written)) => self.say(Ok(written)),
            Err(ModelError::NotFinite { written, found }) if !self.job.exact => {
                tracing::warn!(answer.tokens = written, found, "row repeated in f32");
                (self.job.task, self.job.exact, self.again) = (None, true, true);
            }
            Err(error) => self.say(Err(error)),
        }
    }
}

/// What all rows of a model have in common.
pub(super) struct Setting {
    pub kind: Kind,
    pub text: Arc<Text>,
    pub watch: Watch,
}

/// The model with all that waits for it.
pub(super) struct Engine<M> {
    model: M,
    /// In f32, for rows that overflow; `None` inside where the model itself is.
    exact: Option<Option<M>>,
    setting: Arc<Setting>,
    planner: Decoding<Option<Job>>,
    waiting: Waiting<Said>,
}

impl<M: Write> Engine<M> {
    pub(super) fn new(model: M, setting: Arc<Setting>, memory: Memory) -> Self {
        let work = u64::try_from(most(&setting.kind)).unwrap_or(u64::MAX);
        let budget = Budget { work, turn: TURN, even: u64::MAX };
        let prefill = if setting.kind.start().is_some() { Prefill::Whole } else { Prefill::Chunks };
        let planner = Decoding::new(budget, memory, prefill);
        Self { model, exact: None, setting, planner, waiting: Waiting::default() }
    }

    /// Runs what each has to read. `Err` where the device had no memory: then no row has gone on.
    fn step(&self, turns: &mut [Turn]) -> Result<(), ModelError> {
        let Setting { kind, text, .. } = &*self.setting;
        let rules = Rules { text, ends: kind.ends() };
        let (mut batch, alone): (Vec<&mut Turn>, Vec<_>) = turns.iter_mut().partition(|turn| !turn.job.exact);
        begin(&self.model, &mut batch, kind.start())?;
        pass(&self.model, &mut batch, &rules)?;
        let exact = self.exact.as_ref().and_then(Option::as_ref).unwrap_or(&self.model);
        for turn in alone {
            let one = &mut [turn];
            let ran = begin(exact, one, kind.start()).and_then(|()| pass(exact, one, &rules));
            if let (Err(error), [turn]) = (ran, one) {
                turn.say(Err(error));
            }
        }
        Ok(())
    }

    /// Whether what overflowed can be begun again in f32.
    fn ready_again(&mut self) -> Result<(), ModelError> {
        if self.exact.is_none() {
            self.exact = Some(guarded(|| self.model.exact())?);
        }
        Ok(())
    }

    /// Puts the jobs back; whose answer is there, and who begins anew.
    fn put_back(&mut self, turns: Vec<Turn>) -> (Vec<Place>, Vec<Place>) {
        let (mut ended, mut anew) = (Vec::new(), Vec::new());
        for mut turn in turns {
            if turn.again
                && let Err(error) = self.ready_again()
            {
                turn.say(Err(error));
            }
            let place = turn.slice.place;
            if turn.job.said.is_some() {
                ended.push(place);
            } else if turn.again {
                anew.push(place);
            }
            if let Some(row) = self.planner.row(place) {
                *row = Some(turn.job);
            }
        }
        (ended, anew)
    }
}

impl<M: Write> Desk for Engine<M> {
    type Asked = Asked;
    type Result = Said;

    fn admit(&mut self, request: Request) {
        if request.reply.is_closed() {
            return;
        }
        let Request { tenant, asked, since, reply } = request;
        let job = |asked| Some(Job { asked, task: None, exact: false, said: None });
        let rows = asked.into_iter().map(|asked| (size(&self.setting.kind, &asked), job(asked)));
        match self.planner.submit(&tenant, rows.collect()) {
            Ok(number) => self.waiting.enter(number, since, reply),
            Err(refused) => {
                // Nobody waits any more: nothing to tell.
                let _ = reply.send(Err(BackendError::Run(refused.to_string())));
            }
        }
    }

    fn work(&mut self) -> bool {
        for request in self.waiting.gone() {
            self.planner.cancel(request);
        }
        let Some(step) = self.planner.step() else {
            self.exact = None;
            return false;
        };
        let start = Instant::now();
        let waited = self.waiting.begin(step.slices.iter().map(|slice| slice.place.request), start);
        let turn = |&slice: &Slice| {
            let job = self.planner.row(slice.place)?.take()?;
            Some(Turn { slice, job, read: 0, again: false })
        };
        let mut turns: Vec<Turn> = step.slices.iter().filter_map(turn).collect();
        let before: usize =
            turns.iter().map(|turn| if turn.slice.from == 0 { 0 } else { turn.job.written() }).sum();
        let outcome = self.step(&mut turns);
        let after: usize = turns.iter().map(|turn| turn.job.written()).sum();
        self.setting.watch.tell(&ran(
            &turns,
            after.saturating_sub(before),
            most(&self.setting.kind),
            Ran {
                bytes: step.bytes,
                took: start.elapsed(),
                waited,
                waiting: self.planner.waiting(),
                ..Ran::default()
            },
        ));
        if outcome.is_err() {
            turns.iter_mut().for_each(|turn| turn.job.said = None);
        }
        let (ended, anew) = self.put_back(turns);
        match outcome {
            Ok(()) => {
                for (request, jobs) in self.planner.done(step, &ended, &anew) {
                    let said =
                        jobs.into_iter().map(|job| job.and_then(|job| job.said).unwrap_or_else(missing));
                    self.waiting.reply(request, Ok(said.collect()));
                }
            }
            Err(error) => {
                tracing::warn!(step.tokens = step.tokens, "out of device memory, rows begin anew later");
                match self.planner.out_of_memory(step) {
                    Ok(left) => left.into_iter().for_each(|place| {
                        // Their caches are what there was no room for.
                        self.planner.row(place).and_then(Option::as_mut).map(|job| job.task.take());
                    }),
                    Err(request) => {
                        let told = format!("one answer alone is too much for the device's memory: {error}");
                        self.waiting.reply(request, Err(BackendError::Run(told)));
                    }
                }
            }
        }
        true
    }
}

fn missing() -> Said {
    Err(ModelError::Run("an answer is missing".to_owned()))
}

fn ran(turns: &[Turn], written: usize, most: usize, ran: Ran) -> Ran {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let tokens: usize = turns.iter().map(|turn| turn.read).sum();
    #[expect(clippy::cast_precision_loss, reason = "budgets are small")]
    let fill = tokens as f64 / most as f64;
    Ran { sequences: turns.len(), tokens: count(tokens), written: count(written), fill, ..ran }
}

/// Gives caches to those who join, or begin anew; an encoder reads their prompts. One by one where it fails.
fn begin<M: Write>(model: &M, turns: &mut [&mut Turn], start: Option<u32>) -> Result<(), ModelError> {
    let mut new: Vec<&mut Turn> =
        turns.iter_mut().filter(|turn| turn.slice.from == 0).map(|turn| &mut **turn).collect();
    if new.is_empty() {
        return Ok(());
    }
    new.iter_mut().for_each(|turn| turn.job.task = None);
    let prompts: Vec<(&[u32], usize)> = new
        .iter()
        .map(|turn| (turn.job.asked.prompt.as_slice(), turn.job.asked.controls.max_tokens + 1))
        .collect();
    match guarded(|| model.begin(&prompts)) {
        Ok(rows) => {
            for (turn, row) in new.into_iter().zip(rows) {
                let Asked { prompt, controls } = &turn.job.asked;
                if start.is_some() {
                    turn.read = prompt.len();
                }
                turn.job.task = Some(Task::new(row, prompt, start, controls.clone()));
            }
            Ok(())
        }
        Err(error) if error.is_out_of_memory() => Err(error),
        Err(error) => {
            if let [turn] = &mut new[..] {
                turn.say(Err(error));
                return Ok(());
            }
            new.chunks_mut(1).try_for_each(|one| begin(model, one, start))
        }
    }
}

/// One pass over these rows; one by one where it fails.
fn pass<M: Write>(model: &M, turns: &mut [&mut Turn], rules: &Rules) -> Result<(), ModelError> {
    let mut counts = Vec::with_capacity(turns.len());
    let mut feeds: Vec<Feed> = Vec::with_capacity(turns.len());
    for turn in turns.iter_mut() {
        let Turn { slice, job, read, .. } = &mut **turn;
        let own = job.task.as_mut().map(|task| task.feeds(slice.tokens)).unwrap_or_default();
        *read += own.iter().map(|feed| feed.tokens.len()).sum::<usize>();
        counts.push(own.len());
        feeds.extend(own);
    }
    if feeds.is_empty() {
        return Ok(());
    }
    let logits = guarded(|| model.forward(&mut feeds));
    drop(feeds);
    match logits {
        Ok(logits) => {
            let mut logits = logits.into_iter();
            for (turn, count) in turns.iter_mut().zip(counts).filter(|(_, count)| *count > 0) {
                turn.go_on(logits.by_ref().take(count).collect(), rules);
            }
            Ok(())
        }
        Err(error) if error.is_out_of_memory() => Err(error),
        Err(error) => {
            if let [turn] = turns {
                turn.say(Err(error));
                return Ok(());
            }
            for one in turns.chunks_mut(1) {
                one.iter_mut().for_each(|turn| turn.read = 0);
                // Others have gone on by now: what has no memory alone fails alone.
                if let (Err(error), [turn]) = (pass(model, one, rules), one) {
                    turn.say(Err(error));
                }
            }
            Ok(())
        }
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
