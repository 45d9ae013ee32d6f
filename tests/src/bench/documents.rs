//! Small office texts, as many as wanted, no two alike.

use std::path::Path;

/// About so many words a document.
pub const WORDS: usize = 200;

/// A generator of numbers that is the same everywhere (SplitMix64, Steele et al. 2014).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 1).unwrap_or(0) % bound
    }
}

/// Document number `n`: sentences of the samples, shuffled, with numbers of its own.
#[must_use]
pub fn text(sentences: &[String], n: u64) -> String {
    let mut numbers = Numbers(n);
    let mut text = format!("Notice {n} of {} March 2027\n\n", 1 + numbers.below(28));
    let mut words = 0;
    let mut in_paragraph = 0;
    while words < WORDS {
        let sentence = &sentences[numbers.below(sentences.len())];
        words += sentence.split_whitespace().count();
        text.push_str(sentence);
        in_paragraph += 1;
        text.push_str(if in_paragraph % 4 == 0 { "\n\n" } else { " " });
    }
    text.push_str(&format!("\n\nThe reference of this notice is {}.\n", 10_000 + n));
    text
}

/// Whole sentences from the samples' texts.
///
/// # Errors
/// If they cannot be read.
pub fn sentences() -> std::io::Result<Vec<String>> {
    let mut all = Vec::new();
    let mut files: Vec<_> =
        std::fs::read_dir(crate::repository().join("samples/texts"))?.collect::<std::io::Result<_>>()?;
    files.sort_by_key(std::fs::DirEntry::file_name);
    for file in files {
        let text = std::fs::read_to_string(file.path())?;
        for paragraph in text.split("\n\n") {
            let flat = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
            all.extend(
                flat.split_inclusive(". ")
                    .map(str::trim)
                    .filter(|s| s.len() > 40 && s.ends_with('.'))
                    .map(str::to_owned),
            );
        }
    }
    Ok(all)
}

/// Writes documents `from..to` into a folder.
///
/// # Errors
/// If they cannot be written.
pub fn write(folder: &Path, from: u64, to: u64) -> std::io::Result<()> {
    let sentences = sentences()?;
    for n in from..to {
        std::fs::write(folder.join(format!("notice-{n:05}.txt")), text(&sentences, n))?;
    }
    Ok(())
}
