//! Rates of the checker on sets made by `shared/summarizer/tests/checking/plant.py`, with and without embeddings.
//!
//! ```text
//! cargo run --release --example checking -- [--model DIR] [--misses] documents.json SET.jsonl…
//! ```
//! `--misses` prints every sentence that was judged wrongly, with its source and what was said of it.

#![expect(clippy::print_stdout, reason = "a tool for the desk")]

use precis_models::{DeviceChoice, MiniLm};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use summarizer::{Backend, Checker};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A document's sentences with their embeddings, if there is a model.
struct Document {
    texts: Vec<String>,
    vectors: Vec<Vec<f32>>,
    checker: Checker,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let misses = args.iter().position(|arg| arg == "--misses").map(|at| args.remove(at)).is_some();
    let model = match args.iter().position(|arg| arg == "--model") {
        Some(at) => Some(MiniLm::load(
            Path::new(&args.drain(at..at + 2).nth(1).ok_or("--model DIR")?),
            DeviceChoice::Cpu,
        )?),
        None => None,
    };
    let (first, sets) = args.split_first().ok_or("documents.json and a set")?;
    let mut documents = Vec::new();
    for texts in serde_json::from_str::<Vec<Vec<String>>>(&std::fs::read_to_string(first)?)? {
        let checker = Checker::new(&texts.iter().map(String::as_str).collect::<Vec<_>>(), "", Some("en"));
        let vectors = match &model {
            Some(model) => model.embed("", texts.clone()).await?,
            None => Vec::new(),
        };
        documents.push(Document { texts, vectors, checker });
    }
    for set in sets {
        rates(set, &documents, model.as_ref(), misses).await?;
    }
    Ok(())
}

async fn rates(set: &str, documents: &[Document], model: Option<&MiniLm>, misses: bool) -> Result<()> {
    println!("{set}, {}", model.map_or("words alone".to_owned(), |model| format!("with {}", model.name())));
    let mut counts: BTreeMap<(bool, String), [usize; 3]> = BTreeMap::new();
    for line in std::fs::read_to_string(set)?.lines() {
        let line: Value = serde_json::from_str(line)?;
        let number = |name: &str| usize::try_from(line[name].as_u64().unwrap_or(0)).unwrap_or(0);
        let text = line["text"].as_str().unwrap_or_default();
        let document = &documents[number("document")];
        let cosines = match model {
            Some(model) => cosines(model, document, text).await?,
            None => Vec::new(),
        };
        let verdict = document.checker.check(text, &cosines);
        let error = line["error"] == true;
        let flagged = !verdict.problems.is_empty();
        let found = verdict.supports.iter().any(|support| support.source == number("sentence"));
        let count = counts.entry((error, line["kind"].as_str().unwrap_or_default().to_owned())).or_default();
        *count = [count[0] + 1, count[1] + usize::from(flagged), count[2] + usize::from(found)];
        if misses && flagged != error {
            let source = &document.texts[number("sentence")];
            println!(
                "{}\n  {text}\n  {source}\n  {:?} {:?}",
                line["kind"], verdict.problems, verdict.supports
            );
        }
    }
    for ((error, kind), [all, flagged, found]) in counts {
        let name = if error { "error" } else { "true" };
        println!("  {name:5} {kind:20} flagged {flagged:4} of {all:4}, own source cited {found:4}");
    }
    Ok(())
}

async fn cosines(model: &MiniLm, document: &Document, text: &str) -> Result<Vec<(usize, f32)>> {
    let own = model.embed("", vec![text.to_owned()]).await?.remove(0);
    let cosine = |other: &Vec<f32>| own.iter().zip(other).map(|(a, b)| a * b).sum::<f32>();
    let near = document.checker.candidates(text);
    Ok(near.into_iter().map(|at| (at, cosine(&document.vectors[at]))).collect())
}
