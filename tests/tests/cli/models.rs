//! `precis models`: from a folder, listed, held against what came, used by name, removed.

use crate::pulls::{bytes, files};
use crate::{notice, summarize};
use precis_tests::program::{Place, Ran, repository, run};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

/// A place with a small model in the folder `given`.
fn place() -> Place {
    let place = Place::new();
    for (path, content) in files(50_000) {
        place.write(format!("given/tiny/{path}"), content);
    }
    place
}

fn models(place: &Place, arguments: &[&str]) -> Ran {
    run(&mut place.precis(&[&["models"], arguments].concat()))
}

fn pulled(place: &Place) -> PathBuf {
    models(place, &["pull", "given/tiny", "--to", "shelf"]).with_status(0).saying(&["Pulled tiny: 5 files"]);
    place.folder().join("shelf/tiny")
}

#[test]
fn a_folder_is_copied_with_its_record_and_a_copy_of_that_knows_where_it_came_from() {
    let place = place();
    let folder = pulled(&place);
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), bytes(50_000));
    assert!(!folder.join("pytorch_model.bin").exists() && !folder.join("modeling.py").exists());
    models(&place, &["pull", "given/tiny", "--to", "shelf"]).with_status(0).saying(&["is there already"]);

    models(&place, &["pull", "shelf/tiny", "--to", "second"]).with_status(0);
    let row = models(&place, &["list", "--in", "second", "--json"]).with_status(0).json().remove(0);
    let given = fs::canonicalize(place.folder().join("given/tiny")).unwrap();
    assert_eq!((&row["kind"], &row["origin"]), (&json!("bert"), &json!(given)), "{row}");

    // What its record does not vouch for is not copied.
    let mut weights = bytes(50_000);
    weights[123] ^= 1;
    fs::write(folder.join("model.safetensors"), weights).unwrap();
    let refused = models(&place, &["pull", "shelf/tiny", "--to", "third"]).with_status(1);
    refused.saying(&["model.safetensors came with other bytes"]);
    assert!(!place.folder().join("third/tiny").exists());
}

#[test]
fn links_of_a_hubs_cache_are_followed_and_a_link_in_our_own_place_is_not() {
    let place = place();
    let blob = place.write("cache/blobs/abc", bytes(50_000));
    let snapshot = place.folder().join("cache/snapshots/tiny");
    fs::create_dir_all(&snapshot).unwrap();
    for name in ["config.json", "tokenizer.json"] {
        fs::copy(place.folder().join("given/tiny").join(name), snapshot.join(name)).unwrap();
    }
    std::os::unix::fs::symlink(&blob, snapshot.join("model.safetensors")).unwrap();
    // Somebody put a link where files will gather.
    let victim = place.write("victim/config.json", "precious");
    fs::create_dir_all(place.folder().join("shelf")).unwrap();
    let work = place.folder().join("shelf/.pull-tiny");
    std::os::unix::fs::symlink(victim.parent().unwrap(), &work).unwrap();
    models(&place, &["pull", "cache/snapshots/tiny", "--to", "shelf"]).with_status(0);
    let weights = place.folder().join("shelf/tiny/model.safetensors");
    assert!(fs::symlink_metadata(&weights).unwrap().is_file());
    assert_eq!(fs::read(weights).unwrap(), bytes(50_000));
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
}

#[test]
fn every_kind_of_damage_is_named() {
    let place = place();
    let folder = pulled(&place);
    let verify = || models(&place, &["verify", "--in", "shelf"]);
    verify().with_status(0).saying(&["ok    tiny", "as they came from"]);
    let weights = folder.join("model.safetensors");
    let mut spoilt = bytes(50_000);
    spoilt[40_000] ^= 0x10;
    fs::write(&weights, &spoilt).unwrap();
    let said = verify().with_status(1).saying(&["WRONG tiny", "model.safetensors: its bytes are not those"]);
    fs::write(&weights, &spoilt[..100]).unwrap();
    verify().with_status(1).saying(&["it has 100 bytes and should have 50000"]);
    fs::remove_file(&weights).unwrap();
    verify().with_status(1).saying(&["model.safetensors: No such file"]);
    fs::write(folder.join("model-2.safetensors"), b"x").unwrap();
    verify().with_status(1).saying(&["model-2.safetensors: it did not come with the model"]);

    // What it says to do mends it.
    let advice =
        said.out.lines().find_map(|line| line.trim().strip_prefix("Do: precis ")).unwrap().to_owned();
    let words: Vec<_> = advice.split(' ').collect();
    run(&mut place.precis(&words)).with_status(0);
    verify().with_status(0);

    fs::write(folder.join("precis-model.json"), b"{").unwrap();
    verify().with_status(1).saying(&["precis-model.json: it is damaged"]);
    models(&place, &["list", "--in", "shelf"]).with_status(0).saying(&["tiny", "it is damaged"]);
    fs::write(
        folder.join("precis-model.json"),
        br#"{"precis_model":2,"source":"x","pulled_at":"2026-01-01T00:00:00Z","files":[]}"#,
    )
    .unwrap();
    verify().with_status(1).saying(&["a newer precis wrote it"]);
    fs::remove_file(folder.join("precis-model.json")).unwrap();
    verify().with_status(0).saying(&["?     tiny", "no record"]);
    models(&place, &["verify", "tiny", "--in", "shelf"]).with_status(1).saying(&["no record", "--replace"]);
    models(&place, &["verify", "other", "--in", "shelf"])
        .with_status(1)
        .saying(&["there is no model \"other\""]);
}

#[test]
fn a_record_that_the_first_release_wrote_is_read() {
    let place = place();
    let record: Value = serde_json::from_slice(include_bytes!("../../fixtures/precis-model-1.json")).unwrap();
    assert_eq!(record["precis_model"], 1);
    place.write("shelf/old/config.json", "{}");
    place.write("shelf/old/tokenizer.json", "abc");
    place.write("shelf/old/precis-model.json", record.to_string());
    models(&place, &["verify", "old", "--in", "shelf"]).with_status(0).saying(&["ok    old", "2 files"]);
    let row = models(&place, &["list", "--in", "shelf", "--json"]).with_status(0).json().remove(0);
    assert_eq!(row["source"], "hf:ours/tiny-bert");
    assert_eq!(row["revision"], "0123456789abcdef0123456789abcdef01234567");
}

#[test]
fn a_model_is_used_by_its_name_and_listed_as_used() {
    let place = Place::new();
    let given = repository().join("models/all-MiniLM-L6-v2");
    let given = given.to_str().unwrap();
    fs::create_dir(place.folder().join("models")).unwrap();
    // A folder of models that is there is where they go.
    models(&place, &["pull", given, "--as", "mini"]).with_status(0).saying(&["into models/mini"]);
    place.write("notice.txt", notice(1));
    let summarize = ["summarize", "notice.txt", "--model", "mini", "--format", "json"];
    let summary = run(&mut place.precis(&summarize)).with_status(0);
    assert_eq!(summary.json()[0]["outcome"], "summarized");
    run(&mut place.precis(&["summarize", "notice.txt", "--model", "nobody"]))
        .with_status(1)
        .saying(&["there is no model in nobody", "precis models list"]);

    let mut list = place.precis(&["models", "list", "--json"]);
    let rows = run(list.env("PRECIS_MODEL", "mini")).with_status(0).json();
    let used: Vec<_> = rows.iter().filter(|row| row["in_use"] == true).map(|row| &row["name"]).collect();
    assert_eq!(used, ["mini"], "{rows:?}");
    // The one that is used stays, however it is asked for.
    let mut remove = place.precis(&["models", "remove", "mini", "--yes"]);
    run(remove.env("PRECIS_MODEL", "mini"))
        .with_status(1)
        .saying(&["is the model that is used", "PRECIS_MODEL"]);
    assert!(place.folder().join("models/mini/model.safetensors").is_file());
}

#[test]
fn a_model_is_removed_only_when_somebody_means_it() {
    let place = place();
    let folder = pulled(&place);
    let remove = |more: &[&str]| models(&place, &[&["remove", "tiny", "--in", "shelf"], more].concat());
    remove(&[]).with_status(1).saying(&["this deletes tiny, 5", "Do: say it again with --yes"]);
    assert!(folder.exists());
    remove(&["--yes"]).with_status(0).saying(&["Removed tiny"]);
    assert_eq!(fs::read_dir(place.folder().join("shelf")).unwrap().count(), 0);
    remove(&["--yes"]).with_status(1).saying(&["there is no model \"tiny\""]);
    models(&place, &["list", "--in", "shelf"])
        .with_status(0)
        .saying(&["No models in shelf", "precis models pull"]);
    models(&place, &["list", "--in", "nowhere"]).with_status(1).saying(&["there is no folder nowhere"]);
    // The folder that it was copied from is as it was.
    assert_eq!(fs::read(place.folder().join("given/tiny/model.safetensors")).unwrap(), bytes(50_000));

    let elsewhere = place.folder().join("given/tiny");
    std::os::unix::fs::symlink(&elsewhere, place.folder().join("shelf/tiny")).unwrap();
    remove(&["--yes"]).with_status(1).saying(&["is a link to elsewhere"]);
    assert!(elsewhere.join("model.safetensors").is_file());
}

#[test]
fn what_has_come_of_a_model_can_be_removed() {
    let place = place();
    place.write("shelf/.pull-half/model.safetensors.part", bytes(2000));
    place.write("shelf/.pull-half.json", r#"{"source":"hf:a/half","revision":null,"files":[]}"#);
    models(&place, &["list", "--in", "shelf"]).with_status(0).saying(&["half", "unfinished: 2.0 kB"]);
    let remove = |more: &[&str]| models(&place, &[&["remove", "half", "--in", "shelf"], more].concat());
    remove(&[]).with_status(1).saying(&["what has come of half, 2.0 kB"]);
    remove(&["--yes"]).with_status(0).saying(&["Removed what has come of half"]);
    assert_eq!(fs::read_dir(place.folder().join("shelf")).unwrap().count(), 0);
}

#[test]
fn the_help_teaches_where_models_lie_and_how_they_come() {
    let place = Place::new();
    models(&place, &["--help"]).with_status(0).saying(&[
        "/usr/share/precis",
        "precis models pull hf:",
        "Nothing is ever fetched while a document waits",
    ]);
    models(&place, &["pull", "--help"]).with_status(0).saying(&[
        "s3://",
        "HF_TOKEN",
        "HF_ENDPOINT",
        "--revision",
    ]);
}

#[test]
fn the_sentence_model_runs_where_and_as_it_is_told() {
    let place = Place::new();
    place.write("notice.txt", notice(1));
    let with = |more: &[&str]| summarize(&place, &[&["notice.txt"] as &[&str], more].concat());
    let sentences = |more: &[&str]| {
        let mut told = with(more).with_status(0).json();
        told.remove(0)["summary"]["sentences"].take()
    };
    let reference = sentences(&[]);
    assert!(!reference.as_array().unwrap().is_empty());
    for dtype in ["f32", "bf16", "int8"] {
        assert_eq!(sentences(&["--dtype", dtype, "--device", "auto"]), reference, "{dtype}");
    }
    for (wrong, said) in [
        (["--dtype", "int3"], "int3"),
        (["--dtype", "f16"], "f32, bf16 or int8"),
        (["--device", "gpu"], "auto, cpu, cuda or cuda:N"),
        (["--device", "cuda:1"], "feature `cuda`"),
    ] {
        let ran = with(&wrong);
        assert!(ran.status != 0 && ran.err.contains(said), "{wrong:?}: {}", ran.err);
    }
}
