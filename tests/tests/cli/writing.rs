//! `--writer`: a model that writes, and what of it comes into a summary.

use crate::{notice, summarize};
use precis_tests::program::{Place, repository};
use std::fs;

/// A small Qwen3 with random weights, which the tests of `models` are held to, with room for a document.
fn writer(place: &Place) -> String {
    let golden = repository().join("shared/models/tests/golden/qwen3");
    let folder = place.folder().join("small-writer");
    fs::create_dir(&folder).unwrap();
    for file in fs::read_dir(golden).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    let config = fs::read_to_string(folder.join("config.json")).unwrap();
    let room = r#""max_position_embeddings":8192"#;
    let roomy = config.replace(r#""max_position_embeddings":512"#, room);
    assert!(roomy.contains(room));
    fs::write(folder.join("config.json"), roomy).unwrap();
    folder.to_str().unwrap().to_owned()
}

#[test]
fn a_model_writes_where_it_was_asked_to_and_what_it_says_is_held_against_the_document() {
    let place = Place::new();
    place.write("notice.txt", notice(1));
    let writer = writer(&place);
    let asked = ["notice.txt", "--writer", &writer, "--set", "write=generate"];
    let reports = summarize(&place, &asked).with_status(0).json();
    let summary = &reports[0]["summary"];
    let writing = &summary["writing"];
    assert!(writing["model"].as_str().unwrap().starts_with("small-writer@"), "{writing}");
    // It wrote; but nothing that random weights write can stand, so the document's own sentences do, with the reason.
    assert!(!writing["steps"].as_array().unwrap().is_empty(), "{writing}");
    assert!(!writing["instead"].as_str().unwrap().contains("context"), "{writing}");
    let own = notice(1);
    for sentence in summary["sentences"].as_array().unwrap() {
        assert!(own.contains(sentence["text"].as_str().unwrap()), "{sentence}");
    }
    let ran = place.run(&[&["summarize"] as &[&str], &asked].concat()).with_status(0);
    assert!(ran.out.contains("Not written: "), "{}", ran.out);

    let other = Place::new();
    other.write("notice.txt", notice(1));
    let plain = summarize(&other, &["notice.txt", "--writer", &writer]).with_status(0).json();
    assert!(plain[0]["summary"]["writing"].is_null(), "it writes only where it was asked to");
}

#[test]
fn a_document_that_a_writer_has_no_room_for_keeps_its_own_sentences_and_says_why() {
    let place = Place::new();
    place.write("notice.txt", notice(1));
    let writer = repository().join("shared/models/tests/golden/t5-gated");
    let asked = ["notice.txt", "--writer", writer.to_str().unwrap(), "--set", "write=generate"];
    let reports = summarize(&place, &asked).with_status(0).json();
    let why = reports[0]["summary"]["writing"]["instead"].as_str().unwrap();
    assert!(why.contains("context of 512 tokens"), "{why}");
}

#[test]
fn a_writer_that_is_not_there_or_cannot_write_is_named() {
    let place = Place::new();
    place.write("notice.txt", notice(1));
    let nowhere = place.folder().join("nowhere").to_str().unwrap().to_owned();
    place.run(&["summarize", "notice.txt", "--writer", &nowhere]).with_status(1).saying(&[
        "no model that writes",
        "nowhere",
        "precis models",
    ]);
    let reader = repository().join("models/all-MiniLM-L6-v2").to_str().unwrap().to_owned();
    place
        .run(&["summarize", "notice.txt", "--writer", &reader])
        .with_status(1)
        .saying(&["bert", "t5 and qwen3"]);
}
