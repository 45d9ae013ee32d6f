//! The checker on planted errors and true paraphrases (`checking/plant.py` makes them and knows nothing of its rules).
//! The seen part was developed on; the unseen part was first run when the checker was done.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

use precis_summarizer::Checker;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// By kind: how many there are and how many were flagged.
type Counts = BTreeMap<(bool, String), (usize, usize)>;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checking").join(name)).unwrap()
}

fn counts(set: &str) -> Counts {
    let documents: Vec<Vec<String>> = serde_json::from_str(&read("documents.json")).unwrap();
    let checker = |texts: &Vec<String>| {
        Checker::new(&texts.iter().map(String::as_str).collect::<Vec<_>>(), "", Some("en"))
    };
    let checkers: Vec<Checker> = documents.iter().map(checker).collect();
    let mut out = Counts::new();
    for line in read(set).lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let document = usize::try_from(line["document"].as_u64().unwrap()).unwrap();
        let verdict = checkers[document].check(line["text"].as_str().unwrap(), &[]);
        let kind = (line["error"].as_bool().unwrap(), line["kind"].as_str().unwrap().to_owned());
        let count = out.entry(kind).or_default();
        count.0 += 1;
        count.1 += usize::from(!verdict.problems.is_empty());
    }
    println!("{set}");
    for ((error, kind), (all, flagged)) in &out {
        println!("  {} {kind:20} {flagged:3} of {all:3} flagged", if *error { "error" } else { "true " });
    }
    out
}

/// Of the sentences with an error, or without, whose kind begins so: all, and the flagged ones.
fn sum(counts: &Counts, error: bool, kind: &str) -> (usize, usize) {
    let those = counts.iter().filter(|((e, k), _)| *e == error && k.starts_with(kind));
    those.fold((0, 0), |sum, (_, count)| (sum.0 + count.0, sum.1 + count.1))
}

fn at_least(counts: &Counts, kind: &str, percent: usize) {
    let (all, flagged) = sum(counts, true, kind);
    assert!(
        all > 0 && flagged * 100 >= all * percent,
        "{kind}: {flagged} of {all} found, {percent} % wanted"
    );
}

fn holds(set: &str, false_alarms: usize) {
    let counts = counts(set);
    for kind in ["number", "date", "name", "unit"] {
        at_least(&counts, kind, 95);
    }
    for kind in ["negation", "comparison", "party"] {
        at_least(&counts, kind, 80);
    }
    let (all, flagged) = sum(&counts, false, "");
    assert!(flagged * 100 <= all * false_alarms, "{flagged} of {all} true sentences flagged");
}

#[test]
fn planted_errors_are_found_and_true_paraphrases_pass_on_the_part_that_was_developed_on() {
    holds("seen.jsonl", 5);
}
