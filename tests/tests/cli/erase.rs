//! The right to erasure, in a data folder: nothing that a document brought is left in any file.

use crate::{ended, id_of, jobs, notice, up};
use precis_tests::program::{Place, eventually};
use precis_tests::running;
use std::fs;

/// Words that stand in one document alone, and in its key.
const TEXT: &str = "zanzibarwort";
const KEY: &str = "geheimakte";

/// The files of a folder that hold any of these words, as they are or as mail and JSON encode them.
fn holding(place: &Place, words: &[&str]) -> Vec<String> {
    let data = place.data();
    let holds = |name: &String| {
        let bytes = fs::read(data.join(name)).unwrap_or_default();
        words
            .iter()
            .any(|word| name.contains(word) || bytes.windows(word.len()).any(|part| part == word.as_bytes()))
    };
    running::files(&data).into_iter().filter(holds).collect()
}

#[test]
fn nothing_of_an_erased_document_is_left_in_any_file_and_its_neighbours_stay() {
    let place = Place::new();
    place.write("data/precis.toml", "");
    let text = notice(1).replace("the library", TEXT);
    fs::create_dir_all(place.data().join("inbox/private")).unwrap();
    fs::write(place.data().join(format!("inbox/private/{KEY}.txt")), &text).unwrap();
    // Large enough to be a file of its own beside the database, and the same under two keys.
    let large =
        format!("{}{}", notice(2), "Nothing else happened on that day in the harbour.\n".repeat(4000));
    fs::write(place.data().join("inbox/large.txt"), &large).unwrap();
    fs::write(place.data().join("inbox/private/twin.txt"), &large).unwrap();
    let working = up(&place, &[]);
    ended(&place, 3);
    let id = id_of(&place, &format!("private/{KEY}.txt"));
    eventually("everything is delivered", 60, || {
        let told = place.data().join(format!("outbox/{id}-1.eml")).exists();
        let result = place.data().join(format!("results/private/{KEY}.txt.txt")).exists();
        (told && result).then_some(())
    });
    let before = holding(&place, &[TEXT, KEY]);
    assert!(before.len() >= 5, "there is something to erase: {before:?}");

    let key = format!("private/{KEY}.txt");
    let plan = place.run(&["erase", &key]).with_status(1);
    let plan = plan.saying(&[
        "versions of the object",
        "artifacts",
        "inbox/private",
        ".eml",
        "--yes",
        "precis export",
    ]);
    assert_eq!(plan.out.matches(".txt.md").count(), 1, "{}", plan.out);
    assert_eq!(holding(&place, &[TEXT, KEY]), before, "a look deletes nothing");
    place.run(&["erase", &key, "--yes"]).with_status(0).saying(&["Erased."]);
    place.run(&["erase", "private/twin.txt", "--yes"]).with_status(0);
    working.stop();
    assert_eq!(holding(&place, &[TEXT, KEY]), Vec::<String>::new());

    place.run(&["job", &id[..8]]).with_status(0).saying(&["ERASED at", "nothing of its document"]);
    place.run(&["jobs"]).with_status(0).saying(&["erased", "(erased)", "large.txt"]);
    place.run(&["erase", &id[..8], "--yes"]).with_status(1).saying(&["was erased at"]);
    place.run(&["erase", &key]).with_status(1).saying(&["there is no document with the key"]);
    place.run(&["retry", &id[..8]]).with_status(0).saying(&["erased, there is nothing to run"]);
    let other = id_of(&place, "large.txt");
    place.run(&["result", &other]).with_status(0).saying(&["hall 2"]);
    place.run(&["reprocess", &other, "--words", "30", "--fresh"]).with_status(0);
    let again = up(&place, &[]);
    let all = ended(&place, 3);
    let large = all.iter().find(|job| job["key"] == "large.txt").unwrap();
    assert_eq!(
        (&large["run"], &large["state"]),
        (&2.into(), &"summarized".into()),
        "its bytes were another's too"
    );

    // Dropped in once more it is a document like any other.
    fs::create_dir_all(place.data().join("inbox/private")).unwrap();
    fs::write(place.data().join(format!("inbox/private/{KEY}.txt")), &text).unwrap();
    let back = eventually("it is summarized again", 120, || {
        jobs(&place).into_iter().find(|job| job["id"] == id.as_str() && job["state"] == "summarized")
    });
    assert_eq!(back["run"], 2);
    again.stop();
}

#[test]
fn the_object_may_be_kept_and_is_not_done_again() {
    let place = Place::new();
    place.write("data/precis.toml", "");
    fs::create_dir_all(place.data().join("inbox")).unwrap();
    fs::write(place.data().join("inbox/a.txt"), notice(7)).unwrap();
    let working = up(&place, &[]);
    let id = ended(&place, 1)[0]["id"].as_str().unwrap().to_owned();
    place.run(&["erase", &id[..8], "--keep-object", "--yes", "--json"]).with_status(0);
    working.stop();
    assert!(place.data().join("inbox/a.txt").exists());
    place.run(&["backfill", "--yes"]).with_status(0).saying(&["0 documents were sent, 1 had a job already"]);
    assert_eq!(jobs(&place)[0]["state"], "erased");
}
