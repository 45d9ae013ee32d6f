//! What may be typed about jobs: looking at them, running them again.

use super::{Asked, Data, Format};
use clap::Args;
use domain::Reason;

/// `precis jobs`.
#[derive(Debug, Args)]
pub struct Jobs {
    /// Only jobs in this state.
    #[arg(long, value_name = "STATE", value_parser = ["ingest", "ocr", "summarize", "notify", "waiting", "ended",
        "summarized", "rejected", "failed", "superseded"])]
    pub state: Option<String>,
    /// Only jobs that ended for this reason.
    #[arg(long, value_name = "CODE")]
    pub reason: Option<Reason>,
    /// Only keys that start so.
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: usize,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: Data,
}

/// A command about one job.
#[derive(Debug, Args)]
pub struct One {
    /// The job: its id or the beginning of it.
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub data: Data,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `precis result`.
#[derive(Debug, Args)]
pub struct ResultOf {
    /// The job: its id or the beginning of it.
    #[arg(value_name = "ID")]
    pub id: String,
    /// The run, from 1; `precis job ID` names them [default: the last that ended].
    #[arg(long, value_name = "N")]
    pub run: Option<u32>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    #[command(flatten)]
    pub data: Data,
}

/// `precis retry`.
#[derive(Debug, Args)]
#[group(id = "which", required = true, multiple = false)]
pub struct RetryWhich {
    /// The job: its id or the beginning of it.
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// All jobs that failed or were rejected for this reason.
    #[arg(long, value_name = "CODE")]
    pub reason: Option<Reason>,
    /// All failed jobs.
    #[arg(long)]
    pub all: bool,
}

/// `precis retry`.
#[derive(Debug, Args)]
pub struct Retry {
    /// Which jobs.
    #[command(flatten)]
    pub which: RetryWhich,
    #[command(flatten)]
    pub data: Data,
}

/// `precis reprocess`.
#[derive(Debug, Args)]
pub struct Reprocess {
    /// A job's id (or its beginning), or the beginning of keys.
    #[arg(value_name = "ID|PREFIX")]
    pub which: String,
    /// The settings for the new run.
    #[command(flatten)]
    pub asked: Asked,
    /// Do the work even if the same content was summarized so before.
    #[arg(long)]
    pub fresh: bool,
    #[command(flatten)]
    pub data: Data,
}
