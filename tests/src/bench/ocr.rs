//! Scanned pages a second, beside `ocrmypdf` on the same scan and cores.

use super::Row;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Measures both on a scan of ours put together to twelve pages, or says why not.
///
/// # Errors
/// If one of them fails on it.
pub fn measure() -> Result<Vec<Row>> {
    let Some(scan) = crate::shared().map(|shared| shared.join("documents/inaugural-1933-scan.pdf")) else {
        return Ok(vec![Row::new("OCR", "skipped", "the documents are not beside the repository")]);
    };
    let work = tempfile::tempdir()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let many = work.path().join("scan.pdf");
    let copies = std::iter::repeat_n(scan.as_path(), 4);
    if !Command::new("pdfunite")
        .args(copies)
        .arg(&many)
        .status()
        .context("pdfunite (poppler-utils)")?
        .success()
    {
        bail!("pdfunite failed");
    }
    let ours = timed(Command::new(crate::program()).arg("summarize").arg(&many))?;
    let pages = 12.0;
    let ours = pages / ours;
    let theirs = ocrmypdf(&many, work.path(), cores)?;
    let beside = match theirs {
        Some(theirs) => {
            format!("ocrmypdf {:.2} pages/s: {:.2} times as fast", pages / theirs, ours * theirs / pages)
        }
        None => "ocrmypdf is not installed (apt-get install ocrmypdf)".to_owned(),
    };
    Ok(vec![Row::new(
        format!("scanned pages, {cores} cores, summary included"),
        format!("{ours:.2} pages/s"),
        beside,
    )])
}

fn ocrmypdf(scan: &Path, work: &Path, cores: usize) -> Result<Option<f64>> {
    if Command::new("ocrmypdf").arg("--version").output().is_err() {
        return Ok(None);
    }
    let mut command = Command::new("ocrmypdf");
    command.args(["--force-ocr", "--quiet", "--output-type", "pdf", "--optimize", "0", "--jobs"]);
    command.arg(cores.to_string()).arg(scan).arg(work.join("out.pdf"));
    timed(&mut command).map(Some)
}

fn timed(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(start.elapsed().as_secs_f64())
}
