//! Words a CPU-second of the whole summarizer, without and with its model, for `benches/speed`.
//!
//! ```text
//! speed MODEL_FOLDER MOST SET.jsonl…     of each set the first MOST documents; one line of JSON
//! ```
//! CPU-seconds are those of all threads of this process.

mod cores;

use cores::on_cores;
use domain::text::{Line, Origin, Page, Pages, Role};
use precis_models::{DeviceChoice, MiniLm};
use std::error::Error;
use std::path::Path;
use summarizer::{Backend, Options};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, most, sets @ ..] = &args[..] else {
        return Err("usage: speed MODEL_FOLDER MOST SET.jsonl…".into());
    };
    let mut documents = Vec::new();
    for set in sets {
        for row in std::fs::read_to_string(set)?.lines().take(most.parse()?) {
            let row: serde_json::Value = serde_json::from_str(row)?;
            documents.push(pages(row["document"].as_str().unwrap_or("")));
        }
    }
    let words: usize = documents.iter().flat_map(|pages| &pages.pages).map(Page::words).sum();
    let options = Options { language: Some("en".into()), ..Options::default() };

    let start = on_cores()?;
    for document in &documents {
        let analysis = summarizer::analyse(document, "", &options)?;
        let count = analysis.texts().len();
        // Without a model every sentence is its own topic.
        let blank = (0..count).map(|at| (0..64).map(|i| if i == at { 1.0 } else { 0.0 }).collect()).collect();
        analysis.finish(blank)?;
    }
    let without = on_cores()? - start;

    let model = MiniLm::load(Path::new(folder), DeviceChoice::Cpu)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // The first call loads what is loaded late.
    runtime.block_on(model.embed("", vec!["A first sentence.".into()]))?;
    let start = on_cores()?;
    for document in &documents {
        runtime.block_on(summarizer::summarize(&model, document, "", &options))?;
    }
    let with = on_cores()? - start;
    let row = serde_json::json!({
        "documents": documents.len(), "words": words, "without": without, "with": with, "model": model.name(),
    });
    println!("{row}");
    Ok(())
}

/// Markdown → blocks between blank lines, headings apart.
fn pages(markdown: &str) -> Pages {
    let blocks = (1_u32..).zip(markdown.split("\n\n").filter(|block| !block.trim().is_empty()));
    let lines = blocks.flat_map(|(paragraph, block)| {
        block.lines().map(move |line| {
            let text = line.trim_start_matches('#');
            let level = u8::try_from(line.len() - text.len()).unwrap_or(6);
            let role = if level > 0 { Role::Heading(level) } else { Role::Body };
            Line { text: text.trim().to_owned(), role, paragraph, bbox: None, confidence: None }
        })
    });
    let page = Page { number: 1, origin: Origin::Text, lines: lines.collect(), attachment: None, note: None };
    Pages { pages: vec![page], title: None }
}
