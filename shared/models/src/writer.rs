//! A model that writes, as summarizer's `Generator`.

mod engine;
mod loaded;
mod memory;

use crate::controls::Controls;
use crate::files::Files;
use crate::generate::Written;
use crate::model::Kind;
use crate::precision::{Dtypes, Precision};
use crate::text::Text;
use crate::weights::Weights;
use crate::{DeviceChoice, ModelError, Watch, desk};
use async_trait::async_trait;
use candle_core::Device;
use engine::{Asked, Engine, Request, Setting};
use loaded::{Loaded, Loader};
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use summarizer::{Answer, BackendError, Generator, Prompt};

/// Tokens of all running rows, prompts and longest answers together, unless it is said otherwise.
const TOKENS: usize = 16 * 1024;
/// Tokens guessed at most where the likeliest are wanted.
const LOOKUP: usize = 8;
/// Share of the likeliest tokens that an answer at a temperature is drawn from.
const TOP_P: f32 = 0.95;

/// How a [`Writer`] runs its model.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// Where.
    pub device: DeviceChoice,
    /// In how many bits.
    pub precision: Precision,
    /// Tokens that a prompt and its answer may have, instead of what the folder says, or `tokens` where that is less.
    pub context: Option<usize>,
    /// Tokens that running rows may have together, longest answers included: what bounds the caches, as three quarters of the
    /// memory do that is free once the model is loaded. For one row of a `context` that was asked for there is room besides.
    pub tokens: usize,
    /// Who is told of each step.
    pub watch: Watch,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            device: DeviceChoice::Auto,
            precision: Precision::Auto,
            context: None,
            tokens: TOKENS,
            watch: Watch::default(),
        }
    }
}

/// A model that writes: T5 or Qwen3, from a folder as the reference library writes it or from a GGUF file.
///
/// One thread owns the model and its device. Requests wait in its queue; their prompts share a running batch, which rows join
/// and leave at each step. Cheap to open: the weights are loaded by its thread, at the first request or by [`Writer::load`].
/// The thread ends when the value is dropped.
pub struct Writer {
    name: String,
    kind: Kind,
    text: Arc<Text>,
    context: usize,
    requests: Sender<Request>,
    loaded: Arc<OnceLock<Duration>>,
}

impl Writer {
    /// Opens a folder or a GGUF file: reads its settings and its tokenizer, and starts the thread. Loads no weights yet.
    ///
    /// # Errors
    /// A `ModelError` that names the file and what is wrong: missing, of another kind of model, a tokenizer that doesn't fit.
    pub fn open(path: &Path, options: WriterOptions) -> Result<Self, ModelError> {
        Self::start(path, options, false)
    }

    /// The same, with the weights loaded at once; blocks while it does.
    ///
    /// # Errors
    /// Those of [`Writer::open`], and: which tensor of which file, the shape wanted and found.
    pub fn load(path: &Path, options: WriterOptions) -> Result<Self, ModelError> {
        Self::start(path, options, true)
    }

    fn start(path: &Path, options: WriterOptions, now: bool) -> Result<Self, ModelError> {
        let files = Files::open(path)?;
        let device = options.device.open()?;
        let dtypes = Dtypes::of(options.precision, &device)?;
        // Headers only.
        let weights = Weights::open(&files, &Device::Cpu, Dtypes::F32, false)?;
        let kind = Kind::read(&files, &weights)?;
        let text = Arc::new(Text::open(&files, &weights, &kind)?);
        drop(weights);
        let name = match options.precision.on(&device) {
            Precision::F32 => files.fingerprint()?,
            other => format!("{} {other}", files.fingerprint()?),
        };
        let loaded = Arc::new(OnceLock::new());
        let loader = Loader { files, device, dtypes, loaded: Arc::clone(&loaded) };
        let context = options.context.unwrap_or_else(|| kind.context().min(options.tokens));
        let weights = loader.bytes()?;
        let setting = Arc::new(Setting { kind: kind.clone(), text: Arc::clone(&text), watch: options.watch });
        let ready = move |model: Loaded| {
            // What is free once the weights are there.
            let free = if model.loader.device.is_cpu() { memory::free() } else { None };
            let room = (options.tokens, context);
            let memory = memory::memory(&setting.kind, model.loader.dtypes, weights, room, free);
            Engine::new(model, Arc::clone(&setting), memory)
        };
        let engine = if now { Some(ready(loader.clone().load()?)) } else { None };
        let (requests, queue) = channel();
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || desk::serve(engine, || loader.clone().load().map(&ready), &queue))
            .map_err(ModelError::Thread)?;
        Ok(Self { name, kind, text, context, requests, loaded })
    }

    /// How long loading took; `None` while nothing has been loaded.
    #[must_use]
    pub fn load_time(&self) -> Option<Duration> {
        self.loaded.get().copied()
    }

    /// One answer for each prompt, in the same order, each with how it is to be chosen; a failure is its prompt's alone.
    /// An answer does not depend on what else is being written. `tenant` says for whom, as tenants take turns; empty where one
    /// alone uses the model. Dropping the future cancels what has not been written.
    ///
    /// # Errors
    /// `BackendError` when the model cannot be loaded, is shutting down, or an answer alone is too much for the memory.
    pub async fn write(
        &self,
        tenant: &str,
        prompts: Vec<(Prompt, Controls)>,
    ) -> Result<Vec<Result<Written, ModelError>>, BackendError> {
        let mut out: Vec<Option<Result<Written, ModelError>>> = Vec::with_capacity(prompts.len());
        let (mut asked, mut places) = (Vec::new(), Vec::new());
        for (place, (prompt, controls)) in prompts.into_iter().enumerate() {
            match self.asked(&prompt, controls) {
                Ok(fit) => {
                    asked.push(fit);
                    places.push(place);
                    out.push(None);
                }
                Err(error) => out.push(Some(Err(error))),
            }
        }
        if !asked.is_empty() {
            let (request, answer) = Request::new(tenant, asked);
            self.requests.send(request).map_err(|_| BackendError::Stopped)?;
            let answers = answer.await.map_err(|_| BackendError::Stopped)??;
            for (place, answer) in places.into_iter().zip(answers) {
                out[place] = Some(answer);
            }
        }
        let missing = || Err(ModelError::Run("an answer is missing".to_owned()));
        Ok(out.into_iter().map(|answer| answer.unwrap_or_else(missing)).collect())
    }

    /// The prompt's ids, if it makes sense and fits.
    fn asked(&self, prompt: &Prompt, controls: Controls) -> Result<Asked, ModelError> {
        controls.checked()?;
        let ids = self.text.prompt(&prompt.instructions, &prompt.content)?;
        let (long, answer, context) = (ids.len(), controls.max_tokens, self.context);
        let fits = match self.kind {
            // Prompt and answer are two texts here, each with positions of its own.
            Kind::T5(_) => long.max(answer) <= context,
            Kind::Qwen3(_) => long.checked_add(answer).is_some_and(|all| all <= context),
        };
        if !fits {
            return Err(ModelError::TooLong { prompt: long, answer, context });
        }
        Ok(Asked { prompt: ids, controls })
    }
}

#[async_trait]
impl Generator for Writer {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn context(&self) -> usize {
        self.context
    }

    fn count(&self, text: &str) -> usize {
        self.text.count(text)
    }

    async fn generate(&self, tenant: &str, prompts: Vec<Prompt>) -> Result<Vec<Answer>, BackendError> {
        let controlled = prompts.into_iter().map(|prompt| {
            let controls = Controls {
                max_tokens: prompt.max_tokens,
                temperature: prompt.temperature,
                top_p: TOP_P,
                seed: prompt.seed,
                stop: prompt.stop.clone(),
                lookup: LOOKUP,
                ..Controls::default()
            };
            (prompt, controls)
        });
        let answers = self.write(tenant, controlled.collect()).await?;
        let answer = |answer: Result<Written, ModelError>| {
            let written = answer.map_err(|error| BackendError::Run(error.to_string()))?;
            Ok(Answer { text: written.text, tokens: written.tokens.len(), cut: written.cut })
        };
        answers.into_iter().map(answer).collect()
    }
}
