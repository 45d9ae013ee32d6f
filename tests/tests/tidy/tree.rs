//! The files of the repository, as git sees them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What may stand at the top level. Dotfiles are free.
const TOP: &[&str] = &[
    // the rooms
    "Cargo.toml",
    "services",
    "shared",
    "infra",
    "docker",
    "docker-compose.yml",
    "tests",
    // what a repository usually has
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "benches",
    "clippy.toml",
    "deny.toml",
    "docs",
    "fuzz",
    "models",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "samples",
];

/// A text file of the repository.
pub struct File {
    /// Relative to the root, with forward slashes.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl File {
    /// Its lines, numbered from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Rust source?
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Does it only ever run under test: the `tests` crate, a `tests/` or `benches/` folder, `tests.rs`, `…_tests.rs`?
    pub fn is_test(&self) -> bool {
        self.path.ends_with("_tests.rs")
            || self.path.split('/').any(|part| matches!(part, "tests" | "benches" | "tests.rs"))
    }
}

/// Every text file that git tracks or would track.
pub struct Tree {
    /// All paths, of pictures and other binary files too.
    pub paths: Vec<String>,
    /// The files that are text.
    pub files: Vec<File>,
}

impl Tree {
    /// Asks git. Panics with a plain word where there is no git or no repository, since no rule can be held then.
    pub fn read() -> Self {
        let root = root();
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&root)
            .output()
            .expect("the tidy test asks git for the files; install git");
        assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
        let mut paths: Vec<String> = String::from_utf8_lossy(&listed.stdout)
            .split('\0')
            .filter(|path| !path.is_empty() && root.join(path).is_file())
            .map(str::to_owned)
            .collect();
        paths.sort();
        let files: Vec<File> = paths
            .iter()
            .filter_map(|path| {
                let text = String::from_utf8(std::fs::read(root.join(path)).ok()?).ok()?;
                Some(File { path: path.clone(), text })
            })
            .collect();
        assert!(
            files.len() > 20,
            "git lists only {} files here; the rules would hold of nothing",
            files.len()
        );
        Self { paths, files }
    }

    /// The file with that path.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The Rust files.
    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the repository").to_owned()
}

/// Whatever stands at the top level without belonging there.
pub fn strangers_at_the_top(tree: &Tree) -> Vec<String> {
    let mut strangers: Vec<String> = tree
        .paths
        .iter()
        .filter_map(|path| path.split('/').next())
        .filter(|top| !top.starts_with('.') && !TOP.contains(top))
        .map(str::to_owned)
        .collect();
    strangers.dedup();
    strangers
}
