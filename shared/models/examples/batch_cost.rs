//! What a batch costs: a + b × tokens + c × sum of squares, fitted to batches of equal sentences, for `benches/batching`.
//!
//! ```text
//! batch_cost MODEL_FOLDER     one line of JSON; RAYON_NUM_THREADS=1 for one core
//! ```
//! Each batch is tried several times and the fastest is taken: whatever else runs on the machine only adds to it. The time
//! is a caller's, tokens and the way to the model's thread included.

use precis_models::{DeviceChoice, MiniLm};
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};
use summarizer::Backend;

type Outcome<T> = Result<T, Box<dyn Error>>;

const LENGTHS: [usize; 6] = [8, 16, 32, 64, 128, 256];
/// Tokens of a batch, at most.
const SIZES: [usize; 4] = [1, 256, 512, 1024];
const TRIES: u32 = 15;

/// Sentences of a length, and how long they took together.
struct Measured {
    length: f64,
    count: f64,
    seconds: f64,
}

fn main() -> Outcome<()> {
    let folder = std::env::args().nth(1).ok_or("usage: batch_cost MODEL_FOLDER")?;
    let model = MiniLm::load(Path::new(&folder), DeviceChoice::Cpu)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut rows = Vec::new();
    for length in LENGTHS {
        for size in SIZES {
            let count = (size / length).max(1);
            if rows
                .last()
                .is_some_and(|row: &Measured| row.length == real(length) && row.count >= real(count))
            {
                continue;
            }
            // A word of one token, and the two special ones.
            let texts = vec!["the ".repeat(length - 2); count];
            let mut best = Duration::MAX;
            for _ in 0..TRIES {
                let texts = texts.clone();
                let start = Instant::now();
                runtime.block_on(model.embed("", texts))?;
                best = best.min(start.elapsed());
            }
            rows.push(Measured { length: real(length), count: real(count), seconds: best.as_secs_f64() });
        }
    }
    let fit = fit(&rows).ok_or("no fit")?;
    let worst = rows.iter().map(|row| (said(&fit, row) / row.seconds - 1.0).abs()).fold(0.0, f64::max);
    let batches: Vec<_> = rows.iter().map(|row| (row.length, row.count, row.seconds)).collect();
    println!(
        "{}",
        serde_json::json!({ "fit": fit, "worst_error": worst, "batches": batches, "model": model.name() })
    );
    Ok(())
}

fn real(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::INFINITY, f64::from)
}

/// What the coefficients multiply.
fn terms(row: &Measured) -> [f64; 3] {
    [1.0, row.count * row.length, row.count * row.length * row.length]
}

fn said(fit: &[f64; 3], row: &Measured) -> f64 {
    terms(row).iter().zip(fit).map(|(term, by)| term * by).sum()
}

/// Least squares of the relative errors: else the largest batches alone would decide.
fn fit(rows: &[Measured]) -> Option<[f64; 3]> {
    let mut table = [[0.0; 4]; 3];
    for row in rows {
        let scaled = terms(row).map(|term| term / row.seconds);
        for (line, by) in table.iter_mut().zip(scaled) {
            for (sum, term) in line.iter_mut().zip(scaled.iter().chain(&[1.0])) {
                *sum += by * term;
            }
        }
    }
    // Gauss-Jordan; the matrix is positive definite, so no row need be exchanged.
    for at in 0..3 {
        let pivot = table[at][at];
        if pivot <= 0.0 {
            return None;
        }
        table[at] = table[at].map(|value| value / pivot);
        for other in (0..3).filter(|&other| other != at) {
            let by = table[other][at];
            let line = table[at];
            for (value, above) in table[other].iter_mut().zip(line) {
                *value -= by * above;
            }
        }
    }
    Some(table.map(|line| line[3]))
}
