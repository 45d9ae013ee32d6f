//! Bad input, each with the answer that it must get.

use crate::{jobs, notice, pdf, summarize};
use precis_tests::program::{Place, run};
use precis_tests::shared;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The user and group of nobody.
const NOBODY: u32 = 65_534;

/// Lets a command run without the rights of an administrator, who may read and write everything.
pub(crate) fn unprivileged(command: &mut Command) -> &mut Command {
    if rustix::process::geteuid().is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

/// Whether the program can be run without an administrator's rights here; a visible skip if not.
pub(crate) fn can_be_unprivileged(place: &Place) -> bool {
    std::fs::set_permissions(place.folder(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = place.precis(&["--version"]);
    let works = unprivileged(&mut command).output().is_ok_and(|output| output.status.success());
    if !works {
        shared::skip("another user cannot run the program where it lies");
    }
    works
}

#[test]
fn each_bad_file_gets_its_own_answer_and_the_good_one_among_them_its_summary() {
    let place = Place::new();
    let long = pdf(10_000, "Page");
    let cut = pdf(30, &notice(1));
    let locked = {
        let pdf = String::from_utf8(pdf(1, &notice(2))).unwrap();
        let zeros = "00".repeat(32);
        let lock =
            format!("/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <{zeros}> /U <{zeros}> >>");
        pdf.replace("/Root 1 0 R", &format!("/Root 1 0 R {lock} /ID [<{zeros}> <{zeros}>]"))
    };
    let cases: &[(&str, Vec<u8>, Option<&str>)] = &[
        ("zero-bytes.pdf", Vec::new(), Some("EMPTY_FILE")),
        ("encrypted.pdf", locked.into_bytes(), Some("ENCRYPTED")),
        ("truncated.pdf", cut[..cut.len() / 3].to_vec(), Some("DAMAGED")),
        ("no-pages.pdf", pdf(0, ""), Some("NO_PAGES")),
        ("blank-pages.pdf", pdf(3, ""), Some("BLANK_PAGES")),
        ("10000-pages.pdf", long, Some("TOO_MANY_PAGES")),
        ("no-letters.txt", "12 34.5 -- 99,00 %%% 17:30 *** 4711\n".repeat(40).into_bytes(), Some("NO_TEXT")),
        ("blanks.txt", " \n\t\n".repeat(500).into_bytes(), Some("BLANK_PAGES")),
        ("zeros.docx", vec![0; 4096], Some("ZERO_BYTES")),
        ("program.pdf", [b"\x7fELF\x02\x01\x01".as_slice(), &[7; 4000]].concat(), Some("UNSUPPORTED_TYPE")),
        ("good.txt", notice(3).into_bytes(), None),
        // The ending lies; the bytes tell.
        ("a-pdf.docx", pdf(1, &notice(4)), None),
        ("a-text.pdf", notice(5).into_bytes(), None),
    ];
    for (name, content, _) in cases {
        place.write(name, content);
    }
    let names: Vec<&str> = cases.iter().map(|(name, _, _)| *name).collect();
    let ran = summarize(&place, &names).with_status(1);
    let reports = ran.json();
    assert_eq!(reports.len(), cases.len(), "{}", ran.err);
    let mut wrong = Vec::new();
    for ((name, _, expected), report) in cases.iter().zip(&reports) {
        let outcome = if expected.is_some() { "rejected" } else { "summarized" };
        if report["outcome"] != outcome || report["reason"].as_str() != *expected {
            wrong.push(format!(
                "{name}: {} {} {}",
                report["outcome"], report["reason"], report["explanation"]
            ));
        }
        if let Some(reason) = expected {
            assert!(report["explanation"].as_str().is_some_and(|text| text.len() > 20), "{name}: {report}");
            assert!(report["advice"].as_str().is_some_and(|text| text.len() > 20), "{name}: {report}");
            assert!(ran.err.contains(&format!("{name}: rejected ({reason})")), "{name}: {}", ran.err);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let kind = |at: usize| reports[at]["document"]["type"].as_str().unwrap_or_default();
    assert_eq!((kind(11), kind(12)), ("pdf", "text"));
    assert!(reports[5]["explanation"].to_string().contains("10000"), "{}", reports[5]["explanation"]);
}

#[test]
fn a_limit_of_pages_and_bytes_can_be_set_and_is_named() {
    let place = Place::new();
    place.write("five.pdf", pdf(5, &notice(1)));
    let reason = |setting: &str| {
        let ran = summarize(&place, &["five.pdf", "--set", setting]).with_status(1);
        let report = ran.json().remove(0);
        (report["reason"].as_str().unwrap().to_owned(), report["explanation"].as_str().unwrap().to_owned())
    };
    let (pages, why) = reason("max_pages=4");
    assert_eq!(pages, "TOO_MANY_PAGES");
    assert!(why.contains('5') && why.contains('4'), "{why}");
    let (bytes, why) = reason("max_bytes=100");
    assert_eq!(bytes, "TOO_LARGE");
    assert!(why.contains("100"), "{why}");
    let good = summarize(&place, &["five.pdf", "--set", "max_pages=5"]).with_status(0);
    assert_eq!(good.json()[0]["outcome"], "summarized");
}

#[test]
fn names_of_every_kind_are_kept_lead_nowhere_and_break_no_line() {
    let place = Place::new();
    let names = [
        "with space.txt",
        "a+b.txt",
        "100%.txt",
        "a%2Fb.txt",
        "%.txt",
        "line\nbreak.txt",
        "emoji 🙂 ü.txt",
        "-dash.txt",
        "'quote\".txt",
        "escape\u{1b}[31m.txt",
        "<b>bold.txt",
        ".hidden",
    ];
    std::fs::create_dir(place.folder().join("in")).unwrap();
    for (number, name) in (1..).zip(names) {
        std::fs::write(place.folder().join("in").join(name), notice(number)).unwrap();
    }
    place.write("outside.txt", notice(99));
    let outside = "in/../in/../outside.txt";
    let arguments: Vec<_> = names.iter().map(|name| format!("in/{name}")).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).chain([outside]).collect();
    let ran = summarize(&place, &arguments).with_status(0);
    let reports = ran.json();
    assert_eq!(reports.len(), names.len() + 1);
    for (name, report) in names.iter().zip(&reports) {
        assert_eq!(report["document"]["name"], *name, "{report}");
        assert_eq!(report["document"]["key"], format!("in/{name}"));
    }
    for (name, number) in names.iter().zip(1..) {
        assert!(reports[number - 1]["summary"].to_string().contains(&format!("hall {number}")), "{name}");
    }
    let key = reports[names.len()]["document"]["key"].as_str().unwrap();
    assert!(!key.contains(".."), "{key}");

    let listed = place.run(&["jobs"]).with_status(0).out;
    assert_eq!(listed.lines().count(), names.len() + 2, "a line for each job, and the head:\n{listed}");
    assert!(!listed.contains('\u{1b}'), "nothing steers the terminal");
    assert_eq!(jobs(&place).len(), names.len() + 1);

    // Everything that was written lies in the data folder.
    let mut here: Vec<_> =
        std::fs::read_dir(place.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    here.sort();
    assert_eq!(here, ["data", "in", "outside.txt"]);
    let results = precis_tests::running::files(&place.data().join("results"));
    for ending in [".md", ".json", ".txt"] {
        let count = results.iter().filter(|file| file.ends_with(ending)).count();
        assert!(count > names.len(), "{count} {ending} files: {results:#?}");
    }
    for file in &results {
        assert!(!file.chars().any(char::is_control), "{file:?}");
    }
}

#[test]
fn a_file_that_may_not_be_read_is_named_as_that() {
    let place = Place::new();
    if !can_be_unprivileged(&place) {
        return;
    }
    let secret = place.write("secret.txt", notice(1));
    let good = place.write("good.txt", notice(2));
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).unwrap();
    std::fs::set_permissions(&good, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut command = place.precis(&["summarize", "secret.txt", "good.txt", "--format", "json"]);
    let ran = run(unprivileged(&mut command)).with_status(1).saying(&["secret.txt", "Do: "]);
    assert_eq!(ran.json().len(), 1, "the other one is summarized: {}", ran.err);
    assert!(
        ran.err.to_lowercase().contains("permission") || ran.err.contains("may not be read"),
        "{}",
        ran.err
    );
}

#[test]
fn a_folder_that_may_not_be_listed_is_named_as_that_and_stops_no_other() {
    let place = Place::new();
    if !can_be_unprivileged(&place) {
        return;
    }
    let mode = |path: &str, mode| {
        let path = place.folder().join(path);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    place.write("in/secret/a.txt", notice(1));
    place.write("in/good.txt", notice(2));
    for path in ["in", "in/good.txt"] {
        mode(path, 0o755);
    }
    mode("in/secret", 0o000);
    let mut command = place.precis(&["summarize", "-r", "in", "--format", "json"]);
    let ran = run(unprivileged(&mut command)).with_status(1);
    mode("in/secret", 0o755);
    let ran = ran.saying(&["in/secret", "may not be listed", "Do: "]);
    assert_eq!(ran.json().len(), 1, "the other one is summarized: {}", ran.err);
}

#[test]
fn what_is_no_file_is_named_as_that() {
    let place = Place::new();
    place.write("good.txt", notice(1));
    let pipe = place.folder().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let ran = run(&mut place.precis(&["summarize", "pipe", "good.txt", "--format", "json"])).with_status(1);
    assert!(ran.err.contains("pipe") && ran.err.contains("no regular file"), "{}", ran.err);
    assert_eq!(ran.json().len(), 1);
    assert_eq!(ran.json()[0]["outcome"], "summarized");
}
