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
use crate::precision::Dtypes;
use crate::row::Feed;
use crate::text::Text;
use candle_core::Device;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use summarizer::BackendError;

/// Tokens of a prompt that are read in one step: rows that are being written wait no longer than that.
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
        if self.dtypes == Dtypes::F32 && !self.files.stored.is_gguf() {
            return Ok(None);
        }
        Model::load(&self.files, &self.device, Dtypes::F32, true).map(|(model, _)| Some(model))
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
    for row in rows.iter_mut() {
        let own = row.task.feeds(PIECE);
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
