//! A generating model of either kind.

use crate::ModelError;
use crate::files::{Files, Stored};
use crate::kernels::{Level, Matrix, Then, multiply};
use crate::precision::Dtypes;
use crate::qwen3::{self, PackedQwen3, Qwen3};
use crate::row::{Feed, Row};
use crate::settings::{Settings, unsupported};
use crate::t5::{self, PackedT5, T5};
use crate::weights::Weights;
use candle_core::{Device, Tensor};

const KINDS: &str = "t5 and qwen3";

/// What a folder says of its model.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    T5(t5::Config),
    Qwen3(qwen3::Config),
}

impl Kind {
    pub(crate) fn read(files: &Files, weights: &Weights) -> Result<Self, ModelError> {
        let mut kind = match weights.gguf() {
            Some(gguf) => match gguf.architecture() {
                "qwen3" => Self::Qwen3(qwen3::Config::of_gguf(gguf, weights)?),
                "t5" => Self::T5(t5::Config::of_gguf(gguf, weights)?),
                other => {
                    return Err(unsupported(&gguf.path, "general.architecture", other, KINDS));
                }
            },
            None => Self::of_folder(files)?,
        };
        // Chat models end an answer otherwise than a text: that stands here.
        if let Some(value) = files.json("generation_config.json")? {
            let path = files.file("generation_config.json");
            let ends = Settings { path, value }.ids("eos_token_id")?;
            kind.ends_mut().extend(ends);
        }
        let ends = kind.ends_mut();
        ends.sort_unstable();
        ends.dedup();
        Ok(kind)
    }

    fn of_folder(files: &Files) -> Result<Self, ModelError> {
        let path = files.file("config.json");
        let value = files.json("config.json")?.unwrap_or_default();
        let settings = Settings { path, value };
        match settings.text("model_type").unwrap_or("not given") {
            "t5" => t5::Config::read(&settings).map(Self::T5),
            "qwen3" => qwen3::Config::read(&settings).map(Self::Qwen3),
            other => Err(settings.unsupported("model_type", other, KINDS)),
        }
    }

    fn ends_mut(&mut self) -> &mut Vec<u32> {
        match self {
            Self::T5(config) => &mut config.ends,
            Self::Qwen3(config) => &mut config.ends,
        }
    }

    pub(crate) fn ends(&self) -> &[u32] {
        match self {
            Self::T5(config) => &config.ends,
            Self::Qwen3(config) => &config.ends,
        }
    }

    pub(crate) fn context(&self) -> usize {
        match self {
            Self::T5(config) => config.context,
            Self::Qwen3(config) => config.context,
        }
    }

    /// Ids for which the model has numbers.
    pub(crate) fn vocabulary(&self) -> usize {
        match self {
            Self::T5(config) => config.vocabulary,
            Self::Qwen3(config) => config.vocabulary,
        }
    }

    /// What the decoder reads before an answer's first token where that is not the prompt.
    pub(crate) fn start(&self) -> Option<u32> {
        match self {
            Self::T5(config) => Some(config.start),
            Self::Qwen3(_) => None,
        }
    }
}

/// Its weights: on a processor as its own products take them, elsewhere for Candle's operations.
pub(crate) enum Model {
    PackedT5(Box<PackedT5>),
    PackedQwen3(Box<PackedQwen3>),
    T5(Box<T5>),
    Qwen3(Box<Qwen3>),
}

impl Model {
    /// Loads the weights; with `plain` those that are quantised are unpacked.
    pub(crate) fn load(
        files: &Files,
        device: &Device,
        dtypes: Dtypes,
        plain: bool,
    ) -> Result<(Self, Kind), ModelError> {
        let weights = Weights::open(files, device, dtypes, plain)?;
        let kind = Kind::read(files, &weights)?;
        let level = Level::best();
        let model = match kind.clone() {
            Kind::T5(config) if dtypes.own => {
                Self::PackedT5(Box::new(PackedT5::load(&weights, config, level)?))
            }
            Kind::Qwen3(config) if dtypes.own => {
                Self::PackedQwen3(Box::new(PackedQwen3::load(&weights, config, level)?))
            }
            Kind::T5(config) => Self::T5(Box::new(T5::load(&weights, config)?)),
            Kind::Qwen3(config) => Self::Qwen3(Box::new(Qwen3::load(&weights, config)?)),
        };
        Ok((model, kind))
    }

    /// Rows for prompts, each with the tokens that it may have to read besides; an encoder reads its prompts here.
    pub(crate) fn begin(&self, prompts: &[(&[u32], usize)]) -> Result<Vec<Row>, ModelError> {
        match self {
            Self::PackedT5(model) => in_pool(|| model.begin(prompts)),
            Self::PackedQwen3(model) => Ok(model.begin(prompts)),
            Self::T5(model) => model.begin(prompts),
            Self::Qwen3(model) => model.begin(prompts),
        }
        .map_err(ModelError::run)
    }

    /// One step of all rows; the wanted logits of each, in their order. Where it fails no row has gone on.
    pub(crate) fn forward(&self, feeds: &mut [Feed]) -> Result<Vec<Vec<Vec<f32>>>, ModelError> {
        let rows = match self {
            Self::PackedT5(model) => in_pool(|| model.forward(feeds)),
            Self::PackedQwen3(model) => in_pool(|| model.forward(feeds)),
            Self::T5(model) => model.forward(feeds).and_then(numbers),
            Self::Qwen3(model) => model.forward(feeds).and_then(numbers),
        };
        let mut rows = rows.map_err(ModelError::run)?.into_iter();
        Ok(feeds
            .iter()
            .map(|feed| rows.by_ref().take(feed.wanted.min(feed.tokens.len())).collect())
            .collect())
    }
}

fn numbers(logits: Option<Tensor>) -> candle_core::Result<Vec<Vec<f32>>> {
    logits.map_or_else(|| Ok(Vec::new()), |logits| logits.to_vec2())
}

/// A step has some hundred products: handing each of them to the threads that compute would cost more than many of them do.
/// So the whole step is done by one of those, and the others help.
fn in_pool<T: Send>(step: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| step())
}

/// What a processor's last product says, row by row.
pub(crate) fn logits(level: Level, xs: &[f32], head: &Matrix) -> Vec<Vec<f32>> {
    let mut all = vec![0.0; xs.len() / head.inputs() * head.outputs()];
    multiply(level, xs, head, Then::Set, &mut all);
    all.chunks_exact(head.outputs()).map(<[f32]>::to_vec).collect()
}

impl Stored {
    /// Its weights may be in few bits.
    pub(crate) fn is_gguf(&self) -> bool {
        matches!(self, Self::Gguf(_))
    }
}
