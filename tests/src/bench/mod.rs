//! Benchmarks: documents, measurements, and the page that shows them.

pub mod documents;
pub mod memory;
pub mod ocr;
pub mod one_page;
pub mod throughput;

use std::fmt::Write;
use std::process::Command;

/// One line of the table.
pub struct Row {
    /// What was measured.
    pub what: String,
    /// The figure, with its unit.
    pub figure: String,
    /// Beside what, and the ratio.
    pub beside: String,
}

impl Row {
    /// A line.
    pub fn new(what: impl Into<String>, figure: impl Into<String>, beside: impl Into<String>) -> Self {
        Self { what: what.into(), figure: figure.into(), beside: beside.into() }
    }
}

/// Where another's part of the page begins: what `benches/models` measured.
const MODELS: &str = "<!-- models: written by make bench-models -->";

/// The page, in Markdown; of the page `before` what `benches/models` wrote stays.
#[must_use]
pub fn page(rows: &[Row], before: &str) -> String {
    let mut page = String::from(
        "# Benchmarks\n\nWritten by `make bench`. Both sides of a ratio were measured in the same run; the figures \
         themselves are of one noisy machine.\n\n",
    );
    let _ = writeln!(page, "Machine: {}. Commit: {}.\n", machine(), commit());
    page.push_str("| what | figure | beside |\n|---|---|---|\n");
    for row in rows {
        let _ = writeln!(page, "| {} | {} | {} |", row.what, row.figure, row.beside);
    }
    if let Some(from) = before.find(MODELS) {
        let _ = write!(page, "\n{}", &before[from..]);
    }
    page
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let model = model.trim_start_matches(|c: char| c.is_whitespace() || c == ':');
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores")
}

fn commit() -> String {
    let output =
        Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(crate::repository()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_models_benchmarks_wrote_stays_on_the_page() {
        let rows = [Row::new("pipeline", "13 documents/s", "")];
        let fresh = page(&rows, "");
        assert!(!fresh.contains(MODELS));
        let models = format!("{MODELS}\n\n## Models\n\n<!-- end of models -->\n");
        let both = page(&rows, &format!("# Benchmarks\n\nold rows\n\n{models}"));
        assert_eq!(both, format!("{fresh}\n{models}"));
    }
}
