//! A learnt ranking takes the place of the hand-set one, and of nothing else.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use domain::text::{Line, Origin, Page, Pages, Role};
use precis_summarizer::{FEATURES, Head, Options, Record, Summarized, analyse};
use std::sync::Arc;

fn pages(texts: &[&str]) -> Pages {
    let line = |(at, text): (usize, &&str)| Line {
        text: (*text).to_owned(),
        role: if at == 0 { Role::Title } else { Role::Body },
        paragraph: u32::try_from(at).unwrap(),
        bbox: None,
        confidence: None,
    };
    let lines = texts.iter().enumerate().map(line).collect();
    Pages {
        pages: vec![Page { number: 1, origin: Origin::Text, lines, attachment: None, note: None }],
        title: None,
    }
}

const PAPER: [&str; 8] = [
    "Storage keys of the library",
    "We propose typed storage keys for every storage backend of the library.",
    "Storage keys are strings today, and strings hide mistakes of the library.",
    "However, nobody has measured how often such mistakes come to light.",
    "Old programs go on with strings as storage keys of the library.",
    "The weather was pleasant in the valley when nobody came along.",
    "A list of all keys is kept beside the storage of the library.",
    "The last word is said by those who maintain the library itself.",
];

const LETTER: [&str; 8] = [
    "Your lease of flat 2",
    "Aldport, 6 November 2026",
    "Dear tenant, we hope that you and your family are well this winter.",
    "The rent rises from £900 to £950 a month on 1 March 2027.",
    "You must tell us by 30 January 2027 whether you accept the new rent.",
    "The stairs were painted on 3 May 2025 by the firm from the next street.",
    "The neighbours are quiet people who like their gardens very much.",
    "Yours sincerely, the landlord of the house by the river.",
];

/// Without a model every sentence has a meaning of its own.
fn summarized(texts: &[&str], words: usize, head: Option<Head>) -> Summarized {
    let options = Options { words, head: head.map(Arc::new), ..Options::default() };
    let analysis = analyse(&pages(texts), "file.txt", &options).unwrap();
    let count = analysis.texts().len();
    let own = |at: usize| (0..count).map(|i| if i == at { 1.0 } else { 0.0 }).collect();
    analysis.finish((0..count).map(own).collect()).unwrap()
}

fn weighing(name: &str, weight: f64) -> Head {
    let weights: Vec<f64> =
        FEATURES.iter().map(|feature| if feature.name == name { weight } else { 0.0 }).collect();
    Head::new(&weights, None, Record::default()).unwrap()
}

#[test]
fn a_head_that_has_learnt_nothing_says_what_the_hand_set_ranking_says() {
    for texts in [&PAPER[..], &LETTER[..]] {
        for words in [12, 25, 40] {
            let untrained = Head::new(&Head::recipe(), None, Record::default()).unwrap();
            assert_eq!(summarized(texts, words, Some(untrained)), summarized(texts, words, None));
        }
    }
}

#[test]
fn a_head_ranks_by_its_weights() {
    let last = summarized(&PAPER, 13, Some(weighing("about.depth", 1.0))).summary;
    assert!(last.sentences[0].text.starts_with("The last word"), "{last:?}");
    let first = summarized(&PAPER, 13, Some(weighing("about.depth", -1.0))).summary;
    assert!(first.sentences[0].text.starts_with("We propose"), "{first:?}");
    let past = summarized(&LETTER, 16, Some(weighing("act.ahead", -1.0))).summary;
    assert!(past.sentences[0].text.contains("were painted"), "{past:?}");
}

#[test]
fn what_is_learnt_from_papers_leaves_letters_alone() {
    let mut weights = Head::recipe();
    for (weight, feature) in weights.iter_mut().zip(&FEATURES) {
        if feature.name.starts_with("about.") {
            *weight = -3.0;
        }
    }
    let head = Head::new(&weights, None, Record::default()).unwrap();
    assert_ne!(
        summarized(&PAPER, 25, Some(head.clone())).summary.sentences,
        summarized(&PAPER, 25, None).summary.sentences
    );
    assert_eq!(summarized(&LETTER, 30, Some(head)), summarized(&LETTER, 30, None));
}

/// A head that wants what means the same as the first of these vectors' components says.
fn meaning(model: &str) -> Head {
    let mut weights: Vec<f64> = FEATURES.iter().map(|_| 0.0).collect();
    weights.extend([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    Head::new(&weights, Some(model), Record::default()).unwrap()
}

fn by_meaning(head: Head, size: usize) -> Summarized {
    let options = Options { words: 16, head: Some(Arc::new(head)), ..Options::default() };
    let analysis = analyse(&pages(&LETTER), "file.txt", &options).unwrap();
    let vectors = analysis.texts().into_iter().map(|text| {
        let mut vector = vec![0.0; size];
        vector[usize::from(!text.contains("neighbours"))] = 1.0;
        vector
    });
    analysis.finish(vectors.collect()).unwrap()
}

#[test]
fn a_head_ranks_by_what_sentences_mean() {
    let said = by_meaning(meaning("a model"), 2).summary;
    assert!(said.sentences[0].text.contains("quiet people"), "{said:?}");
}

#[test]
fn embeddings_of_another_size_are_not_weighed_and_another_models_are_never_asked_for() {
    let recipe = Options { words: 16, head: None, ..Options::default() };
    let analysis = analyse(&pages(&LETTER), "file.txt", &recipe).unwrap();
    let own = |at: usize| (0..3).map(|i| if i == at % 3 { 1.0 } else { 0.0 }).collect();
    let count = analysis.texts().len();
    let by_hand = analysis.finish((0..count).map(own).collect()).unwrap();
    let said = by_meaning(meaning("a model"), 3);
    assert_eq!(said.summary.sentences[0], by_hand.summary.sentences[0]);
    let options = Options { head: Some(Arc::new(meaning("a model"))), ..Options::default() };
    assert!(options.clone().suited("another").head.is_none() && options.suited("a model").head.is_some());
}
