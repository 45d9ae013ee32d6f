//! Sentences into vectors, for `benches/models`.
//!
//! ```text
//! encoding MODEL_FOLDER SENTENCES.txt f32|bf16|int8     one sentence a line; RAYON_NUM_THREADS=1 for one core
//! ```
//! The first line that it prints has the time to load and the vectors. Then for each line that comes it encodes all
//! sentences once and prints how long that took, tokens and the way to the model's thread included: seconds by the
//! clock, and of all threads on a core (Linux).

mod cores;

use cores::on_cores;
use precis_models::{MiniLm, Options, Precision};
use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;
use summarizer::Backend;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, sentences, precision] = &args[..] else {
        return Err("usage: encoding MODEL_FOLDER SENTENCES.txt f32|bf16|int8".into());
    };
    let precision: Precision = precision.parse()?;
    let texts: Vec<String> = std::fs::read_to_string(sentences)?.lines().map(str::to_owned).collect();
    let model = MiniLm::load_as(Path::new(folder), &Options { precision, ..Options::default() })?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let vectors = runtime.block_on(model.embed("", texts.clone()))?;
    let load = model.load_time().unwrap_or_default().as_secs_f64();
    println!("{}", serde_json::json!({ "model": model.name(), "load_seconds": load, "vectors": vectors }));
    for line in std::io::stdin().lock().lines() {
        line?;
        let texts = texts.clone();
        let (start, before) = (Instant::now(), on_cores()?);
        runtime.block_on(model.embed("", texts))?;
        let cpu = on_cores()? - before;
        println!("{}", serde_json::json!({ "seconds": start.elapsed().as_secs_f64(), "cpu": cpu }));
    }
    Ok(())
}
