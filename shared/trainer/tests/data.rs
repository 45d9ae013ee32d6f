//! The three kinds of rows, and what is said of those that are none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use precis_trainer::data::{Goal, plain, read};

fn file(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn a_file_holds_summaries_facts_and_preferences() {
    let (_folder, path) = file(concat!(
        r#"{"id":"a","title":"T","document":"D","reference":"R"}"#,
        "\n\n",
        r#"{"id":2,"document":"D","summary":"S","words":50}"#,
        "\n",
        r#"{"document":"D","facts":["1 May (noon)",{"must":"x","patterns":[["a","b"],["c"]]}],"traps":["no"]}"#,
        "\n",
        r#"{"document":"D","better":"B","worse":"W"}"#,
    ));
    let set = read(&path).unwrap();
    assert_eq!((set.name.as_str(), set.rows.len(), set.sha256.len()), ("rows.jsonl", 4, 64));
    assert!(matches!(&set.rows[0].goal, Goal::Reference(text) if text == "R"));
    assert_eq!(set.rows.iter().map(|row| row.words).collect::<Vec<_>>(), [90, 50, 120, 90]);
    assert_eq!(set.rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["a", "2", "4", "5"]);
    let Goal::Facts { facts, traps } = &set.rows[2].goal else { panic!("facts") };
    // A text is looked for as it stands, whatever its case; patterns are alternatives within groups.
    assert_eq!(facts[0].groups_in("BY 1 MAY (NOON)."), [true]);
    assert_eq!(facts[0].groups_in("by 1 May noon."), [false]);
    assert_eq!(facts[1].groups_in("b and C"), [true, true]);
    assert_eq!(facts[1].groups_in("a"), [true, false]);
    assert_eq!(traps.len(), 1);
    assert!(matches!(&set.rows[3].goal, Goal::Pair { better, worse } if better == "B" && worse == "W"));
}

#[test]
fn a_folder_holds_documents_with_their_facts_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("01-note.txt"), "Pay 5 euros.").unwrap();
    std::fs::write(
        folder.path().join("01-note.facts.json"),
        r#"{"facts":[{"patterns":[["5 euros"]]}],"trap":[]}"#,
    )
    .unwrap();
    std::fs::write(folder.path().join("readme.md"), "no row").unwrap();
    let set = read(folder.path()).unwrap();
    assert_eq!(set.rows.len(), 1);
    assert_eq!((set.rows[0].id.as_str(), set.rows[0].name.as_str()), ("01-note", "01-note.txt"));
    std::fs::remove_file(folder.path().join("01-note.txt")).unwrap();
    assert!(read(folder.path()).unwrap_err().to_string().contains("no 01-note.md or .txt"));
}

#[test]
fn what_is_wrong_is_said_with_the_file_and_the_row() {
    for (text, said) in [
        ("{\"document\":\"D\",\"summary\":\"S\"}\n{\"document\":", "row 2"),
        (r#"{"summary":"S"}"#, "no \"document\""),
        (r#"{"document":"D"}"#, "either \"summary\""),
        (r#"{"document":"D","summary":"S","facts":["a"]}"#, "either \"summary\""),
        (r#"{"document":"D","better":"B"}"#, "either \"summary\""),
        (r#"{"document":"D","facts":[]}"#, "empty"),
        (r#"{"document":"D","facts":[{"patterns":[["("]]}]}"#, "the pattern \"(\""),
        (r#"{"document":"D","summary":"S","words":1}"#, "10 to 5000"),
        ("\n\n", "there are no rows"),
    ] {
        let (_folder, path) = file(text);
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("rows.jsonl"), "{error}");
    }
    assert!(read("/nowhere/rows.jsonl".as_ref()).unwrap_err().to_string().contains("/nowhere/rows.jsonl"));
}

#[test]
fn facts_are_looked_for_in_plain_text() {
    assert_eq!(plain("“It’s”  **due** 1–2\nMay"), "\"It's\" due 1-2 May");
}
