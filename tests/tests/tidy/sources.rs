//! Rules about single lines and single files.

use crate::tree::{File, Tree};

/// Lines in a file, at most, without the tests that stand in it; most are under 300.
const LONGEST: usize = 400;

/// Files that are longer, each with the reason why it stays one file.
const LONG: &[(&str, &str)] = &[
    (
        "services/notify/tests/telling.rs",
        "who is told what, how often, tried with the same documents on the same paused time",
    ),
    (
        "shared/domain/src/job.rs",
        "what may follow what in the life of a job is one idea, and stands in one place",
    ),
    (
        "shared/summarizer/tests/summaries.rs",
        "every promise of a summary, tried with the same documents and the same checks",
    ),
];

/// Lines that an essay has, at least.
const ESSAY: usize = 3;

/// Code files over the limit that aren't listed, and listed ones that no longer need to be.
pub fn long(tree: &Tree) -> Vec<String> {
    let code = |file: &&File| [".rs", ".py", ".sh"].iter().any(|end| file.path.ends_with(end));
    let mut findings: Vec<String> = tree
        .files
        .iter()
        .filter(code)
        .map(|file| (file, outside_tests(file).len()))
        .filter(|(file, lines)| *lines > LONGEST && LONG.iter().all(|(path, _)| *path != file.path))
        .map(|(file, lines)| format!("{}: {lines} lines, {LONGEST} at most", file.path))
        .collect();
    for (path, reason) in LONG {
        let lines = tree.file(path).map_or(0, |file| outside_tests(file).len());
        if lines <= LONGEST {
            findings.push(format!("{path}: {lines} lines now, take it off the list ({reason})"));
        }
    }
    findings
}

/// Calls that end the program where an error should be returned, or mark what isn't written yet.
pub fn unfinished(tree: &Tree) -> Vec<String> {
    let words = [".unwrap()", ".unwrap_err()", "todo!", "unimplemented!", "dbg!"];
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| !file.is_test()) {
        for (number, line) in outside_tests(file) {
            if let Some(word) = words.iter().find(|word| code_of(line).contains(**word)) {
                findings.push(format!("{}:{number}: {word}", file.path));
            }
        }
    }
    findings
}

/// The lines of a file that are compiled into the product: without items under `#[cfg(test)]`.
///
/// An item ends at the first later line that closes a brace (or ends in a semicolon) at the attribute's own
/// indentation, which is how rustfmt writes it.
fn outside_tests(file: &File) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut ends_at: Option<usize> = None;
    for (number, line) in file.lines() {
        let indent = line.len() - line.trim_start().len();
        match ends_at {
            None if line.trim_start().starts_with("#[cfg(test)]") => ends_at = Some(indent),
            None => kept.push((number, line)),
            Some(own) if indent == own && (line.trim_start().starts_with('}') || line.ends_with(';')) => {
                ends_at = None;
            }
            Some(_) => {}
        }
    }
    kept
}

/// A line without its comment. `//` inside a string ends it too early, which can only hide a finding behind a URL.
fn code_of(line: &str) -> &str {
    line.split("//").next().unwrap_or(line)
}

/// Lints that are switched off without a word.
///
/// What test programs share in `tests/common/` may be unused in one of them and used in the next, where `expect`
/// would complain in turn; there, `allow` with a reason is right.
pub fn silenced(tree: &Tree) -> Vec<String> {
    // Put together here, so that this file doesn't find itself.
    let outer = ["#[", "allow("].concat();
    let inner = ["#![", "allow("].concat();
    let mut findings = Vec::new();
    for file in tree.rust() {
        // The formatter may put the reason on a line of its own.
        let says_why = file.lines().any(|(_, line)| line.contains("reason = "));
        for (number, line) in file.lines() {
            let code = code_of(line);
            let shared = file.path.contains("/tests/common/") && says_why;
            if !shared && (code.contains(&outer) || code.contains(&inner)) {
                findings.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    findings
}

/// Crates whose first file doesn't begin by saying what they are for.
pub fn silent_crates(tree: &Tree) -> Vec<String> {
    tree.rust()
        .filter(|file| {
            file.path.ends_with("/src/lib.rs")
                || (file.path.ends_with("/src/main.rs")
                    && tree.file(&file.path.replace("main.rs", "lib.rs")).is_none())
        })
        .map(|file| (file, file.text.lines().take_while(|line| line.starts_with("//!")).count()))
        .filter(|(_, lines)| *lines < ESSAY)
        .map(|(file, lines)| format!("{}:1: {lines} lines of essay", file.path))
        .collect()
}

/// Folders of a machine and hosts of registries, in any text file but the lock file, which cargo writes.
pub fn machines_named(tree: &Tree) -> Vec<String> {
    // Put together here, so that this file doesn't find itself.
    let folders = [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat(), ["/ho", "me/"].concat()];
    let hosts = [
        ["crates", ".io"].concat(),
        ["pypi", ".org"].concat(),
        ["python", "hosted.org"].concat(),
        ["deb.", "debian.org"].concat(),
        ["npmjs", ".org"].concat(),
        ["npmjs", ".com"].concat(),
        ["docker", ".io"].concat(),
        ["hugging", "face.co"].concat(),
    ];
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path != "Cargo.lock") {
        for (number, line) in file.lines() {
            let folder = folders.iter().find(|folder| names_folder(line, folder));
            if let Some(word) = folder.or_else(|| hosts.iter().find(|host| line.contains(host.as_str()))) {
                findings.push(format!("{}:{number}: {word}", file.path));
            }
        }
    }
    findings
}

/// Does the line name that folder from the root, and not one of the same name further down (`docs/work/`)?
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        !line[..at].ends_with(|before: char| {
            before.is_alphanumeric() || matches!(before, '_' | '-' | '.' | '}' | '/')
        })
    })
}

#[test]
fn code_under_test_attributes_is_not_product_code() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n#[cfg(test)]\nmod more;\nfn c() {}\n";
    let file = File { path: "x/src/lib.rs".to_owned(), text: text.to_owned() };
    let kept: Vec<usize> = outside_tests(&file).into_iter().map(|(number, _)| number).collect();
    assert_eq!(kept, [1, 8]);
}

#[test]
fn a_folder_is_named_only_from_the_root() {
    let folder = ["/wo", "rk/"].concat();
    assert!(names_folder(&format!("see {folder}x"), &folder));
    assert!(!names_folder(&format!("see docs{folder}x"), &folder));
}
