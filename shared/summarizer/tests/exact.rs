//! Extracted sentences are cited exactly: the words are the source's, the lines exist, the box is theirs.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

use async_trait::async_trait;
use domain::summary::{Citation, Cited};
use domain::text::{BoundingBox, Line, Origin, Page, Pages, Role};
use precis_summarizer::{Backend, BackendError, Options, summarize};
use std::path::Path;

/// The same vector for every text: what is cited must not depend on it.
struct Flat;

#[async_trait]
impl Backend for Flat {
    fn name(&self) -> String {
        "flat@1".into()
    }

    async fn embed(&self, _: &str, texts: Vec<String>) -> Result<Vec<Vec<f32>>, BackendError> {
        Ok(texts.iter().map(|_| vec![1.0]).collect())
    }
}

/// A text of `samples/texts` set in lines of about `width` characters, `rows` to a page, each line with its own box.
fn set(text: &str, width: usize, rows: usize) -> Pages {
    let mut lines: Vec<(Role, u32, String)> = Vec::new();
    for (paragraph, block) in (1_u32..).zip(text.split('\n').filter(|line| !line.trim().is_empty())) {
        let role = match block.chars().next().unwrap() {
            '#' => Role::Heading(2),
            '|' => Role::Row,
            _ => Role::Body,
        };
        let mut current = String::new();
        for word in block.trim_matches(['#', '!', '*', '|', ' ']).split(' ') {
            if current.len() + word.len() > width && role == Role::Body {
                lines.push((role, paragraph, std::mem::take(&mut current)));
            }
            current.push_str(if current.is_empty() { "" } else { " " });
            current.push_str(word);
        }
        lines.push((role, paragraph, current));
    }
    let line = |(at, (role, paragraph, text)): (u16, &(Role, u32, String))| Line {
        text: text.clone(),
        role: *role,
        paragraph: *paragraph,
        bbox: Some(BoundingBox { left: 0.1, top: f32::from(at) * 0.02, width: 0.8, height: 0.015 }),
        confidence: Some(0.9),
    };
    let page = |(number, lines): (u32, &[(Role, u32, String)])| Page {
        number,
        origin: Origin::Ocr,
        lines: (0_u16..).zip(lines).map(line).collect(),
        attachment: None,
        note: None,
    };
    Pages { pages: (1_u32..).zip(lines.chunks(rows)).map(page).collect(), title: None }
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The fewest neighbouring lines of the page that hold a citation's words: "The" may stand in several.
fn lines_of<'a>(pages: &'a Pages, citation: &Citation) -> Vec<&'a [Line]> {
    let page = pages.pages.iter().find(|page| page.number == citation.page).expect("the page exists");
    let wanted = squeezed(&citation.text);
    assert!(!wanted.is_empty());
    let holds =
        |lines: &&[Line]| lines.iter().map(|line| squeezed(&line.text)).collect::<String>().contains(&wanted);
    let sizes = 1..=page.lines.len();
    let mut all = sizes.map(|count| page.lines.windows(count).filter(holds).collect::<Vec<_>>());
    let found = all.find(|found| !found.is_empty());
    found.unwrap_or_else(|| panic!("not on page {}: {}", citation.page, citation.text))
}

/// Whether the words of a text stand in what it cites, in this order.
fn is_part_of(text: &str, cited: &Cited) -> bool {
    let lower = |text: &str| text.to_lowercase().split_whitespace().map(squeezed).collect::<Vec<_>>();
    let source: Vec<String> = cited.citations.iter().flat_map(|citation| lower(&citation.text)).collect();
    let mut rest = source.iter();
    lower(text).iter().all(|word| rest.any(|other| other == word))
}

fn is_exact(pages: &Pages, cited: &Cited) {
    let told: String = cited.citations.iter().map(|citation| squeezed(&citation.text)).collect();
    let row = cited.citations.iter().any(|cite| lines_of(pages, cite)[0][0].role == Role::Row);
    // A table's row is told with the names of its columns. What was shortened says so, and is all in the citation, in
    // its order.
    let trimmed = cited.citations.iter().any(|citation| citation.trimmed);
    assert!(row || told == squeezed(&cited.text) || trimmed && is_part_of(&cited.text, cited), "{cited:?}");
    for citation in &cited.citations {
        let bbox = citation.bbox.unwrap();
        let boxed = |lines: &&[Line]| {
            let (first, last) = (lines[0].bbox.unwrap(), lines[lines.len() - 1].bbox.unwrap());
            bbox.top == first.top && (bbox.height - (last.top + last.height - first.top)).abs() < 1e-5
        };
        assert!(lines_of(pages, citation).iter().any(boxed), "{citation:?}");
        assert_eq!(citation.score, 1.0);
    }
}

#[tokio::test]
async fn every_extracted_sentence_is_its_sources_words_in_its_sources_lines() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/texts");
    let mut sentences = 0;
    let mut over_pages = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for (width, rows) in [(70, 40), (35, 7), (200, 3)] {
            let pages = set(&text, width, rows);
            for words in [30, 120, 400] {
                let options = Options { words, ..Options::default() };
                let summary = summarize(&Flat, &pages, "a.pdf", &options).await.unwrap().summary;
                for cited in summary.sentences.iter().chain(&summary.key_points) {
                    is_exact(&pages, cited);
                    sentences += 1;
                    over_pages += usize::from(cited.citations.len() > 1);
                }
            }
        }
    }
    assert!(
        sentences > 300 && over_pages > 10,
        "{sentences} sentences, {over_pages} of them over a page break"
    );
}
