//! Rates of the checker on a set that `tests/checking/plant.py` made: `checking DIR/documents.json SET.jsonl [--misses]`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for the desk")]

use precis_summarizer::Checker;
use serde_json::Value;
use std::collections::BTreeMap;

fn main() {
    let mut args = std::env::args().skip(1);
    let documents = std::fs::read_to_string(args.next().unwrap()).unwrap();
    let documents: Vec<Vec<String>> = serde_json::from_str(&documents).unwrap();
    let lines = std::fs::read_to_string(args.next().unwrap()).unwrap();
    let misses = args.next().is_some();
    let checkers: Vec<Checker> = documents
        .iter()
        .map(|document| {
            Checker::new(&document.iter().map(String::as_str).collect::<Vec<_>>(), "", Some("en"))
        })
        .collect();
    let mut counts: BTreeMap<(bool, String), (usize, usize, usize)> = BTreeMap::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (error, kind, text) = (
            line["error"].as_bool().unwrap(),
            line["kind"].as_str().unwrap(),
            line["text"].as_str().unwrap(),
        );
        let document = usize::try_from(line["document"].as_u64().unwrap()).unwrap();
        let source = usize::try_from(line["sentence"].as_u64().unwrap()).unwrap();
        let verdict = checkers[document].check(text, &[]);
        let found = !verdict.problems.is_empty();
        let count = counts.entry((error, kind.to_owned())).or_default();
        count.0 += 1;
        count.1 += usize::from(found);
        count.2 += usize::from(verdict.supports.first().is_some_and(|support| support.source == source));
        if misses && found != error {
            println!(
                "{kind}\n  said   {text}\n  source {}\n  {:?} {:?}",
                documents[document][source], verdict.problems, verdict.supports
            );
        }
    }
    for ((error, kind), (all, found, aligned)) in counts {
        let name = if error { "error" } else { "true " };
        println!(
            "{name} {kind:22} flagged {found:4} of {all:4} {:6.1} %   source found {aligned}",
            100.0 * found as f64 / all as f64
        );
    }
}
