//! Letters, instructions, mails and papers of our own, each with five things that its reader must know, written down
//! with the text: how many of them a summary and its key facts hold. A change that loses some of them fails here.

use async_trait::async_trait;
use domain::text::{Line, Origin, Page, Pages, Role};
use precis_summarizer::{Backend, BackendError, Options, summarize};
use std::path::Path;

/// Every text is as unlike the next as can be.
struct Blind;

#[async_trait]
impl Backend for Blind {
    fn name(&self) -> String {
        "none".into()
    }

    async fn embed(&self, _: &str, texts: Vec<String>) -> Result<Vec<Vec<f32>>, BackendError> {
        let one = |at: usize| (0..texts.len()).map(|place| f32::from(u8::from(place == at))).collect();
        Ok((0..texts.len()).map(one).collect())
    }
}

/// Blocks between blank lines, as a reader of files gives them.
fn pages(text: &str) -> Pages {
    let mut lines: Vec<Line> = Vec::new();
    let (mut paragraph, mut open) = (0, false);
    for raw in text.lines().map(str::trim) {
        if raw.chars().all(|c| "|- ".contains(c)) {
            open = false;
            continue;
        }
        let titled = lines.iter().any(|line| line.role == Role::Title);
        let cells = raw.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(" | ");
        let (role, text) = match raw.split_once(' ').unwrap_or((raw, "")) {
            ("#", rest) if !titled => (Role::Title, rest.to_owned()),
            ("#" | "##" | "###", rest) => (Role::Heading(2), rest.to_owned()),
            ("-", rest) => (Role::Item, rest.to_owned()),
            (">", rest) => (Role::Quote, rest.to_owned()),
            _ if raw.starts_with('|') => (Role::Row, cells),
            _ => (Role::Body, raw.to_owned()),
        };
        let joins = open && lines.last().is_some_and(|last| last.role == role) && role == Role::Body;
        paragraph += u32::from(!joins);
        open = true;
        lines.push(Line { text, role, paragraph, bbox: None, confidence: None });
    }
    let page = Page { number: 1, origin: Origin::Text, lines, attachment: None, note: None };
    Pages { pages: vec![page], title: None }
}

/// How many of the facts (lines of texts with `&` between them) a text has.
fn found(facts: &str, text: &str) -> Vec<bool> {
    facts.lines().map(|fact| fact.split(" & ").all(|part| text.contains(part))).collect()
}

#[tokio::test]
async fn most_of_what_a_reader_must_know_is_in_the_summary_and_its_key_facts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/office");
    let (mut in_summary, mut in_all, mut files) = (0, 0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "facts") {
            continue;
        }
        let facts = std::fs::read_to_string(path.with_extension("facts")).unwrap();
        let pages = pages(&std::fs::read_to_string(&path).unwrap());
        let options = Options { words: 120, ..Options::default() };
        let made = summarize(&Blind, &pages, "document", &options).await.unwrap();
        let sentences: Vec<&str> = made.summary.sentences.iter().map(|s| s.text.as_str()).collect();
        let lines: Vec<&str> = made.summary.key_facts.iter().map(|f| f.text.as_str()).collect();
        let said = sentences.join(" ");
        let all = format!("{} {said} {}", made.summary.headline, lines.join("\n"));
        let (here, everywhere) = (found(&facts, &said), found(&facts, &all));
        println!("{}: {here:?} {everywhere:?}\n  {}\n  - {}", path.display(), said, lines.join("\n  - "));
        in_summary += here.iter().filter(|found| **found).count();
        in_all += everywhere.iter().filter(|found| **found).count();
        // A headline that is a sentence of the summary is shown once.
        let headline = made.summary.headline.trim_end_matches('…');
        let again = if said.contains(headline) { headline.split_whitespace().count() } else { 0 };
        assert!(all.split_whitespace().count() - again <= 200, "{}", path.display());
        files += 1;
    }
    assert_eq!(files, 4);
    assert!(in_summary >= 10, "{in_summary} of 20 in the summaries");
    assert!(in_all >= 14, "{in_all} of 20 with headlines and key facts");
}
