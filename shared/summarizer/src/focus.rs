//! What the reader asks of a document: "termination and liability".
//!
//! Each part of the question is compared with each sentence by its stems (the rarer in the document, the more they
//! count; those of the heading over the sentence too) and, where a sentence was embedded, by meaning. What has to do
//! with a part rises above everything else; a part that nothing has to do with is named in the summary. Stems are those
//! of the document's language, and the model knows English best: a question in another language mostly finds nothing,
//! and then the summary says so, says which language the document has, and is the one that it would have been anyway.

use crate::rank::Ranked;
use crate::select::Embedded;
use crate::structure::Document;
use crate::words::Stems;
use std::collections::HashMap;

/// Longest question that is read, in characters.
const LONGEST: usize = 300;
/// Parts of a question.
const PARTS: usize = 6;
/// Cosine from which a sentence has something to do with a part, and at which it says just that.
const NEAR: f32 = 0.4;
const SAME: f32 = 0.75;
/// Share of a part's stems by which a sentence has to do with it.
const TOLD: f64 = 0.5;
/// What meaning counts for beside shared words.
const MEANING: f64 = 0.3;
/// Added to the merit of a sentence that has all to do with the question: merits are standardised.
const WEIGHT: f64 = 4.0;
/// Added to the best sentence of each part, so that no part is crowded out by another.
const BEST: f64 = 4.0;

/// A question in its parts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Focus {
    parts: Vec<(String, Vec<String>)>,
}

/// What became of a question.
pub(crate) struct Answer {
    /// How much each place of the pool has to do with it, 0 to 1.
    pub relevance: Vec<f64>,
    /// What is added to the merits.
    pub merits: Vec<f64>,
    /// The parts that nothing has to do with.
    pub silent: Vec<String>,
}

impl Focus {
    /// `None` if there is nothing in it to look for.
    pub(crate) fn new(asked: &str, stems: &Stems) -> Option<Self> {
        let asked: String = asked.chars().take(LONGEST).collect();
        let marked = asked.replace([',', ';', '?', '/'], "\n");
        let words: Vec<&str> = marked.split(' ').collect();
        let joins = |word: &str| {
            matches!(word.to_lowercase().as_str(), "and" | "or" | "und" | "oder" | "et" | "ou" | "y" | "o")
        };
        let mut parts: Vec<(String, Vec<String>)> = Vec::new();
        for part in words
            .split(|word| joins(word))
            .flat_map(|part| part.join(" ").split('\n').map(str::to_owned).collect::<Vec<_>>())
        {
            let found: Vec<String> =
                stems.of(&part).into_iter().filter(|stem| carries(stem, stems)).collect();
            if !found.is_empty() && parts.len() < PARTS {
                parts.push((part.trim().to_owned(), found));
            }
        }
        (!parts.is_empty()).then_some(Self { parts })
    }

    /// The parts, to be embedded.
    pub(crate) fn texts(&self) -> impl Iterator<Item = String> {
        self.parts.iter().map(|(text, _)| text.clone())
    }

    /// How many parts there are.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// For each part and each place of the pool the share of the part's stems that the sentence or its heading has.
    pub(crate) fn shares(&self, document: &Document, ranked: &Ranked, stems: &Stems) -> Vec<Vec<f64>> {
        let headings: Vec<Vec<String>> = document.headings.iter().map(|heading| stems.of(heading)).collect();
        let texts: Vec<Vec<String>> =
            ranked.pool.iter().map(|&index| stems.of(&document.sentences[index].text)).collect();
        let mut known: HashMap<&str, f64> = HashMap::new();
        for stem in self.parts.iter().flat_map(|(_, stems)| stems) {
            let with = texts.iter().filter(|text| text.contains(stem)).count();
            known.insert(stem, rarity(with, texts.len()));
        }
        let share = |part: &[String], place: usize| {
            let own = &texts[place];
            let over = headings.get(document.sentences[ranked.pool[place]].section);
            let weight = |stem: &String| known.get(stem.as_str()).copied().unwrap_or(1.0);
            let all: f64 = part.iter().map(weight).sum();
            let here = |stem: &String| {
                let told = own.contains(stem);
                let headed = over.is_some_and(|heading| heading.contains(stem));
                weight(stem)
                    * if told {
                        1.0
                    } else if headed {
                        HEADED
                    } else {
                        0.0
                    }
            };
            part.iter().map(here).sum::<f64>() / all.max(1e-9)
        };
        self.parts
            .iter()
            .map(|(_, part)| (0..texts.len()).map(|place| share(part, place)).collect())
            .collect()
    }

    /// `shares` as above; `parts` has an embedding for each part.
    pub(crate) fn answer(&self, shares: &[Vec<f64>], embedded: &Embedded, parts: &[Vec<f32>]) -> Answer {
        let places = shares.first().map_or(0, Vec::len);
        let mut answer =
            Answer { relevance: vec![0.0; places], merits: vec![0.0; places], silent: Vec::new() };
        for (at, shares) in shares.iter().enumerate() {
            let meaning = |place: usize| {
                let own = embedded.of(place)?;
                let cosine: f32 = own.iter().zip(parts.get(at)?).map(|(a, b)| a * b).sum();
                Some(f64::from(((cosine - NEAR) / (SAME - NEAR)).clamp(0.0, 1.0)))
            };
            // Under a heading that has the words every sentence shares them: meaning tells which of them answers.
            let near: Vec<f64> = (0..places)
                .map(|place| {
                    let meaning = meaning(place).unwrap_or(0.0);
                    (shares[place].max(meaning) + MEANING * meaning).min(1.0)
                })
                .collect();
            let told =
                |place: &usize| shares[*place] >= TOLD || meaning(*place).is_some_and(|near| near > 0.0);
            // On equal worth the earlier one.
            let best = (0..places).filter(told).reduce(|a, b| if near[b] > near[a] { b } else { a });
            let Some(best) = best else {
                answer.silent.push(self.parts[at].0.clone());
                continue;
            };
            answer.merits[best] += BEST;
            for (all, near) in answer.relevance.iter_mut().zip(&near) {
                *all = all.max(*near);
            }
        }
        for (merit, near) in answer.merits.iter_mut().zip(&answer.relevance) {
            *merit += WEIGHT * near;
        }
        answer
    }
}

/// Of a stem that only the heading has.
const HEADED: f64 = 0.7;

/// What a stem counts for that so many of all sentences have.
#[expect(clippy::cast_precision_loss, reason = "counts of sentences are far below 2^52")]
fn rarity(with: usize, all: usize) -> f64 {
    ((all + 1) as f64 / (with + 1) as f64).ln() + 1.0
}

/// A question's numbers ("2027") are asked for too.
fn carries(stem: &str, stems: &Stems) -> bool {
    stems.carries(stem) || stem.chars().all(|c| c.is_ascii_digit())
}

/// What the reader is told about the parts that nothing has to do with.
pub(crate) fn note(silent: &[String], all: bool, language: Option<&str>) -> Option<String> {
    if silent.is_empty() {
        return None;
    }
    let list: Vec<String> = silent.iter().map(|part| format!("\u{201c}{part}\u{201d}")).collect();
    let mut note = format!("The document says nothing about {}", list.join(" or "));
    note.push_str(if all { "; this is its general summary." } else { "." });
    if let Some(language) = language {
        note.push_str(&format!(" (It was asked in the words of the document's language, {language}.)"));
    }
    Some(note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_parts_and_a_question_without_words_is_none() {
        let stems = Stems::new(Some("en"));
        let focus = Focus::new("termination and liability, rent in 2027", &stems).unwrap();
        let parts: Vec<String> = focus.texts().collect();
        assert_eq!(parts, ["termination", "liability", "rent in 2027"]);
        assert_eq!(focus.parts[2].1, ["rent", "2027"]);
        for nothing in ["", "  and ", "???"] {
            assert_eq!(Focus::new(nothing, &stems), None, "{nothing}");
        }
    }

    #[test]
    fn a_part_that_no_sentence_has_to_do_with_is_silent_and_moves_nothing() {
        let stems = Stems::new(Some("en"));
        let focus = Focus::new("roof and liability", &stems).unwrap();
        let shares = vec![vec![0.0, 1.0], vec![0.0, 0.2]];
        let embedded = Embedded { places: vec![0], vectors: vec![vec![1.0, 0.0]] };
        let answer = focus.answer(&shares, &embedded, &[vec![0.0, 1.0], vec![0.3, 0.9]]);
        assert_eq!(answer.silent, ["liability"]);
        assert!(answer.merits[1] > 7.0 && answer.merits[0] == 0.0, "{:?}", answer.merits);
        let note = note(&answer.silent, false, Some("en")).unwrap();
        assert!(note.contains("“liability”") && !note.contains("general"), "{note}");
    }

    #[test]
    fn a_sentence_of_like_meaning_answers_without_a_shared_word() {
        let focus = Focus::new("termination", &Stems::new(Some("en"))).unwrap();
        let embedded = Embedded { places: vec![1], vectors: vec![vec![0.8, 0.6]] };
        let answer = focus.answer(&[vec![0.0, 0.0]], &embedded, &[vec![0.8, 0.6]]);
        assert!(answer.silent.is_empty() && answer.relevance[1] > 0.99 && answer.relevance[0] == 0.0);
    }
}
