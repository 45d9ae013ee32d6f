//! What a long document costs, for `benches/length`: `length PAGES` → one line of JSON.
//!
//! The text is made, the same at every run: words as rare as in real text (the k-th is drawn 1/k as often as the
//! first), a few of them the chapter's own, 500 words a page.

use domain::text::{Line, Origin, Page, Pages, Role};
use precis_summarizer::{Options, analyse};
use std::error::Error;

const FUNCTION: &[&str] = &[
    "the", "of", "and", "to", "a", "in", "that", "it", "is", "was", "for", "on", "are", "with", "as", "his",
    "they", "at", "be", "this", "from", "have", "or", "by", "one", "had", "not", "but", "what", "all",
    "were", "when", "we",
];
const SYLLABLES: &[&str] = &[
    "ba", "con", "ter", "mi", "ral", "vo", "pen", "sta", "lu", "gri", "dor", "an", "tech", "fo", "quar",
    "sel", "nim", "ost", "ver", "plan",
];
/// Words that a book of any length draws from.
const VOCABULARY: f64 = 60_000.0;
const LINES: usize = 42;

struct Random(u64);

impl Random {
    /// In 0..1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 33).unwrap_or(0)) / f64::from(1_u32 << 31)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
    fn below(&mut self, n: f64) -> usize {
        (self.next() * n) as usize
    }

    /// A rank drawn by Zipf's law.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
    fn rank(&mut self, of: f64) -> usize {
        of.powf(self.next()) as usize
    }
}

fn word(mut rank: usize) -> String {
    let mut out = String::new();
    loop {
        out.push_str(SYLLABLES[rank % SYLLABLES.len()]);
        rank /= SYLLABLES.len();
        if rank == 0 {
            return out;
        }
    }
}

fn sentence(random: &mut Random, chapter: usize) -> String {
    let count = 8 + random.below(22.0);
    let words = (0..count).map(|_| match random.below(100.0) {
        0..45 => FUNCTION[random.below(33.0)].to_owned(),
        45..65 => word(chapter * 300 + random.rank(300.0)),
        _ => word(random.rank(VOCABULARY)),
    });
    let mut out = words.collect::<Vec<_>>().join(" ");
    out[..1].make_ascii_uppercase();
    if random.below(50.0) == 0 {
        out.push_str(" by 3 May 2027");
    }
    out + "."
}

fn document(pages: usize) -> Pages {
    let mut random = Random(7);
    let mut out = Vec::with_capacity(pages);
    let mut waiting: Vec<(Role, u32, String)> = Vec::new();
    let mut paragraph = 0;
    for number in (1_u32..).take(pages) {
        let chapter = out.len() / 20;
        while waiting.len() < LINES {
            paragraph += 1;
            if paragraph % 12 == 1 {
                waiting.push((Role::Heading(2), paragraph, word(chapter * 300 + paragraph as usize)));
                continue;
            }
            let text = (0..5).map(|_| sentence(&mut random, chapter)).collect::<Vec<_>>().join(" ");
            let words: Vec<&str> = text.split(' ').collect();
            waiting.extend(words.chunks(12).map(|line| (Role::Body, paragraph, line.join(" "))));
        }
        let lines = waiting.drain(..LINES).map(|(role, paragraph, text)| Line {
            text,
            role,
            paragraph,
            bbox: None,
            confidence: None,
        });
        out.push(Page { number, origin: Origin::Text, lines: lines.collect(), attachment: None, note: None });
    }
    Pages { pages: out, title: Some("A long book".into()) }
}

/// A figure in kB of this process.
fn memory(name: &str) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such figure")?;
    Ok(line.trim_start_matches(':').split_whitespace().next().ok_or("no number")?.parse()?)
}

/// Seconds that this thread had a core.
fn on_core() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().ok_or("no number")?.parse::<f64>()? / 1e9)
}

fn main() -> Result<(), Box<dyn Error>> {
    let pages: usize = std::env::args().nth(1).ok_or("usage: length PAGES")?.parse()?;
    let document = document(pages);
    let (before, held) = (on_core()?, memory("VmRSS")?);
    let analysis =
        analyse(&document, "book", &Options { language: Some("en".into()), ..Options::default() })?;
    let count = analysis.texts().len();
    let blank = (0..count).map(|at| (0..64).map(|i| if i == at { 1.0 } else { 0.0 }).collect()).collect();
    let done = analysis.finish(blank)?;
    let row = serde_json::json!({
        "pages": pages,
        "words": done.coverage.words_total,
        "words_read": done.coverage.words_read,
        "sentences": done.sentences,
        "seconds": on_core()? - before,
        "text_mib": held / 1024,
        "peak_mib": memory("VmHWM")? / 1024,
    });
    println!("{row}");
    Ok(())
}
