//! `precis train` and `precis heads`: what is learnt, what passes, what is in use, and what becomes of the old one.

use crate::{id_of, notice, summarize};
use precis_tests::program::{Place, Ran, run};
use serde_json::{Value, json};

/// Rows that all want the list item of their documents, which the built-in ranking leaves out.
fn rows() -> Vec<u8> {
    let subjects = ["bridge", "harbour", "library", "orchard", "railway", "theatre", "market", "tunnel"];
    let doings = ["was opened", "was painted", "is maintained", "was measured", "is visited", "was sold"];
    let sentence = |seed: usize, at: usize| {
        let (subject, other) = (subjects[(seed * 5 + at * 3) % 8], subjects[(seed * 7 + at) % 8]);
        let doing = doings[(seed + at) % 6];
        if at == 11 {
            format!("- The {subject} {doing} beside the {other} with 4{seed} quiet visitors")
        } else {
            format!("The {subject} {doing} by the people near the old {other} in spring.")
        }
    };
    of_rows(40, sentence, |_| 11)
}

/// Rows of sentences of one shape without a word in common, of which any one may be wanted.
fn rows_of_anything() -> Vec<u8> {
    let word = |number: usize| -> String {
        let mut rest = (number + 7) * 7919;
        let letter = |_| {
            rest = rest * 48271 % 2_147_483_647;
            char::from(b'a' + u8::try_from(rest / 13 % 26).unwrap())
        };
        (0..7).map(letter).collect()
    };
    let sentence = |seed: usize, at: usize| {
        let words: Vec<String> = (0..8).map(|n| word(seed * 1009 + (at * 8 + n) * 101)).collect();
        words.join(" ") + "."
    };
    of_rows(48, sentence, |seed| seed * 48271 % 65_537 % 12)
}

fn of_rows(
    count: usize,
    sentence: impl Fn(usize, usize) -> String,
    wanted: impl Fn(usize) -> usize,
) -> Vec<u8> {
    let row = |seed: usize| {
        let sentences: Vec<String> = (0..12).map(|at| sentence(seed, at)).collect();
        let summary = sentences[wanted(seed)].trim_start_matches("- ");
        json!({"id": seed, "document": sentences.join("\n\n"), "summary": summary, "words": 14}).to_string()
    };
    (1..=count).map(row).collect::<Vec<_>>().join("\n").into_bytes()
}

fn heads(place: &Place) -> Vec<Value> {
    place.run(&["heads", "list", "--json"]).with_status(0).json()
}

/// Trains on `rows.jsonl` to `out`. (Elsewhere `--data` is the data folder.)
fn train(place: &Place, out: &str, more: &[&str]) -> Ran {
    run(&mut place.precis(&[&["train", "--data", "rows.jsonl", "--out", out], more].concat()))
}

/// Summarizes a notice under a name and tells whether an earlier result was taken over.
fn taken_over(place: &Place, name: &str) -> bool {
    place.write(name, notice(1));
    summarize(place, &[name]).with_status(0);
    let job = place.run(&["job", &id_of(place, name), "--json"]).with_status(0).out;
    let job: Value = serde_json::from_str(&job).unwrap();
    !job["reused_from"].is_null()
}

fn in_use(place: &Place) -> String {
    let heads = heads(place);
    let mut used = heads.iter().filter(|head| head["in_use"] == true);
    let name = used.next().unwrap()["name"].as_str().unwrap().to_owned();
    assert!(used.next().is_none(), "{heads:?}");
    name
}

#[test]
fn a_head_that_passes_is_taken_into_use_and_the_old_one_comes_back_by_a_command() {
    let place = Place::new();
    place.write("rows.jsonl", rows());
    assert!(!taken_over(&place, "a.txt") && taken_over(&place, "b.txt"));
    assert_eq!(in_use(&place), "recipe");
    let data = place.data();
    let promote = ["--pull", "0.01", "--promote", data.to_str().unwrap()];
    let ran = train(&place, "new.json", &promote).with_status(0);
    assert!(ran.out.contains("passed: better") && ran.err.contains("cross-validation 5 of 5"), "{ran:?}");
    let name = in_use(&place);
    assert!(ran.out.contains(&format!("head {name}")) && ran.out.contains("heads use recipe"), "{ran:?}");

    // The same data and seed give the same bytes, but for what the record says of the command and the day.
    train(&place, "again.json", &["--pull", "0.01"]).with_status(0);
    let read = |file: &str| -> Value {
        serde_json::from_slice(&std::fs::read(place.folder().join(file)).unwrap()).unwrap()
    };
    let (new, second) = (read("new.json"), read("again.json"));
    assert_eq!(new["weights"], second["weights"]);
    assert_eq!(new["record"]["scores"], second["record"]["scores"]);
    assert_eq!(new["record"]["data"][0]["name"], "rows.jsonl");

    // Another ranking is another result: that of the recipe is not taken over, its own is.
    assert!(!taken_over(&place, "c.txt") && taken_over(&place, "d.txt"));

    place.run(&["heads", "use", "recipe"]).with_status(0);
    assert_eq!(in_use(&place), "recipe");
    place.run(&["heads", "use", &name[..6]]).with_status(0);
    assert_eq!(in_use(&place), name);
    let compared = place.run(&["heads", "compare", "recipe", &name, "--on", "rows.jsonl"]).with_status(0);
    assert!(compared.out.contains("on rows.jsonl"), "{compared:?}");
}

#[test]
fn a_head_that_does_not_pass_leaves_the_ranking_in_use() {
    let place = Place::new();
    place.write("rows.jsonl", rows_of_anything());
    std::fs::create_dir_all(place.data()).unwrap();
    let data = place.data();
    let ran = train(&place, "new.json", &["--promote", data.to_str().unwrap()]).with_status(1);
    assert!(ran.out.contains("not passed") && ran.out.contains("stays as it is"), "{ran:?}");
    assert_eq!(in_use(&place), "recipe");
    let refused = place.run(&["heads", "use", "new.json"]).with_status(1);
    assert!(refused.err.contains("not passed") && refused.err.contains("--anyway"), "{refused:?}");
    place.run(&["heads", "use", "new.json", "--anyway"]).with_status(0);
    assert_ne!(in_use(&place), "recipe");
}

#[test]
fn a_head_file_that_is_none_is_refused_with_its_name_and_what_to_do() {
    let place = Place::new();
    place.write("notice.txt", notice(1).as_bytes());
    let good = place.folder().join("good.json");
    std::fs::write(&good, include_bytes!("../../fixtures/head-1.json")).unwrap();
    let text = String::from_utf8(std::fs::read(&good).unwrap()).unwrap();
    for (content, said) in [
        (text[..text.len() / 2].to_owned(), "only the beginning"),
        (text.replace("\"precis_head\": 1", "\"precis_head\": 2"), "version 2"),
        (text.replace("about.lexrank", "about.unheard"), "about.unheard"),
    ] {
        place.write("bad.json", content.as_bytes());
        let ran = place.run(&["summarize", "notice.txt", "--head", "bad.json"]).with_status(1);
        assert!(
            ran.err.contains("bad.json") && ran.err.contains(said) && ran.err.contains("precis train"),
            "{ran:?}"
        );
    }
    // One that an earlier release wrote is read, and ranks.
    summarize(&place, &["notice.txt", "--head", "good.json"]).with_status(0);
}

#[test]
fn rows_that_are_none_are_refused_before_anything_is_trained() {
    let place = Place::new();
    for (content, said) in [
        ("{\"document\":\"D\"}", "either \"summary\""),
        ("", "no rows"),
        ("{\"document\":\"One. Two.\",\"summary\":\"S\"}", "too few"),
    ] {
        place.write("rows.jsonl", content.as_bytes());
        let ran = train(&place, "new.json", &[]).with_status(1);
        assert!(ran.err.contains(said), "{ran:?}");
        assert!(!place.folder().join("new.json").exists());
    }
}
