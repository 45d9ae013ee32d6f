//! Who may import whom: the table of ARCHITECTURE.md, read against every `Cargo.toml`.
//!
//! `deny.toml` says the same about what is shipped, from the other side (who may use a crate). Here it is said of
//! tests too, which may use a little more, and of third-party families by prefix, which deny has no word for.

use crate::tree::{File, Tree};
use std::collections::BTreeMap;

/// A room of the house.
struct Room {
    /// Its folder.
    folder: &'static str,
    /// The workspace crates that it may import, by their names in `[workspace.dependencies]`.
    may: &'static [&'static str],
    /// And those that its tests may import besides.
    in_tests: &'static [&'static str],
    /// Beginnings of third-party names that it never sees.
    never: &'static [&'static str],
}

const CLOUD: &[&str] = &["aws-", "candle-", "rusqlite", "lettre"];
const PURE: &[&str] =
    &["aws-", "candle-", "rusqlite", "lettre", "tokio", "async-", "futures", "tracing", "metrics"];
const NOTHING: &[&str] = &[];

const ROOMS: &[Room] = &[
    Room { folder: "shared/domain", may: &[], in_tests: &[], never: PURE },
    Room { folder: "shared/ports", may: &["domain"], in_tests: &[], never: CLOUD },
    Room { folder: "shared/telemetry", may: &["domain"], in_tests: &[], never: CLOUD },
    Room { folder: "shared/worker", may: &["ports", "domain", "telemetry"], in_tests: &[], never: CLOUD },
    Room {
        folder: "shared/aws",
        may: &["ports", "domain", "telemetry"],
        in_tests: &[],
        never: &["candle-", "rusqlite", "lettre"],
    },
    Room {
        folder: "shared/local",
        may: &["ports", "domain", "telemetry", "tesseract"],
        in_tests: &["extract"],
        never: &["aws-", "candle-"],
    },
    Room { folder: "shared/extract", may: &["domain"], in_tests: &[], never: CLOUD },
    Room { folder: "shared/tesseract", may: &["domain", "extract"], in_tests: &[], never: CLOUD },
    Room { folder: "shared/summarizer", may: &["domain"], in_tests: &[], never: CLOUD },
    Room {
        folder: "shared/models",
        may: &["summarizer"],
        in_tests: &["domain"],
        never: &["aws-", "rusqlite", "lettre"],
    },
    Room {
        folder: "shared/trainer",
        may: &["domain", "summarizer"],
        in_tests: &[],
        never: &["aws-", "rusqlite", "lettre", "tokio"],
    },
    Room { folder: "services/ingest", may: STEP_EXTRACT, in_tests: &["local"], never: CLOUD },
    Room { folder: "services/ocr", may: STEP, in_tests: &["local"], never: CLOUD },
    Room { folder: "services/summarize", may: STEP_SUMMARIZE, in_tests: &["local"], never: CLOUD },
    Room { folder: "services/notify", may: STEP, in_tests: &["local"], never: CLOUD },
    Room { folder: "services/console", may: STEP, in_tests: &["local"], never: CLOUD },
    Room {
        folder: "services/textract-local",
        may: &["tesseract", "extract", "aws", "domain", "telemetry"],
        in_tests: &["ports"],
        never: &["candle-"],
    },
    Room { folder: "services/precis", may: EVERYTHING, in_tests: &[], never: NOTHING },
    Room { folder: "benches/scaling", may: &[], in_tests: &[], never: PURE },
    Room { folder: "tests", may: EVERYTHING, in_tests: &["precis"], never: NOTHING },
];

// Adapters (`aws`, `local`) come to a service by its main.rs; a service that has none yet doesn't import them.
const STEP: &[&str] = &["domain", "ports", "worker", "telemetry", "aws"];
const STEP_EXTRACT: &[&str] = &["domain", "ports", "worker", "telemetry", "aws", "extract"];
const STEP_SUMMARIZE: &[&str] = &["domain", "ports", "worker", "telemetry", "aws", "summarizer", "models"];
const EVERYTHING: &[&str] = &[
    "domain",
    "ports",
    "telemetry",
    "worker",
    "aws",
    "local",
    "extract",
    "tesseract",
    "summarizer",
    "models",
    "trainer",
    "ingest",
    "ocr",
    "summarize",
    "notify",
    "console",
];

/// Who a dependency is for.
#[derive(Clone, Copy, PartialEq)]
enum For {
    Product,
    Tests,
}

/// A crate's own words about itself.
struct Manifest<'a> {
    file: &'a File,
    folder: &'a str,
    table: toml::Table,
}

impl Manifest<'_> {
    fn dependencies(&self) -> Vec<(String, toml::Value, For)> {
        let mut tables = vec![&self.table];
        if let Some(targets) = self.table.get("target").and_then(toml::Value::as_table) {
            tables.extend(targets.values().filter_map(toml::Value::as_table));
        }
        let kinds = [
            ("dependencies", For::Product),
            ("build-dependencies", For::Product),
            ("dev-dependencies", For::Tests),
        ];
        let mut found = Vec::new();
        for table in tables {
            for (kind, purpose) in kinds {
                let listed = table.get(kind).and_then(toml::Value::as_table);
                found.extend(
                    listed.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone(), purpose)),
                );
            }
        }
        found
    }

    /// Where a dependency stands, for a finding.
    fn place(&self, name: &str) -> String {
        let line = self
            .file
            .lines()
            .find(|(_, line)| line.trim_start().starts_with(name))
            .map_or(1, |(line, _)| line);
        format!("{}:{line}", self.file.path)
    }
}

fn manifests(tree: &Tree) -> Vec<Manifest<'_>> {
    let found: Vec<Manifest<'_>> = tree
        .files
        .iter()
        .filter_map(|file| {
            let folder = file.path.strip_suffix("/Cargo.toml")?;
            let table = file.text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.path));
            Some(Manifest { file, folder, table })
        })
        .collect();
    assert!(!found.is_empty(), "no crate was found");
    found
}

/// The workspace's crates: their short names and their folders.
fn workspace_crates(tree: &Tree) -> BTreeMap<String, String> {
    let root: toml::Table = tree.file("Cargo.toml").expect("a workspace").text.parse().expect("it is TOML");
    let listed = root["workspace"]["dependencies"].as_table().expect("one list of versions");
    listed
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.get("path")?.as_str()?.to_owned())))
        .collect()
}

/// Imports that the table doesn't allow, and crates that it doesn't know.
pub fn forbidden(tree: &Tree) -> Vec<String> {
    let own = workspace_crates(tree);
    let mut findings = Vec::new();
    for manifest in manifests(tree) {
        let Some(room) = ROOMS.iter().find(|room| room.folder == manifest.folder) else {
            findings
                .push(format!("{}:1: no row says what this crate may import; add one", manifest.file.path));
            continue;
        };
        for (name, _, purpose) in manifest.dependencies() {
            let allowed = room.may.contains(&name.as_str())
                || (purpose == For::Tests && room.in_tests.contains(&name.as_str()));
            if own.contains_key(&name) && !allowed {
                findings.push(format!(
                    "{}: {} may not import {name}",
                    manifest.place(&name),
                    manifest.folder
                ));
            }
            if let Some(family) = room.never.iter().find(|family| name.starts_with(**family)) {
                // A test may run on tokio even where the product may not see it.
                if purpose == For::Product || !name.starts_with("tokio") {
                    findings.push(format!(
                        "{}: {} never sees {family}…",
                        manifest.place(&name),
                        manifest.folder
                    ));
                }
            }
        }
    }
    findings
}

/// Signs in the domain's source that it waits, or looks at the clock, the disk or the network.
pub fn impure(tree: &Tree) -> Vec<String> {
    let signs = [
        "async fn",
        ".await",
        "std::fs",
        "std::net",
        "std::process",
        "std::env",
        "std::thread",
        "SystemTime::now",
        "Instant::now",
        "Timestamp::now",
        "Zoned::now",
    ];
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| file.path.starts_with("shared/domain/src/") && !file.is_test()) {
        for (number, line) in file.lines().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            if let Some(sign) = signs.iter().find(|sign| line.contains(**sign)) {
                findings.push(format!("{}:{number}: {sign}", file.path));
            }
        }
    }
    findings
}

/// Adapters named by a service anywhere but in its main.rs and the arguments that this reads. `precis` is the composition root.
pub fn adapters_named(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    let services = tree.rust().filter(|file| {
        file.path.starts_with("services/")
            && !file.path.starts_with("services/precis/")
            && !file.path.starts_with("services/textract-local/")
            && !file.path.ends_with("/src/main.rs")
            && !file.path.ends_with("/src/args.rs")
            && !file.is_test()
    });
    for file in services {
        for (number, line) in file.lines().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for adapter in ["local::", "aws::"] {
                let named = line.match_indices(adapter).any(|(at, _)| {
                    !line[..at]
                        .ends_with(|before: char| before.is_alphanumeric() || matches!(before, '_' | ':'))
                });
                if named {
                    findings.push(format!("{}:{number}: {adapter}", file.path));
                }
            }
        }
    }
    findings
}

/// Crates with a version or lints of their own.
pub fn own_versions(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for manifest in manifests(tree) {
        let inherits = |table: Option<&toml::Value>| {
            table.and_then(|table| table.get("workspace")).and_then(toml::Value::as_bool) == Some(true)
        };
        // The tests have lints of their own: see there.
        if manifest.file.path != "tests/Cargo.toml" && !inherits(manifest.table.get("lints")) {
            findings.push(format!("{}:1: no [lints] workspace = true", manifest.file.path));
        }
        for (name, value, _) in manifest.dependencies() {
            if !inherits(Some(&value)) {
                let place = manifest.place(&name);
                findings.push(format!("{place}: write {name}.workspace = true, and its version in the root"));
            }
        }
    }
    findings
}

/// Crates that the map doesn't show. Until there is a map there is nothing to hold it to.
pub fn unmapped(tree: &Tree) -> Vec<String> {
    let Some(map) = tree.file("ARCHITECTURE.md") else {
        println!("skipped: there is no ARCHITECTURE.md yet");
        return Vec::new();
    };
    let shown = |name: &str| {
        map.text.lines().filter(|line| line.trim_start().starts_with('|')).any(|line| {
            line.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '/')))
                .any(|word| word == name || word.rsplit('/').next() == Some(name))
        })
    };
    manifests(tree)
        .iter()
        .filter_map(|manifest| manifest.folder.rsplit('/').next())
        .filter(|name| !shown(name))
        .map(|name| format!("ARCHITECTURE.md: no row for {name}"))
        .collect()
}
