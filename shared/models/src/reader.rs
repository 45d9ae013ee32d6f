//! The thread that owns a reading model: it takes in what waits, runs batch after batch, and says whose results are whole.
//!
//! Which sequences run together is the planner's to say (`summarizer::batch`): fair between tenants and documents, within a
//! budget of work and of memory. Here is what a plan needs of the world: the queue, the model, and what to do when a batch
//! fails. No failure of one document is another's: what fails together is tried again one by one, what the device has no
//! memory for runs in smaller batches, and numbers that are not finite are computed again alone in f32.

use crate::desk::{self, Desk, Waiting, guarded};
use crate::encoder::Encoder;
use crate::folder::Folder;
use crate::kernels::Width;
use crate::ran::{Ran, Watch};
use crate::{DeviceChoice, ModelError, Precision};
use std::sync::OnceLock;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use summarizer::BackendError;
use summarizer::batch::{Batch, Budget, Encoding, Memory};

/// Work of a batch at least: enough to keep a core busy, few enough that who comes meanwhile does not wait long.
const WORK: u64 = 1024;
/// And for each thread: enough that none is left without texts.
const EACH: u64 = 256;

/// Work of a batch on this machine.
fn work() -> u64 {
    WORK.max(EACH.saturating_mul(u64::try_from(rayon::current_num_threads()).unwrap_or(1)))
}

/// What is loaded, and where it runs.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub folder: Folder,
    pub device: DeviceChoice,
    pub precision: Precision,
    pub watch: Watch,
}

impl Wanted {
    /// How wide numbers enter the processor's products.
    pub(crate) fn width(&self) -> Result<Width, ModelError> {
        match self.precision {
            Precision::Auto | Precision::F32 => Ok(Width::F32),
            Precision::Bf16 => Ok(Width::Bf16),
            Precision::Int8 => Ok(Width::Int8),
            Precision::F16 => Err(ModelError::Asked(
                "precision f16: sentences are embedded in f32, bf16 or int8".to_owned(),
            )),
        }
    }
}

/// What the thread runs.
pub(crate) trait Encode: Sized {
    /// Token ids of each text, with the special ones, truncated; never empty.
    fn tokens(&self, texts: &[String]) -> Result<Vec<Vec<u32>>, ModelError>;

    /// One vector for each sequence. And how many tokens were computed beside those of the sequences.
    fn forward(&self, batch: &[&[u32]]) -> Result<(Vec<Vec<f32>>, u64), ModelError>;

    /// What its batches take of the device's memory.
    fn memory(&self) -> Memory;

    /// The length of a sequence at which attention costs as much as the linear layers.
    fn even(&self) -> u64;

    /// The same weights in f32; `None` if they are so already.
    fn exact(&self) -> Result<Option<Self>, ModelError>;
}

/// A document's texts.
pub(crate) type Request = desk::Request<String, Vec<f32>>;

/// Serves requests until every sender is gone. Without an encoder it loads one at the first request.
pub(crate) fn serve(
    wanted: &Wanted,
    requests: &Receiver<Request>,
    loaded: &OnceLock<Duration>,
    encoder: Option<Encoder>,
) {
    let ready = |encoder| Reader::new(encoder, wanted.watch.clone());
    desk::serve(encoder.map(ready), || load(wanted, loaded).map(ready), requests);
}

/// Loads a model and notes how long it took.
pub(crate) fn load(wanted: &Wanted, loaded: &OnceLock<Duration>) -> Result<Encoder, ModelError> {
    desk::timed("sentences", loaded, || Encoder::load(wanted))
}

/// What became of a sequence: its vector, or why there is none.
type Vector = Result<Vec<f32>, String>;

/// The model with all that waits for it.
struct Reader<E> {
    /// Of a batch, at most.
    work: u64,
    encoder: E,
    /// In f32, for sequences whose numbers overflow; `None` inside where the model itself is.
    exact: Option<Option<E>>,
    planner: Encoding<Vec<u32>, Vector>,
    waiting: Waiting<Vec<f32>>,
    watch: Watch,
}

impl<E: Encode> Desk for Reader<E> {
    type Asked = String;
    type Result = Vec<f32>;

    fn admit(&mut self, request: Request) {
        if request.reply.is_closed() {
            return;
        }
        let tokens = match guarded(|| self.encoder.tokens(&request.asked)) {
            Ok(tokens) => tokens,
            Err(error) => return request.fail(BackendError::Run(error.to_string())),
        };
        match self.planner.submit(&request.tenant, tokens, Vec::len) {
            Ok(number) => self.waiting.enter(number, request.since, request.reply),
            Err(refused) => request.fail(BackendError::Run(refused.to_string())),
        }
    }

    fn work(&mut self) -> bool {
        for request in self.waiting.gone() {
            self.planner.cancel(request);
        }
        let Some(batch) = self.planner.plan() else { return false };
        self.step(batch);
        true
    }
}

impl<E: Encode> Reader<E> {
    fn new(encoder: E, watch: Watch) -> Self {
        let work = work();
        let budget = Budget { work, turn: WORK, even: encoder.even() };
        let planner = Encoding::new(budget, encoder.memory());
        Self { work, encoder, exact: None, planner, waiting: Waiting::default(), watch }
    }

    fn step(&mut self, batch: Batch<Vec<u32>>) {
        let start = Instant::now();
        let waited = self.waiting.begin(batch.pieces.iter().map(|piece| piece.place.request), start);
        let rows: Vec<&[u32]> = batch.pieces.iter().map(|piece| piece.item.as_slice()).collect();
        let outcome = guarded(|| self.encoder.forward(&rows));
        let padding = outcome.as_ref().map_or(0, |(_, padding)| *padding);
        #[expect(clippy::cast_precision_loss, reason = "budgets are small")]
        let fill = batch.work as f64 / self.work as f64;
        let mut ran = Ran {
            sequences: rows.len(),
            tokens: batch.tokens,
            written: 0,
            padding,
            fill,
            bytes: batch.bytes,
            took: start.elapsed(),
            waited,
            waiting: self.planner.waiting(),
        };
        let vectors = match outcome {
            Ok((vectors, _)) => vectors.into_iter().map(Ok).collect(),
            Err(error) if error.is_out_of_memory() => {
                self.watch.tell(&ran);
                tracing::warn!(batch.tokens = batch.tokens, "out of device memory, batch is halved");
                return self.shrink(batch, &error);
            }
            Err(error) if rows.len() == 1 => vec![Err(error.to_string())],
            Err(_) => rows.iter().map(|row| alone(&self.encoder, row)).collect(),
        };
        let vectors = self.finite(&rows, vectors);
        ran.took = start.elapsed();
        self.watch.tell(&ran);
        self.settle(batch, vectors);
    }

    /// In smaller batches; what has no room alone has failed.
    fn shrink(&mut self, batch: Batch<Vec<u32>>, error: &ModelError) {
        if let Some(request) = self.planner.out_of_memory(batch) {
            let told = format!("one sentence alone is too much for the device's memory: {error}");
            self.waiting.reply(request, Err(BackendError::Run(told)));
        }
    }

    /// Computes those anew that are not finite, alone and in f32.
    fn finite(&mut self, rows: &[&[u32]], mut vectors: Vec<Vector>) -> Vec<Vector> {
        for (vector, row) in vectors.iter_mut().zip(rows) {
            if vector.as_ref().is_ok_and(|vector| !is_finite(vector)) {
                *vector = self.again(row);
            }
        }
        vectors
    }

    fn again(&mut self, row: &[u32]) -> Vector {
        tracing::warn!(sequence.tokens = row.len(), "sequence repeated alone in f32");
        if self.exact.is_none() {
            self.exact = Some(guarded(|| self.encoder.exact()).map_err(|error| error.to_string())?);
        }
        let exact = self.exact.as_ref().and_then(Option::as_ref).unwrap_or(&self.encoder);
        let vector = alone(exact, row)?;
        if is_finite(&vector) { Ok(vector) } else { Err(NOT_FINITE.to_owned()) }
    }

    fn settle(&mut self, batch: Batch<Vec<u32>>, vectors: Vec<Vector>) {
        let settled = self.planner.done(batch, vectors);
        for (request, vectors) in settled.complete {
            let all = vectors.into_iter().collect::<Result<Vec<_>, String>>();
            self.waiting.reply(request, all.map_err(BackendError::Run));
        }
        for request in settled.failed {
            self.waiting.reply(request, Err(BackendError::Run("the model gave too few vectors".to_owned())));
        }
        if self.planner.waiting() == 0 {
            self.exact = None;
        }
    }
}

const NOT_FINITE: &str = "a sentence has no finite numbers, alone and in f32 too: the model's weights are damaged, \
                          `precis models verify` tells";

fn is_finite(vector: &[f32]) -> bool {
    vector.iter().all(|value| value.is_finite())
}

fn alone<E: Encode>(encoder: &E, row: &[u32]) -> Vector {
    let vectors = guarded(|| encoder.forward(&[row])).map_err(|error| error.to_string())?.0;
    vectors.into_iter().next().ok_or_else(|| "the model gave no vector".to_owned())
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
