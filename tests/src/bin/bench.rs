//! What the pipeline costs, each figure beside a peer that was measured in the same run.
//!
//! `make bench` runs it and writes `docs/benchmarks.md`. Times are of this machine on that day; the ratios are
//! what to look at. Nothing here fails on a time.

use precis_tests::bench::{self, Row};
use std::process::ExitCode;

fn main() -> ExitCode {
    // `bench [DOCUMENTS [DOCUMENTS FOR MEMORY]]`
    let mut counts = std::env::args().skip(1).map_while(|argument| argument.parse().ok());
    let (texts, memory) = (counts.next().unwrap_or(1000), counts.next().unwrap_or(5000));
    match run(texts, memory) {
        Ok(rows) => {
            let file = precis_tests::repository().join("docs/benchmarks.md");
            let page = bench::page(&rows, &std::fs::read_to_string(&file).unwrap_or_default());
            println!("{page}");
            match std::fs::write(&file, page) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("cannot write {}: {error}", file.display());
                    ExitCode::from(1)
                }
            }
        }
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn run(texts: u64, memory: u64) -> anyhow::Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut rows = Vec::new();
    rows.extend(runtime.block_on(bench::throughput::measure(texts))?);
    rows.extend(runtime.block_on(bench::one_page::measure())?);
    rows.extend(bench::ocr::measure()?);
    rows.extend(bench::memory::measure(memory)?);
    Ok(rows)
}
