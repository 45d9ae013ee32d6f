//! What is summarized: files of the person who measures, or prose that is made up, always the same.

use anyhow::{Context, Result, bail};
use domain::text::{Line, Origin, Page, Pages, Role};
use extract::{Limits, PageReading, ReaderProgram};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use summarizer::{Analysis, Backend, Options};

/// Made-up documents; more of them than a service has in hand would only take memory.
const DOCUMENTS: u64 = 16;
const WORDS_A_PAGE: usize = 500;

/// A document to summarize.
pub struct Document {
    name: String,
    pub pages: Arc<Pages>,
}

impl Document {
    pub fn words(&self) -> usize {
        self.pages.pages.iter().map(Page::words).sum()
    }

    pub fn analyse(&self) -> Result<Analysis> {
        summarizer::analyse(&self.pages, &self.name, &Options::default())
            .with_context(|| format!("{} cannot be summarized", self.name))
    }

    /// As the service does it; what its three phases took.
    pub async fn summarize(&self, backend: &dyn Backend) -> Result<[Duration; 3]> {
        let mut ends = [Instant::now(); 4];
        let (pages, name) = (Arc::clone(&self.pages), self.name.clone());
        let analyse = move || summarizer::analyse(&pages, &name, &Options::default());
        let analysis = tokio::task::spawn_blocking(analyse).await??;
        ends[1] = Instant::now();
        let vectors = backend.embed(&self.name, analysis.texts()).await?;
        ends[2] = Instant::now();
        tokio::task::spawn_blocking(move || analysis.finish(vectors)).await??;
        ends[3] = Instant::now();
        Ok([0, 1, 2].map(|phase| ends[phase + 1] - ends[phase]))
    }
}

/// Files through the same reader, behind the same walls, as every document. Pages that need OCR are left out, and said.
pub async fn read(files: &[PathBuf]) -> Result<Vec<Document>> {
    let scratch =
        tempfile::Builder::new().prefix("precis-bench-").tempdir().context("no temporary folder")?;
    let reader = ReaderProgram::current()?;
    let mut documents = Vec::new();
    for (at, file) in files.iter().enumerate() {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let out = scratch.path().join(at.to_string());
        let reading = extract::read(file, &name, &out, &Limits::default(), &reader, |_, _| {})
            .await
            .with_context(|| format!("{} cannot be read", file.display()))?;
        let all = reading.pages.len();
        let read = reading.pages.into_iter().filter_map(|page| match page {
            PageReading::Read(page) => Some(page),
            PageReading::NeedsOcr { .. } => None,
        });
        let pages: Vec<Page> = read.collect();
        if pages.len() < all {
            eprintln!("precis: {name}: {} of {all} pages need OCR and are left out", all - pages.len());
        }
        let document = Document { name, pages: Arc::new(Pages { pages, title: reading.title }) };
        // What is no document would fail in the middle of the measurement.
        document.analyse()?;
        documents.push(document);
    }
    if documents.is_empty() {
        bail!("there is nothing to measure with");
    }
    Ok(documents)
}

/// Prose of so many pages, in several documents.
pub fn made_up(pages: u32) -> Vec<Document> {
    let document = |seed: u64| {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let page = |number| Page {
            number,
            origin: Origin::Text,
            lines: lines(&mut random),
            attachment: None,
            note: None,
        };
        let pages =
            Pages { pages: (1..=pages).map(page).collect(), title: Some("A made-up report".to_owned()) };
        Document { name: format!("made-up-{seed}.txt"), pages: Arc::new(pages) }
    };
    (1..=DOCUMENTS).map(document).collect()
}

/// A heading and paragraphs.
fn lines(random: &mut Random) -> Vec<Line> {
    let line = |text: String, role, paragraph| Line { text, role, paragraph, bbox: None, confidence: None };
    let heading = format!("{} {}", capital(random.of(WORDS)), random.of(WORDS));
    let mut out = vec![line(heading, Role::Heading(2), 1)];
    let (mut words, mut paragraph) = (0, 1);
    while words < WORDS_A_PAGE {
        paragraph += 1;
        let sentences: Vec<String> = (0..5).map(|_| sentence(random)).collect();
        words += sentences.iter().map(|text| text.split(' ').count()).sum::<usize>();
        out.push(line(sentences.join(" "), Role::Body, paragraph));
    }
    out
}

/// 8 to 35 words; now and then with a day or a sum.
fn sentence(random: &mut Random) -> String {
    let length = 8 + random.below(28);
    let mut words: Vec<String> = (0..length).map(|_| random.of(WORDS).to_owned()).collect();
    words[0] = capital(&words[0]);
    let place = 1 + random.below(length - 2);
    match random.below(14) {
        0 => words[place] = format!("by {} May 2027", 1 + random.below(28)),
        1 => words[place] = format!("£{},{:03}", 1 + random.below(90), random.below(1000)),
        2 => words[place] = "must".to_owned(),
        _ => {}
    }
    words.join(" ") + "."
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// A linear congruential generator: the same documents on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % n
    }

    fn of(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len())]
    }
}

const WORDS: &[&str] = &[
    "the",
    "of",
    "and",
    "to",
    "in",
    "a",
    "for",
    "is",
    "on",
    "with",
    "by",
    "are",
    "from",
    "that",
    "was",
    "this",
    "has",
    "were",
    "have",
    "which",
    "been",
    "their",
    "more",
    "other",
    "will",
    "after",
    "between",
    "agreement",
    "report",
    "council",
    "pressure",
    "valve",
    "station",
    "committee",
    "supplier",
    "warehouse",
    "temperature",
    "inspection",
    "delivery",
    "contract",
    "garden",
    "surface",
    "railway",
    "bridge",
    "engineer",
    "drawing",
    "payment",
    "invoice",
    "meeting",
    "decision",
    "building",
    "insurance",
    "damage",
    "winter",
    "spring",
    "machine",
    "network",
    "record",
    "increase",
    "measure",
    "average",
    "result",
    "method",
    "sample",
    "region",
    "water",
    "paper",
    "wood",
    "metal",
    "careful",
    "annual",
    "public",
    "local",
    "small",
    "large",
    "early",
    "recent",
    "several",
    "common",
    "necessary",
    "shows",
    "takes",
    "gives",
    "holds",
    "makes",
    "finds",
    "keeps",
    "brings",
    "moves",
    "stands",
    "covers",
    "follows",
    "slowly",
    "together",
    "usually",
    "nearly",
    "elsewhere",
    "therefore",
    "although",
    "because",
    "while",
    "before",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_documents_are_always_the_same_and_as_long_as_they_say() {
        let (first, again) = (made_up(3), made_up(3));
        assert_eq!(first.len(), 16);
        for (one, other) in first.iter().zip(&again) {
            assert_eq!(one.pages, other.pages);
            assert!((1500..2200).contains(&one.words()), "{}", one.words());
            assert!(!one.analyse().unwrap().texts().is_empty());
        }
        assert_ne!(first[0].pages, first[1].pages);
    }
}
