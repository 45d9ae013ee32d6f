//! How many sentences a second of processor time turns into vectors.
//!
//! ```text
//! encoding MODEL_FOLDER SENTENCES.txt [f32|bf16]     one line of JSON; RAYON_NUM_THREADS=1 for one core
//! ```
//! One sentence a line. The fastest of several rounds counts: whatever else runs on the machine only adds to it. The time
//! is the process's own, tokens and the way to the model's thread included.

use precis_models::{MiniLm, Options, Precision};
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};
use summarizer::Backend;

const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: encoding MODEL_FOLDER SENTENCES.txt [f32|bf16]";
    let mut args = std::env::args().skip(1);
    let (folder, sentences) = (args.next().ok_or(usage)?, args.next().ok_or(usage)?);
    let precision: Precision = args.next().as_deref().unwrap_or("f32").parse()?;
    let texts: Vec<String> = std::fs::read_to_string(sentences)?.lines().map(str::to_owned).collect();
    let model = MiniLm::load_as(Path::new(&folder), &Options { precision, ..Options::default() })?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut best = Duration::MAX;
    let mut vectors = Vec::new();
    for _ in 0..ROUNDS {
        let texts = texts.clone();
        let start = Instant::now();
        vectors = runtime.block_on(model.embed("", texts))?;
        best = best.min(start.elapsed());
    }
    let threads = std::env::var("RAYON_NUM_THREADS").unwrap_or_else(|_| "all".to_owned());
    let rate = f64::from(u32::try_from(texts.len())?) / best.as_secs_f64();
    println!(
        "{}",
        serde_json::json!({
            "model": model.name(), "threads": threads, "sentences": texts.len(),
            "seconds": best.as_secs_f64(), "sentences_per_second": rate, "vectors": vectors,
        })
    );
    Ok(())
}
