//! The thread that owns a writing model: a batch that rows join and leave at every step.
//!
//! A step reads one token of each row, or a piece of a prompt that has just joined, all in one pass. Prompts join in the order
//! in which they came while the tokens of all rows, their longest answers included, stay within a budget: that bounds the
//! caches before anything runs. What fails for a batch is tried again in halves, so that only the row that fails alone is told
//! so. A row whose numbers overflow begins again alone in f32.

use super::queue::{Asked, Owners, Place, Request};
use crate::ModelError;
use crate::files::Files;
use crate::generate::{Rules, Task, Written};
use crate::model::{Kind, Model};
use crate::precision::{Dtypes, Precision};
use crate::row::Feed;
use crate::text::Text;
use candle_core::Device;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use summarizer::BackendError;

/// Tokens that are read in one step, where prompts are among them: rows that are being written wait no longer than for that.
const PIECE: usize = 512;
/// Tokens of prompts that an encoder takes at once.
const ENCODED: usize = 4096;

/// What it takes to load the model.
pub(super) struct Loader {
    pub files: Files,
    pub device: Device,
    pub dtypes: Dtypes,
    pub loaded: Arc<OnceLock<Duration>>,
}

impl Loader {
    pub(super) fn load(&self) -> Result<Model, ModelError> {
        let start = Instant::now();
        let (model, _) = Model::load(&self.files, &self.device, self.dtypes, false)?;
        let took = *self.loaded.get_or_init(|| start.elapsed());
        let duration = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(duration_ms = duration, "writing model loaded");
        Ok(model)
    }

    /// The same weights in f32, if they aren't already.
    fn exact(&self) -> Result<Option<Model>, ModelError> {
        let exact = Dtypes::of(Precision::F32, &self.device)?;
        if self.dtypes == exact && !self.files.stored.is_gguf() {
            return Ok(None);
        }
        Model::load(&self.files, &self.device, exact, true).map(|(model, _)| Some(model))
    }
}

/// A prompt that is being answered.
struct Running {
    place: Place,
    asked: Asked,
    task: Task,
    /// Alone and in f32.
    exact: bool,
}

/// What a step says of a row.
type Said = Result<Option<Written>, ModelError>;

pub(super) struct Engine {
    loader: Loader,
    model: Option<Model>,
    /// In f32, for rows that overflow; `None` inside where the model itself is.
    exact: Option<Option<Model>>,
    kind: Kind,
    text: Arc<Text>,
    budget: usize,
    owners: Owners,
    waiting: VecDeque<(Place, Asked)>,
    running: Vec<Running>,
}

impl Engine {
    pub(super) fn new(
        loader: Loader,
        model: Option<Model>,
        kind: Kind,
        text: Arc<Text>,
        budget: usize,
    ) -> Self {
        let (owners, waiting, running) = (Owners::default(), VecDeque::new(), Vec::new());
        Self { loader, model, exact: None, kind, text, budget, owners, waiting, running }
    }

    /// Answers until every sender is gone.
    pub(super) fn serve(mut self, requests: &Receiver<Request>) {
        while self.take(requests) {
            if let Err(error) = self.ready() {
                self.waiting.clear();
                self.owners.fail(&BackendError::Load(error.to_string()));
                continue;
            }
            self.leave();
            self.join();
            self.step();
        }
    }

    /// Takes what has come, waiting for it where there is nothing else to do. `false` when nobody will come any more.
    fn take(&mut self, requests: &Receiver<Request>) -> bool {
        if self.running.is_empty() && self.waiting.is_empty() {
            match requests.recv() {
                Ok(request) => self.waiting.extend(self.owners.enter(request)),
                Err(_) => return false,
            }
        }
        loop {
            match requests.try_recv() {
                Ok(request) => self.waiting.extend(self.owners.enter(request)),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn ready(&mut self) -> Result<(), ModelError> {
        if self.model.is_none() {
            self.model = Some(self.loader.load()?);
        }
        Ok(())
    }

    /// Rows that nobody waits for any more.
    fn leave(&mut self) {
        self.owners.forget();
        let owners = &self.owners;
        self.running.retain(|row| owners.wanted(row.place));
        self.waiting.retain(|(place, _)| owners.wanted(*place));
    }

    /// Begins what has waited, as far as the budget goes; one that goes beyond it by itself begins when nothing else runs.
    fn join(&mut self) {
        let mut used: usize = self.running.iter().map(|row| row.asked.tokens()).sum();
        let (mut new, mut encoded) = (Vec::new(), 0);
        while let Some((_, asked)) = self.waiting.front() {
            let (tokens, prompt) = (asked.tokens(), asked.prompt.len());
            let alone = self.running.is_empty() && new.is_empty();
            let fits = used.saturating_add(tokens) <= self.budget && encoded + prompt <= ENCODED;
            if !(alone || fits) {
                break;
            }
            used += tokens;
            encoded += prompt;
            new.extend(self.waiting.pop_front());
        }
        self.begin(new, false);
    }

    /// In halves where it fails.
    fn begin(&mut self, mut new: Vec<(Place, Asked)>, exact: bool) {
        let Some(model) = self.model_for(exact) else { return };
        let prompts: Vec<(&[u32], usize)> =
            new.iter().map(|(_, asked)| (asked.prompt.as_slice(), asked.controls.max_tokens + 1)).collect();
        if prompts.is_empty() {
            return;
        }
        match model.begin(&prompts) {
            Ok(rows) => {
                let start = self.kind.start();
                for ((place, asked), row) in new.into_iter().zip(rows) {
                    let task = Task::new(row, &asked.prompt, start, asked.controls.clone());
                    self.running.push(Running { place, asked, task, exact });
                }
            }
            Err(error) if new.len() == 1 => {
                for (place, _) in new {
                    self.owners.answer(place, Err(ModelError::Run(error.to_string())));
                }
            }
            Err(_) => {
                let second = new.split_off(new.len() / 2);
                self.begin(new, exact);
                self.begin(second, exact);
            }
        }
    }

    fn model_for(&self, exact: bool) -> Option<&Model> {
        let other = if exact { self.exact.as_ref().and_then(Option::as_ref) } else { None };
        other.or(self.model.as_ref())
    }

    /// Every row reads what it has to read next.
    fn step(&mut self) {
        // Those that are to be alone stand behind the others.
        self.running.sort_by_key(|row| row.exact);
        let together = self.running.iter().filter(|row| !row.exact).count();
        let mut running = std::mem::take(&mut self.running);
        let rules = Rules { text: &self.text, ends: self.kind.ends() };
        let (batch, alone) = running.split_at_mut(together);
        let mut said = Vec::with_capacity(batch.len() + alone.len());
        if let Some(model) = self.model_for(false) {
            run(model, batch, &rules, &mut said);
        }
        if let Some(model) = self.model_for(true) {
            for row in alone {
                run(model, std::slice::from_mut(row), &rules, &mut said);
            }
        }
        for (row, said) in running.into_iter().zip(said) {
            self.settle(row, said);
        }
        if self.running.is_empty() && self.waiting.is_empty() {
            self.exact = None;
        }
    }

    fn settle(&mut self, row: Running, said: Said) {
        match said {
            Ok(None) => self.running.push(row),
            Ok(Some(written)) => self.owners.answer(row.place, Ok(written)),
            Err(ModelError::NotFinite { written, found }) if !row.exact => {
                tracing::warn!(answer.tokens = written, found, "row repeated in f32");
                self.again(row);
            }
            Err(error) => self.owners.answer(row.place, Err(error)),
        }
    }

    /// From the beginning, alone and in f32.
    fn again(&mut self, row: Running) {
        if self.exact.is_none() {
            match self.loader.exact() {
                Ok(model) => self.exact = Some(model),
                Err(error) => return self.owners.answer(row.place, Err(error)),
            }
        }
        self.begin(vec![(row.place, row.asked)], true);
    }
}

/// One pass over these rows; in halves where it fails.
fn run(model: &Model, rows: &mut [Running], rules: &Rules, said: &mut Vec<Said>) {
    if rows.is_empty() {
        return;
    }
    let mut counts = Vec::with_capacity(rows.len());
    let mut feeds: Vec<Feed> = Vec::with_capacity(rows.len());
    let mut left = PIECE;
    for row in rows.iter_mut() {
        let own = row.task.feeds(left);
        left = left.saturating_sub(own.iter().map(|feed| feed.tokens.len()).sum());
        counts.push(own.len());
        feeds.extend(own);
    }
    let logits = model.forward(&mut feeds);
    drop(feeds);
    match logits {
        Ok(logits) => {
            let mut logits = logits.into_iter();
            for (row, count) in rows.iter_mut().zip(counts) {
                said.push(row.task.read(logits.by_ref().take(count).collect(), rules));
            }
        }
        Err(error) if rows.len() == 1 => said.push(Err(error)),
        Err(_) => {
            let (first, second) = rows.split_at_mut(rows.len() / 2);
            run(model, first, rules, said);
            run(model, second, rules, said);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::Controls;
    use crate::parity_tests::{golden, load, text};
    use std::sync::mpsc::channel;
    use tokio::sync::oneshot;

    fn engine(name: &str) -> Engine {
        let (model, kind) = load(name, Dtypes::F32);
        let text = Arc::new(text(name, &kind));
        let files = Files::open(&golden(name)).unwrap();
        let loader =
            Loader { files, device: Device::Cpu, dtypes: Dtypes::F32, loaded: Arc::new(OnceLock::new()) };
        Engine::new(loader, Some(model), kind, text, 10_000)
    }

    fn answers(name: &str, prompts: &[&[u32]]) -> Vec<Result<Written, ModelError>> {
        let controls = Controls { max_tokens: 9, ..Controls::default() };
        let (requests, queue) = channel();
        let (reply, mut answer) = oneshot::channel();
        let asked = |prompt: &&[u32]| Asked { prompt: prompt.to_vec(), controls: controls.clone() };
        requests.send(Request { asked: prompts.iter().map(asked).collect(), reply }).unwrap();
        let thread = std::thread::spawn({
            let engine = engine(name);
            move || engine.serve(&queue)
        });
        let got = loop {
            if let Ok(got) = answer.try_recv() {
                break got.unwrap();
            }
            assert!(!thread.is_finished());
            std::thread::yield_now();
        };
        drop(requests);
        thread.join().unwrap();
        got
    }

    #[test]
    fn what_fails_in_a_batch_fails_only_where_it_fails_alone() {
        // No such token: an encoder fails when the prompt is begun, a decoder when it is read.
        let bad: &[u32] = &[5, 100_000];
        let good: [&[u32]; 3] = [&[5, 6, 7], &[9, 8, 7, 6, 5], &[20]];
        for name in ["t5-gated", "qwen3"] {
            let wanted = answers(name, &good);
            let got = answers(name, &[good[0], good[1], bad, good[2]]);
            assert!(matches!(&got[2], Err(ModelError::Run(text)) if text.contains("100000")), "{:?}", got[2]);
            for (got, wanted) in [(&got[0], &wanted[0]), (&got[1], &wanted[1]), (&got[3], &wanted[2])] {
                assert_eq!(got.as_ref().unwrap(), wanted.as_ref().unwrap());
            }
        }
    }

    #[test]
    fn a_step_reads_no_more_than_its_piece_and_those_who_write_go_on() {
        let long: Vec<u32> = (0..2_000).map(|at| at % 250 + 3).collect();
        let mut engine = engine("qwen3");
        let controls = Controls { max_tokens: 200, min_tokens: 200, ..Controls::default() };
        let asked = |prompt: &[u32]| Asked { prompt: prompt.to_vec(), controls: controls.clone() };
        let (reply, _waits) = oneshot::channel();
        let request = Request { asked: vec![asked(&[5]), asked(&long), asked(&long)], reply };
        engine.waiting.extend(engine.owners.enter(request));
        engine.join();
        for steps in 1..=8 {
            let read = |engine: &mut Engine| -> Vec<usize> {
                engine.running.iter().map(|row| row.task.written()).collect()
            };
            engine.step();
            // The first one writes; four pieces for the second, less what the first one takes.
            let written = read(&mut engine);
            assert_eq!(written[0], steps);
            assert_eq!(written[1] > 0, steps > 3, "{steps}: {written:?}");
            assert_eq!(written[2] > 0, steps > 7, "{steps}: {written:?}");
        }
    }
}
