//! The data folder: whose it is, what is refused, and that a refusal leaves it as it was.

use crate::bad_input::{can_be_unprivileged, unprivileged};
use crate::{ended, id_of, jobs, notice, result, summarize, up};
use precis_tests::program::{Place, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A place whose data folder has one finished job.
fn with_one_job() -> Place {
    let place = Place::new();
    place.write("notice.txt", notice(1));
    summarize(&place, &["notice.txt"]).with_status(0);
    assert!(!place.data().join("precis.db-wal").exists(), "a command that ended has closed its database");
    place
}

#[test]
fn a_folder_of_something_else_is_refused_and_left_alone() {
    let place = Place::new();
    place.write("data/thesis.odt", "ten years of work");
    place.write("notice.txt", notice(1));
    for command in [&["summarize", "notice.txt"] as &[&str], &["up"], &["jobs"]] {
        place.run(command).with_status(1).saying(&["not a Precis data folder", "--data"]);
    }
    let left: Vec<_> = fs::read_dir(place.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["thesis.odt"]);
}

#[test]
fn a_file_in_its_place_is_refused() {
    let place = Place::new();
    place.write("data", "I am a file");
    place.write("notice.txt", notice(1));
    for command in [&["summarize", "notice.txt"] as &[&str], &["up"], &["jobs"], &["put", "notice.txt"]] {
        place.run(command).with_status(1).saying(&["is a file, not a folder"]);
    }
    assert_eq!(fs::read_to_string(place.data()).unwrap(), "I am a file");
}

#[test]
fn a_folder_that_is_not_there_is_named_to_those_who_only_look() {
    let place = Place::new();
    for command in [&["jobs"] as &[&str], &["queues"], &["subscriptions"], &["job", "abcd"], &["settings"]] {
        place.run(command).with_status(1).saying(&["there is no data folder", "precis up --data"]);
    }
    assert!(!place.data().exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_named_as_that() {
    let place = Place::new();
    if !can_be_unprivileged(&place) {
        return;
    }
    let note = place.write("notice.txt", notice(1));
    fs::set_permissions(&note, fs::Permissions::from_mode(0o644)).unwrap();
    fs::create_dir(place.data()).unwrap();
    fs::set_permissions(place.data(), fs::Permissions::from_mode(0o555)).unwrap();
    for arguments in [&["summarize", "notice.txt"] as &[&str], &["up"]] {
        let mut command = place.precis(arguments);
        command.arg("--data").arg(place.data());
        run(unprivileged(&mut command))
            .with_status(1)
            .saying(&["cannot write to the data folder", "right to write"]);
    }
    let mut command = place.precis(&["doctor", "--check", "permissions", "--data"]);
    command.arg(place.data());
    run(unprivileged(&mut command)).with_status(1).saying(&["WRONG permissions", "Do: "]);
}

#[test]
fn a_second_precis_up_is_refused_and_told_by_whom_while_commands_work_beside_the_first() {
    let place = Place::new();
    let first = up(&place, &[]);
    let refused = place.run(&["up"]).with_status(1);
    let pid = format!("process {}", first.pid());
    assert!(
        refused.err.contains("in use by another Precis") && refused.err.contains(&pid),
        "{}",
        refused.err
    );
    place.write("notice.txt", notice(1));
    let ran = summarize(&place, &["notice.txt"]).with_status(0);
    assert!(ran.err.contains("`precis up` is at work"), "its workers do it: {}", ran.err);
    assert_eq!(ended(&place, 1)[0]["state"], "summarized");
    first.stop();
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_untouched() {
    let place = with_one_job();
    let database = place.data().join("precis.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes[60..64].copy_from_slice(&9999_u32.to_be_bytes());
    fs::write(&database, &bytes).unwrap();
    for command in [&["jobs"] as &[&str], &["up"], &["summarize", "notice.txt"], &["export", "b.tar"]] {
        place.run(command).with_status(1).saying(&["written by a newer Precis", "9999", "left untouched"]);
    }
    assert!(fs::read(&database).unwrap() == bytes, "the file has changed");
}

#[test]
fn a_corrupt_database_is_named_with_what_to_do_and_left_untouched() {
    let place = with_one_job();
    let database = place.data().join("precis.db");
    let whole = fs::read(&database).unwrap();
    let mut no_header = whole.clone();
    no_header[..16].copy_from_slice(b"no database here");
    let mut torn = whole.clone();
    for byte in torn.iter_mut().skip(4096) {
        *byte = 0x5a;
    }
    for (what, bytes) in [("no header", no_header), ("torn", torn), ("cut", whole[..50].to_vec())] {
        fs::write(&database, &bytes).unwrap();
        for side in ["precis.db-wal", "precis.db-shm"] {
            let _ = fs::remove_file(place.data().join(side));
        }
        let ran = place.run(&["up"]).with_status(1);
        assert!(ran.err.contains("is damaged and was left untouched"), "{what}: {}", ran.err);
        assert!(ran.err.contains("precis import"), "{what}: {}", ran.err);
        assert!(fs::read(&database).unwrap() == bytes, "{what}: the file has changed");
    }
    fs::write(&database, &whole).unwrap();
    assert_eq!(jobs(&place).len(), 1, "brought back, it is as it was");
}

#[test]
fn settings_that_cannot_be_understood_are_refused_with_the_line() {
    let place = with_one_job();
    place.write("data/precis.toml", "[defaults]\nwords = 80\nwrods = 90\n");
    place.run(&["jobs"]).with_status(1).saying(&["precis.toml", "wrods", "3"]);
    place.run(&["doctor", "--check", "settings"]).with_status(1).saying(&["WRONG settings", "wrods"]);
}

#[test]
fn a_backup_brings_everything_back_into_a_new_folder_and_a_damaged_one_nothing() {
    let place = with_one_job();
    let id = id_of(&place, "notice.txt");
    place.run(&["export", "backup.tar"]).with_status(0).saying(&["Wrote backup.tar", "checked"]);
    place.run(&["export", "backup.tar"]).with_status(1).saying(&["exists already"]);
    place.run(&["import", "backup.tar"]).with_status(1).saying(&["is not empty"]);

    let other = place.folder().join("other");
    let import = |backup: &str| {
        let mut command = place.precis(&["import", backup, "--data"]);
        run(command.arg(&other))
    };
    let backup = place.folder().join("backup.tar");
    let mut damaged = fs::read(&backup).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    place.write("damaged.tar", &damaged);
    place.write("cut.tar", &damaged[..middle]);
    for bad in ["damaged.tar", "cut.tar", "missing.tar", "notice.txt"] {
        let ran = import(bad).with_status(1);
        assert!(ran.err.starts_with("precis: "), "{bad}: {}", ran.err);
        assert!(!other.exists(), "{bad}: nothing is left of it");
    }
    import("backup.tar").with_status(0).saying(&["Made ", "precis up --data"]);
    let list = run(place.precis(&["jobs", "--json", "--data"]).arg(&other)).with_status(0);
    assert_eq!(list.json(), jobs(&place));
    let text = run(place.precis(&["text", &id, "--data"]).arg(&other)).with_status(0).out;
    assert_eq!(text, place.run(&["text", &id]).with_status(0).out);
    let kept = fs::read_to_string(other.join("results/notice.txt.md")).unwrap();
    assert_eq!(kept, result(&place, "notice.txt.md"));
}
