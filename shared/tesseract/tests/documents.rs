//! Scans, photographs and faxes from the shared documents, read and recognised.
#![expect(clippy::unwrap_used, reason = "what the helpers of tests cannot do fails the test")]

use domain::text::{Line, Page};
use extract::{Limits, PageReading, read_in_process};
use precis_tesseract::{Engine, OcrError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The shared documents and the engine, or `None` after saying what is missing.
async fn ready() -> Option<(PathBuf, Engine)> {
    let folder = std::env::var_os("PRECIS_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let documents = folder.join("documents");
    if !documents.is_dir() {
        println!("skipped: no shared documents (set PRECIS_SHARED)");
        return None;
    }
    match Engine::find().await {
        Ok(engine) => Some((documents, engine)),
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    }
}

struct Read {
    text: String,
    recognised: Vec<u32>,
    lines: Vec<Line>,
}

async fn read(documents: &Path, name: &str, engine: &Engine) -> Read {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(documents.join(name)).unwrap();
    let reading = read_in_process(bytes, name, folder.path(), &Limits::default(), &mut |_, _| {}).unwrap();
    let mut out = Read { text: String::new(), recognised: Vec::new(), lines: Vec::new() };
    for page in reading.pages {
        let lines = match page {
            PageReading::Read(Page { lines, .. }) => lines,
            PageReading::NeedsOcr { number, image, .. } => {
                out.recognised.push(number);
                engine.recognise(&image, "en").await.unwrap()
            }
        };
        for line in &lines {
            out.text.push_str(&line.text);
            out.text.push('\n');
        }
        out.lines.extend(lines);
    }
    out
}

/// How many of its words are right is tested end to end (`tests/tests/documents.rs`).
#[tokio::test(flavor = "multi_thread")]
async fn every_picture_of_a_page_is_recognised_and_every_line_has_its_place() {
    let Some((documents, engine)) = ready().await else { return };
    let scans: &[(&str, &[u32])] = &[
        ("inaugural-1933-scan.pdf", &[1, 2, 3]),
        ("inaugural-1861-rotated-scan.pdf", &[1, 2]),
        ("inaugural-1865-fax.tiff", &[1]),
        ("inaugural-1865-photo.jpg", &[1]),
        ("address-1963-garbage-text-layer.pdf", &[1]),
        ("address-1965-mixed.pdf", &[2, 4, 5]),
    ];
    for (name, pages) in scans {
        let read = read(&documents, name, &engine).await;
        assert_eq!(read.recognised, *pages, "{name}");
        assert!(read.lines.len() > 20 && read.lines.iter().all(|line| line.bbox.is_some()), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_named_or_not_as_what_they_are_read_the_same() {
    let Some((documents, engine)) = ready().await else { return };
    let (png, named) = (
        read(&documents, "inaugural-1865-page1.png", &engine).await,
        read(&documents, "png-named.pdf", &engine).await,
    );
    assert_eq!(png.text, named.text);
    assert!(png.text.contains("One-eighth of the whole population"), "{}", png.text);
}

#[tokio::test]
async fn a_page_that_takes_too_long_is_given_up() {
    let Some((documents, engine)) = ready().await else { return };
    let engine = engine.with_timeout(Duration::from_millis(1));
    let error = engine.recognise(&documents.join("inaugural-1865-page1.png"), "en").await.unwrap_err();
    assert_eq!(error, OcrError::TimedOut(Duration::from_millis(1)));
}

#[tokio::test]
async fn what_is_no_picture_is_said_to_be_none() {
    let Some((documents, engine)) = ready().await else { return };
    let error = engine.recognise(&documents.join("message-1984.docx"), "en").await.unwrap_err();
    assert!(error.is_permanent(), "{error}");
}
