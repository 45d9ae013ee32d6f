//! What the pipeline costs, each figure beside a peer that was measured in the same run.
//!
//! `make bench` runs it and writes `docs/benchmarks.md`. Times are of this machine on that day; the ratios are
//! what to look at. Nothing here fails on a time.

use precis_tests::bench::{self, Row};
use std::process::ExitCode;

fn main() -> ExitCode {
    let long = std::env::args().any(|argument| argument == "--long");
    match run(long) {
        Ok(rows) => {
            let page = bench::page(&rows);
            println!("{page}");
            let file = precis_tests::repository().join("docs/benchmarks.md");
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

fn run(long: bool) -> anyhow::Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut rows = Vec::new();
    rows.extend(runtime.block_on(bench::throughput::measure(1000))?);
    rows.extend(runtime.block_on(bench::one_page::measure())?);
    rows.extend(bench::ocr::measure()?);
    rows.extend(bench::memory::measure(if long { 5000 } else { 1500 })?);
    Ok(rows)
}
