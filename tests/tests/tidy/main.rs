//! The house keeps its own rules: what `cargo deny` and clippy can't say is said here.
//!
//! Every finding names the file, the line and what to do about it. The rules read the files that git knows (tracked,
//! or new and not ignored), so that a build's output is never judged. Where a rule has exceptions they stand in a
//! list beside it, each with its reason, and an exception that is no longer needed is a finding too: lists of
//! exceptions only ever shrink by themselves if somebody is told.

mod imports;
mod sources;
mod tree;

use tree::Tree;

/// Fails with all findings at once, so that one run is enough to mend them.
fn hold(rule: &str, findings: Vec<String>) {
    assert!(
        findings.is_empty(),
        "{rule}\n\n  {}\n\n{} to mend",
        findings.join("\n  "),
        if findings.len() == 1 { "1 place".to_owned() } else { format!("{} places", findings.len()) }
    );
}

#[test]
fn the_top_level_has_only_the_rooms_of_the_house() {
    hold(
        "Beside the fixed rooms the top level holds only what a repository usually has. Move it into a room:",
        tree::strangers_at_the_top(&Tree::read()),
    );
}

#[test]
fn files_are_short_unless_they_are_listed_with_a_reason() {
    hold(
        "A file is one idea. Split it, or list it in tests/tests/tidy/sources.rs:",
        sources::long(&Tree::read()),
    );
}

#[test]
fn no_code_outside_tests_unwraps_or_is_left_undone() {
    hold("Outside tests a failure is a value. Return an error:", sources::unfinished(&Tree::read()));
}

#[test]
fn exceptions_to_lints_say_why() {
    hold("Use #[expect(lint, reason = \"…\")] instead of allow:", sources::silenced(&Tree::read()));
}

#[test]
fn every_crate_opens_with_an_essay() {
    hold(
        "Open it with //! and say what it is for, at least three lines:",
        sources::silent_crates(&Tree::read()),
    );
}

#[test]
fn the_repository_speaks_of_the_product_alone() {
    hold(
        "No path of a machine and no host of a registry. Take it out:",
        sources::machines_named(&Tree::read()),
    );
}

#[test]
fn crates_import_only_what_the_table_allows() {
    hold(
        "Who may import whom stands in tests/tests/tidy/imports.rs, deny.toml and ARCHITECTURE.md:",
        imports::forbidden(&Tree::read()),
    );
}

#[test]
fn the_domain_is_pure() {
    hold(
        "The domain neither waits nor looks at the world; take what it needs as a value:",
        imports::impure(&Tree::read()),
    );
}

#[test]
fn services_name_adapters_in_their_main_only() {
    hold(
        "Take the port in the signature instead; main.rs picks the adapter:",
        imports::adapters_named(&Tree::read()),
    );
}

#[test]
fn versions_and_lints_stand_in_one_place() {
    hold("Every crate takes both from the workspace:", imports::own_versions(&Tree::read()));
}

#[test]
fn the_architecture_names_every_crate() {
    hold("Add a row to the table of crates in ARCHITECTURE.md:", imports::unmapped(&Tree::read()));
}
