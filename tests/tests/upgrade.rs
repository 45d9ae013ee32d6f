//! Yesterday's data opens: data folders that earlier releases made (`fixtures/make-data.sh`), each in the middle of
//! its work, are opened by the present program, which tells what is in them and finishes what they owe.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use precis_tests::program::eventually;
use precis_tests::running::{self, Up};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What had ended in every fixture, by key: the run, its state, its reason.
const ENDED: [(&str, u64, &str, Option<&str>); 7] = [
    ("contracts/2027/lease.txt", 1, "summarized", None),
    ("contracts/lease.txt", 1, "summarized", None),
    ("contracts/scan.png", 1, "summarized", None),
    ("empty.txt", 1, "rejected", Some("EMPTY_FILE")),
    ("hook/offer.txt", 1, "summarized", None),
    ("short.txt", 1, "rejected", Some("TOO_LITTLE_TEXT")),
    ("twice.txt", 2, "summarized", None),
];
/// What was at work when the process died: one of them at notify, the other wherever it had come to.
const AT_WORK: [&str; 2] = ["kept.txt", "told.txt"];
/// What no process had seen: only its message waits.
const UNSEEN: &str = "new.txt";

/// The fixture of each release.
fn fixtures() -> Vec<PathBuf> {
    let folder = running::fixtures();
    let names = running::files(&folder);
    let fixtures: Vec<_> = names
        .into_iter()
        .filter(|name| name.starts_with("data-") && name.ends_with(".tar.gz"))
        .map(|name| folder.join(name))
        .collect();
    assert!(!fixtures.is_empty(), "there is no fixture");
    fixtures
}

fn unpack(fixture: &Path) -> (TempDir, PathBuf) {
    println!("{}", fixture.file_name().unwrap().display());
    let folder = tempfile::tempdir().unwrap();
    let unpacked =
        Command::new("tar").arg("-xzf").arg(fixture).arg("-C").arg(folder.path()).status().unwrap();
    assert!(unpacked.success());
    let data = folder.path().join("data");
    (folder, data)
}

/// All files with their bytes.
fn content(data: &Path) -> BTreeMap<String, Vec<u8>> {
    running::files(data).into_iter().map(|name| (name.clone(), fs::read(data.join(&name)).unwrap())).collect()
}

#[test]
fn what_earlier_releases_did_is_listed_and_can_be_read() {
    for fixture in fixtures() {
        let (_folder, data) = unpack(&fixture);
        let jobs = running::jobs(&data);
        assert_eq!(jobs.len(), ENDED.len() + AT_WORK.len());
        let by_key = |key: &str| {
            jobs.iter().find(|job| job["key"] == key).unwrap_or_else(|| panic!("no job of {key}"))
        };
        for (key, run, state, reason) in ENDED {
            let job = by_key(key);
            assert_eq!(
                (&job["run"], &job["state"], &job["reason"]),
                (&run.into(), &state.into(), &reason.into())
            );
            let result = data.join("results").join(format!("{key}.json"));
            let report: serde_json::Value = serde_json::from_slice(&fs::read(result).unwrap()).unwrap();
            assert_eq!((&report["outcome"], &report["run"]), (&state.into(), &run.into()), "{key}");
            if state == "summarized" {
                let text = running::ask(&data, "text", &[job["id"].as_str().unwrap()]);
                assert!(text.contains("caretaker"), "{key}: {text}");
            }
        }
        let stages = AT_WORK.map(|key| by_key(key)["stage"].as_str().unwrap());
        assert!(stages.contains(&"notify"), "{stages:?}");
        let scan = by_key("contracts/scan.png");
        assert_eq!(scan["ocr_pages"], 1);
        let reprocessed = running::job(&data, by_key("twice.txt")["id"].as_str().unwrap());
        assert_eq!(reprocessed["past"][0]["outcome"]["kind"], "summarized");
        let subscriptions = running::ask_json(&data, "subscriptions", &[] as &[&str]);
        assert_eq!(subscriptions.len(), 2, "{subscriptions:?}");
    }
}

#[test]
fn what_earlier_releases_owed_is_finished() {
    for fixture in fixtures() {
        let (folder, data) = unpack(&fixture);
        let told = running::files(&data.join("outbox")).len();
        let up = Up::start(&data, &folder.path().join("up.log"), &[], &[]);
        let keys = AT_WORK.into_iter().chain([UNSEEN]);
        eventually("what was owed is finished", 60, || {
            let jobs = running::jobs(&data);
            let ended = jobs.len() == ENDED.len() + AT_WORK.len() + 1 && running::unfinished(&jobs) == 0;
            let mails = running::files(&data.join("outbox")).len();
            (ended && mails == told + 3 && running::messages(&data) == [0; 4]).then_some(())
        });
        up.stop();
        for key in keys {
            let jobs = running::jobs(&data);
            let job = jobs.iter().find(|job| job["key"] == key).unwrap();
            assert_eq!(job["state"], "summarized", "{job}");
            let text = fs::read_to_string(data.join("results").join(format!("{key}.txt"))).unwrap();
            assert!(text.contains("caretaker"));
            let mail = data.join("outbox").join(format!("{}-1.eml", job["id"].as_str().unwrap()));
            assert!(mail.is_file(), "{key} was not told");
        }
    }
}

#[test]
fn a_folder_of_a_newer_release_is_refused_and_left_untouched() {
    for fixture in fixtures() {
        let (_folder, data) = unpack(&fixture);
        let database = data.join("precis.db");
        let mut bytes = fs::read(&database).unwrap();
        // SQLite keeps `user_version` there, big end first.
        bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
        fs::write(&database, bytes).unwrap();
        let before = content(&data);
        for command in ["up", "jobs", "queues"] {
            let output = running::run(&data, command, &[] as &[&str]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "precis {command}: {said}");
            assert!(said.contains("newer Precis") && said.contains("9999"), "precis {command}: {said}");
        }
        assert!(content(&data) == before, "it was changed: {:?}", running::files(&data));
    }
}
