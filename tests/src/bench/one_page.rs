//! One page from the command line, and what of it is loading the model.

use super::{Row, documents};
use anyhow::{Result, bail};
use models::{DeviceChoice, MiniLm};
use std::process::Command;
use std::time::{Duration, Instant};

/// Runs of each; the middle one counts.
const RUNS: usize = 7;

/// Measures both.
///
/// # Errors
/// If the program fails.
pub async fn measure() -> Result<Vec<Row>> {
    let work = tempfile::tempdir()?;
    let file = work.path().join("page.txt");
    let sentences = documents::sentences()?;
    std::fs::write(&file, documents::text(&sentences, 1) + &documents::text(&sentences, 2))?;
    let mut whole = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        if !Command::new(crate::program()).arg("summarize").arg(&file).output()?.status.success() {
            bail!("precis summarize failed on a page");
        }
        whole.push(start.elapsed());
    }
    let mut load = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        drop(MiniLm::load(&crate::model(), DeviceChoice::Cpu)?);
        load.push(start.elapsed());
    }
    let (whole, load) = (middle(whole), middle(load));
    Ok(vec![
        Row::new(
            "`precis summarize` on one page of text",
            ms(whole),
            "start, store, read in a child process, rank, embed, write",
        ),
        Row::new(
            "of which loading the model",
            ms(load),
            format!("{:.0} %", 100.0 * load.as_secs_f64() / whole.as_secs_f64()),
        ),
    ])
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}
