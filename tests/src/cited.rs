//! Citations of a report, and what other programs find where they point.

use crate::words::letters;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Every citation of a report: those of sentences, of key points and of key facts.
///
/// # Panics
/// If something has none.
#[must_use]
pub fn citations(report: &Value) -> Vec<&Value> {
    ["sentences", "key_points", "key_facts"]
        .iter()
        .flat_map(|part| report["summary"][*part].as_array().into_iter().flatten())
        .flat_map(|item| {
            let citations = item["citations"].as_array().expect("citations are a list");
            assert!(!citations.is_empty(), "nothing supports {item}");
            citations
        })
        .collect()
}

/// What another program reads on one page of a PDF, letters alone.
///
/// # Panics
/// If `pdftotext` is missing or cannot read it.
#[must_use]
pub fn on_page(pdf: &Path, page: u64) -> String {
    let number = page.to_string();
    let output = Command::new("pdftotext")
        .args(["-f", &number, "-l", &number])
        .arg(pdf)
        .arg("-")
        .output()
        .expect("pdftotext is there: `make test` installs poppler-utils");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    letters(&String::from_utf8_lossy(&output.stdout))
}
