//! Our ROUGE against the figures of the Python package, which `make_rouge.py` wrote down.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use precis_trainer::{Reference, Tokens};

fn golden() -> serde_json::Value {
    serde_json::from_str(include_str!("rouge.json")).unwrap()
}

#[test]
fn rouge_is_that_of_the_python_package() {
    for pair in golden()["pairs"].as_array().unwrap() {
        let mut tokens = Tokens::default();
        let text = |name: &str| pair[name].as_str().unwrap().to_owned();
        let reference = Reference::new(tokens.of(&text("reference")));
        let ours = reference.score(&tokens.of(&text("summary")));
        for (ours, theirs) in [ours.one, ours.two, ours.l].iter().zip(pair["f1"].as_array().unwrap()) {
            let theirs = theirs.as_f64().unwrap();
            assert!((ours - theirs).abs() < 1e-12, "{ours} is not {theirs}: {pair}");
        }
    }
}

#[test]
fn stems_are_those_of_nltk() {
    let stems = golden()["stems"].as_object().unwrap().clone();
    assert!(stems.len() > 100);
    for (word, stem) in stems {
        let mut tokens = Tokens::default();
        let ours = tokens.of(&word);
        // A stem of up to three letters is its own stem; longer ones are compared by what they are the stem of.
        let theirs = tokens.stem_number(stem.as_str().unwrap());
        assert_eq!(ours, [theirs], "{word} → {stem}");
    }
}

#[test]
fn a_summary_without_a_word_scores_nothing_and_the_reference_itself_all() {
    let mut tokens = Tokens::default();
    let reference = Reference::new(tokens.of("The rent rises in March."));
    assert_eq!(reference.score(&[]).mean(), 0.0);
    assert_eq!(reference.score(&tokens.of("the rent rises, in march")).mean(), 1.0);
    assert_eq!(Reference::new(Vec::new()).score(&tokens.of("rent")).mean(), 0.0);
}
