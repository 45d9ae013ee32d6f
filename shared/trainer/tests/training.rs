//! What training promises: it learns what the data says, the same every time, and the gate lets only that pass.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use domain::text::{Line, Origin, Page, Pages, Role};
use precis_trainer::data::{Goal, Row};
use precis_trainer::{Example, Plan, Settings, TrainError, Useless, train};
use summarizer::learn::Material;
use summarizer::{Head, Record};

const SUBJECTS: [&str; 8] =
    ["bridge", "harbour", "library", "orchard", "railway", "theatre", "market", "tunnel"];
const DOINGS: [&str; 6] =
    ["was opened", "was painted", "is maintained", "was measured", "is visited", "was sold"];

/// A document of twelve sentences. The third before the last is a list item with a number in it.
fn sentences(seed: usize) -> Vec<(String, Role)> {
    (0..12)
        .map(|at| {
            let subject = SUBJECTS[(seed * 5 + at * 3) % 8];
            let doing = DOINGS[(seed + at) % 6];
            let other = SUBJECTS[(seed * 7 + at) % 8];
            if at == 9 {
                (format!("The {subject} {doing} beside the {other} with 4{seed} quiet visitors"), Role::Item)
            } else {
                (format!("The {subject} {doing} by the people near the old {other} in spring."), Role::Body)
            }
        })
        .collect()
}

fn pages(sentences: &[(String, Role)]) -> Pages {
    let line = |(at, (text, role)): (usize, &(String, Role))| Line {
        text: text.clone(),
        role: *role,
        paragraph: u32::try_from(at).unwrap(),
        bbox: None,
        confidence: None,
    };
    let lines = sentences.iter().enumerate().map(line).collect();
    let page = Page { number: 1, origin: Origin::Text, lines, attachment: None, note: None };
    Pages { pages: vec![page], title: None }
}

fn material(sentences: &[(String, Role)]) -> Material {
    Material::new(&pages(sentences), None, 14).unwrap()
}

fn row(seed: usize, document: String, goal: Goal) -> Row {
    Row { id: seed.to_string(), name: "row.md".into(), document, goal, words: 14 }
}

fn example(seed: usize, goal: impl Fn(&[(String, Role)]) -> Goal) -> Example {
    let sentences = sentences(seed);
    let document = sentences.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join("\n");
    Example::new(&row(seed, document, goal(&sentences)), seed % 2, material(&sentences)).unwrap()
}

/// The item is what its reader wanted.
fn wanted(sentences: &[(String, Role)]) -> Goal {
    Goal::Reference(sentences[9].0.clone())
}

fn settings() -> Settings {
    let plan = Plan { pull: 0.01, ..Plan::default() };
    Settings { plan, folds: 3, sets: vec!["even".into(), "odd".into()], model: None }
}

fn learn(examples: &[Example], current: Option<&Head>) -> Head {
    let mut passes = Vec::new();
    let head = train(examples, current, &settings(), Record::default(), &mut |progress| {
        passes.push((progress.done, progress.of));
    });
    let of = passes[0].1;
    assert_eq!(passes, (1..=of).map(|done| (done, of)).collect::<Vec<_>>());
    head.unwrap()
}

#[test]
fn what_the_summaries_have_in_common_is_learnt_and_passes_the_gate() {
    let examples: Vec<Example> = (0..48).map(|seed| example(seed, wanted)).collect();
    let head = learn(&examples, None);
    let score = &head.record.scores[0];
    assert!(head.record.passed, "{:?}", head.record);
    assert!(score.new > 95.0 && score.new > score.current + 20.0 && score.low > 0.0, "{score:?}");
    // On documents of the same kind that training never saw.
    for seed in 60..66 {
        let example = example(seed, wanted);
        let chosen = example.material.summary(&head.weights(), 14);
        assert!(example.material.told(&chosen).contains("quiet visitors"));
    }
    // The new one is the current one now, and there is nothing to gain.
    assert!(!learn(&examples, Some(&head)).record.passed);
}

#[test]
fn the_same_data_and_seed_give_the_same_bytes_whatever_the_threads() {
    let run = || {
        let examples: Vec<Example> = (0..20).map(|seed| example(seed, wanted)).collect();
        learn(&examples, None).bytes()
    };
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(run);
    assert_eq!(run(), alone);
}

/// Sentences of one shape without a word in common, of which any one may be wanted.
fn strange(seed: usize) -> Vec<(String, Role)> {
    let word = |at: usize| -> String {
        let mut rest = (seed * 1009 + at * 101 + 7) * 7919;
        let letter = |_| {
            rest = rest * 48271 % 2_147_483_647;
            char::from(b'a' + u8::try_from(rest / 13 % 26).unwrap())
        };
        (0..7).map(letter).collect()
    };
    let sentence = |at: usize| (0..8).map(|n| word(at * 8 + n)).collect::<Vec<_>>().join(" ") + ".";
    (0..12).map(|at| (sentence(at), Role::Body)).collect()
}

#[test]
fn summaries_of_anything_teach_nothing_and_the_gate_stays_shut() {
    let any = |seed: usize| {
        let sentences = strange(seed);
        let wanted = sentences[seed * 48271 % 65_537 % 12].0.clone();
        let document = sentences.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join("\n");
        Example::new(&row(seed, document, Goal::Reference(wanted)), seed % 2, material(&sentences)).unwrap()
    };
    let examples: Vec<Example> = (1..49).map(any).collect();
    let head = learn(&examples, None);
    assert!(!head.record.passed, "{:?}", head.record);
    assert!(head.record.verdict.contains("not passed"));
}

#[test]
fn facts_are_learnt_without_a_summary() {
    let fact = |_: &[(String, Role)]| {
        let found = fancy_regex::Regex::new(r"(?i)\b4\d+ quiet (?=visitors)").unwrap();
        Goal::Facts { facts: vec![precis_trainer::data::Fact(vec![vec![found]])], traps: vec![] }
    };
    let examples: Vec<Example> = (0..48).map(|seed| example(seed, fact)).collect();
    let head = learn(&examples, None);
    assert!(head.record.passed && head.record.scores[0].new > 95.0, "{:?}", head.record);
}

#[test]
fn a_preference_moves_the_ranking_towards_what_was_preferred() {
    let pair = |sentences: &[(String, Role)]| Goal::Pair {
        better: sentences[9].0.clone(),
        worse: sentences[1].0.clone(),
    };
    let examples: Vec<Example> = (0..48).map(|seed| example(seed, pair)).collect();
    let head = learn(&examples, None);
    let score = &head.record.scores[0];
    assert!(score.new > 95.0 && score.current < 50.0, "{score:?}");
}

#[test]
fn rows_of_one_document_are_never_on_both_sides() {
    let twice: Vec<Example> = (0..24).map(|at| example(at / 2, wanted)).collect();
    let all: Vec<&Example> = twice.iter().collect();
    let parts = precis_trainer::gate::parts(&all, 4, 1);
    assert!(parts.chunks(2).all(|pair| pair[0] == pair[1]), "{parts:?}");
    assert!((0..4).all(|part| parts.contains(&part)));
}

#[test]
fn too_little_data_and_rows_that_say_nothing_are_refused_by_name() {
    let few: Vec<Example> = (0..6).map(|seed| example(seed, wanted)).collect();
    let refused = train(&few, None, &settings(), Record::default(), &mut |_| {});
    assert!(matches!(refused, Err(TrainError::TooFew { documents: 6, least: 10 })));
    let sentences = sentences(1);
    let try_with = |goal| Example::new(&row(1, String::new(), goal), 0, material(&sentences)).err();
    assert_eq!(try_with(Goal::Reference("Ганс и 猫".into())), Some(Useless::NothingFits));
    let same = Goal::Pair { better: sentences[1].0.clone(), worse: sentences[1].0.clone() };
    assert_eq!(try_with(same), Some(Useless::SamePair));
}
