//! What may be typed about measuring a model.

use super::documents::Runs;
use clap::Args;
use std::path::PathBuf;

/// What `precis bench-model --help` teaches.
pub const HELP: &str = "\
Measures the summarize stage alone, as it runs in the service: structure and
ranking, the sentence model, selection. Reading and OCR are other stages, and a
model that writes is not measured.

Last, twice as many documents come as went through: each that is in hand takes
as long as before, and the rest waits outside (in SQS), not in memory.

Without FILE the documents are made up: English prose of --pages pages with 500
words each, headings, dates and sums. What they say is nonsense; what they cost
is not.

Examples:
  precis bench-model
  precis bench-model --price 0.0808             what an hour here costs
  precis bench-model --pages 1 --at-once 32 --json
  precis bench-model contracts/*.pdf --dtype bf16

Run it on the kind of machine that you mean to deploy, with nothing else on it.";

/// `precis bench-model`.
#[derive(Debug, Args)]
pub struct BenchModel {
    /// Documents to measure with, read as the pipeline reads them.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Pages of each made-up document.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3000), conflicts_with = "files")]
    pub pages: u32,
    /// Documents in hand at the same time [default: 8 for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub at_once: Option<u16>,
    /// Seconds for each of the four measurements.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub seconds: u64,
    /// What an hour of this machine costs, in US dollars.
    #[arg(long, value_name = "USD", value_parser = price)]
    pub price: Option<f64>,
    /// Folder of the sentence-embedding model, or its name (see `precis models list`).
    #[arg(long, env = "PRECIS_MODEL", value_name = "DIR")]
    pub model: Option<PathBuf>,
    #[command(flatten)]
    pub runs: Runs,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

fn price(text: &str) -> Result<f64, String> {
    let price: f64 = text.trim_start_matches('$').parse().map_err(|_| "a price is a number".to_owned())?;
    if price.is_finite() && price > 0.0 { Ok(price) } else { Err("a price is above 0".to_owned()) }
}
