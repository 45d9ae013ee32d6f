//! What may be typed about documents: summarizing them, sending them, taking them for good.

use super::{Data, Folder};
use crate::watch::Show;
use clap::{Args, ValueEnum};
use models::{DeviceChoice, Precision};
use std::path::PathBuf;

/// How models run.
#[derive(Debug, Clone, Copy, Args)]
pub struct Runs {
    /// Where models run: auto (a GPU where there is one that works), cpu, cuda or cuda:N.
    #[arg(long, env = "PRECIS_DEVICE", value_name = "DEVICE", default_value = "cpu")]
    pub device: DeviceChoice,
    /// In how many bits sentences are embedded: auto (f32), f32, bf16 or int8. Fewer are faster and a little different.
    #[arg(long, env = "PRECIS_DTYPE", value_name = "DTYPE", default_value = "auto")]
    pub dtype: Precision,
}

impl Runs {
    /// As the models take it.
    pub fn options(self) -> models::Options {
        models::Options { device: self.device, precision: self.dtype, ..models::Options::default() }
    }
}

/// Where the model is.
#[derive(Debug, Clone, Args)]
pub struct Model {
    /// Folder of the sentence-embedding model, or its name (see `precis models list`). Not given:
    /// `models/all-MiniLM-L6-v2` in the current folder, beside the program or above it, or under /usr/share/precis.
    #[arg(long, value_name = "DIR", env = "PRECIS_MODEL")]
    pub model: Option<PathBuf>,
    /// A model that writes (T5 or Qwen3), by its folder, its GGUF file or its name: it writes the summaries of documents
    /// whose settings say `write = "generate"`. Not given: every summary is made of the document's own sentences.
    #[arg(long, value_name = "DIR", env = "PRECIS_WRITER")]
    pub writer: Option<PathBuf>,
    /// A learnt ranking (see `precis heads`); `recipe` for the built-in one. Not given: the data folder's.
    #[arg(long, value_name = "FILE", env = "PRECIS_HEAD")]
    pub head: Option<PathBuf>,
    #[command(flatten)]
    pub runs: Runs,
}

/// Settings for a run.
#[derive(Debug, Clone, Default, Args)]
pub struct Asked {
    /// Length of the summary: words, or brief, standard, detailed [default: 120, or what precis.toml says].
    #[arg(long, value_name = "N|NAME", value_parser = length)]
    pub words: Option<u32>,
    /// What you ask of the documents, in their language: "termination and liability". What they say about it comes
    /// first; where they say nothing about it, the summary says so.
    #[arg(long, value_name = "TEXT")]
    pub focus: Option<String>,
    /// Any setting by name, for example --set max_pages=20 (see `precis settings`).
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
}

impl Asked {
    /// As a layer of settings.
    pub fn layer(&self) -> Result<domain::settings::Layer, String> {
        let pairs = self.set.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut layer = domain::settings::Layer::from_pairs(pairs)?;
        if layer.ocr_monthly_pages.is_some() {
            return Err("ocr_monthly_pages is of a place and not of a run: set it in precis.toml, or with `precis settings`".into());
        }
        layer.words = self.words.or(layer.words);
        layer.focus = self.focus.clone().or(layer.focus);
        Ok(layer)
    }
}

/// How to print a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading in a terminal.
    Text,
    /// For documents and wikis.
    Markdown,
    /// One JSON object a line (docs/outcome.schema.json).
    Json,
}

/// `precis summarize`.
#[derive(Debug, Args)]
pub struct Summarize {
    /// Files; `-` reads standard input.
    #[arg(value_name = "FILE", required_unless_present = "recursive")]
    pub files: Vec<PathBuf>,
    /// Also every file in this folder and below.
    #[arg(short, long, value_name = "DIR")]
    pub recursive: Vec<PathBuf>,
    /// How to print results.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Settings for these files.
    #[command(flatten)]
    pub asked: Asked,
    /// Keep everything in this data folder, and take from it what is done already.
    #[arg(long = "data", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The model.
    #[command(flatten)]
    pub model: Model,
    /// Do the work even if the same content was summarized before.
    #[arg(long)]
    pub fresh: bool,
    /// After each summary, say on standard error why each of its sentences was taken: every term of its score.
    #[arg(long)]
    pub explain: bool,
    /// How to show progress on standard error.
    #[arg(long, value_enum, default_value_t = Show::Auto)]
    pub progress: Show,
}

/// `precis up`.
#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    pub data: Folder,
    /// Watch this folder too (the data folder's own inbox is always watched). Its name is the key's prefix.
    #[arg(long, value_name = "DIR")]
    pub inbox: Vec<PathBuf>,
    /// What becomes of a file once it is taken in safely.
    #[arg(long, value_enum, default_value_t = After::Keep)]
    pub after: After,
    /// Serve Prometheus metrics at this address under /metrics, for example 127.0.0.1:9464.
    #[arg(long, value_name = "ADDRESS", env = "PRECIS_METRICS")]
    pub metrics: Option<std::net::SocketAddr>,
    /// The model.
    #[command(flatten)]
    pub model: Model,
    /// Longest that Ctrl-C waits for work at hand, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 110)]
    pub drain: u64,
    /// Start nothing: say by the exit status whether another `precis up` works in the data folder. For the health
    /// check of a container.
    #[arg(long)]
    pub health: bool,
}

/// What becomes of an inbox file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum After {
    /// It stays untouched.
    Keep,
    /// It is moved into the folder `done` in its inbox, which is not looked into.
    Move,
    /// It is deleted.
    Delete,
}

/// `precis put`.
#[derive(Debug, Args)]
pub struct Put {
    /// Files to send.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Put this before each file's name to make the key.
    #[arg(long, default_value = "", value_name = "PREFIX")]
    pub prefix: String,
    /// Wait until each is done and print its result.
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub data: Data,
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    domain::settings::Layer::from_pairs([(name, value)])?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Words that make a summary, or the name of a length.
fn length(text: &str) -> Result<u32, String> {
    let words = domain::settings::length(text)?;
    if (10..=5000).contains(&words) { Ok(words) } else { Err(format!("{words} is not in 10..=5000")) }
}
