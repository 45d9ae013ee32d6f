//! What is learnt from: files of rows that people and programs can write.

use fancy_regex::Regex;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A file of rows, or a folder of documents with their facts.
#[derive(Debug)]
pub struct Set {
    /// Its name without the folder.
    pub name: String,
    /// Of its bytes (of a folder: of those of its documents and facts in the order of their names).
    pub sha256: String,
    /// In the order of the file.
    pub rows: Vec<Row>,
}

/// A document and what is wanted of its summary.
#[derive(Debug)]
pub struct Row {
    /// Tells rows apart in messages.
    pub id: String,
    /// A file name for the reader, whose ending says what the text is: Markdown unless known better.
    pub name: String,
    /// The document.
    pub document: String,
    /// What is wanted.
    pub goal: Goal,
    /// Most words of its summary.
    pub words: usize,
}

/// What a good summary of a document is like.
#[derive(Debug)]
pub enum Goal {
    /// Like this one, which a person wrote.
    Reference(String),
    /// It holds these facts and falls into none of these traps.
    Facts {
        /// Each counts the same.
        facts: Vec<Fact>,
        /// Each takes off as much as a fact gives.
        traps: Vec<Fact>,
    },
    /// A person preferred one summary to another.
    Pair {
        /// The one that was preferred.
        better: String,
        /// The other.
        worse: String,
    },
}

/// A fact is told where each of its groups is found by one of its patterns.
#[derive(Debug)]
pub struct Fact(pub Vec<Vec<Regex>>);

impl Fact {
    /// Whether each group is found in a text ([`plain`]).
    #[must_use]
    pub fn groups_in(&self, text: &str) -> Vec<bool> {
        // A pattern that gives up on a text (it backtracked too long) has not found anything there.
        let found = |pattern: &Regex| pattern.is_match(text).unwrap_or(false);
        self.0.iter().map(|group| group.iter().any(found)).collect()
    }
}

/// Words of a summary that is like an abstract, and of one that tells facts (RANKING.md).
const LIKE_ABSTRACT: usize = 90;
const TELLING_FACTS: usize = 120;

/// Why a file cannot be learnt from.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// It cannot be read.
    #[error("{}: {source}; check its name, and whether you may read it", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A row is not as it should be.
    #[error("{}, row {row}: {reason}; `precis train --help` shows the three kinds of rows", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Its line, from 1 (of a folder: the number of its facts file).
        row: usize,
        /// What is wrong.
        reason: String,
    },
    /// There are no rows.
    #[error("{}: there are no rows in it; give a file of JSON lines, or a folder with *.facts.json", .0.display())]
    Empty(PathBuf),
}

#[derive(Deserialize)]
struct RawRow {
    id: Option<serde_json::Value>,
    document: Option<String>,
    #[serde(alias = "reference")]
    summary: Option<String>,
    facts: Option<Vec<RawFact>>,
    #[serde(default, alias = "trap")]
    traps: Vec<RawFact>,
    better: Option<String>,
    worse: Option<String>,
    words: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawFact {
    Text(String),
    Patterns { patterns: Vec<Vec<String>> },
}

/// Reads a file of JSON lines or a folder of documents with `*.facts.json` beside them.
///
/// # Errors
/// Names the file, the row, and what is wrong there.
pub fn read(path: &Path) -> Result<Set, DataError> {
    let (sha256, rows) = if path.is_dir() { folder(path)? } else { lines(path)? };
    if rows.is_empty() {
        return Err(DataError::Empty(path.to_owned()));
    }
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(Set { name, sha256, rows })
}

fn bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    std::fs::read(path).map_err(|source| DataError::File { path: path.to_owned(), source })
}

fn hex(hash: &Sha256) -> String {
    hash.clone().finalize().iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn lines(path: &Path) -> Result<(String, Vec<Row>), DataError> {
    let content = bytes(path)?;
    let mut rows = Vec::new();
    for (at, line) in content.split(|&byte| byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let wrong = |reason| DataError::Row { path: path.to_owned(), row: at + 1, reason };
        let mut raw: RawRow = serde_json::from_slice(line).map_err(|error| wrong(error.to_string()))?;
        let document = raw.document.take().filter(|text| !text.trim().is_empty());
        let document = document.ok_or_else(|| wrong("there is no \"document\" in it".to_owned()))?;
        let id = raw.id.take().map_or_else(|| (at + 1).to_string(), |id| id.to_string());
        rows.push(row(raw, id.trim_matches('"').to_owned(), "row.md".to_owned(), document).map_err(wrong)?);
    }
    Ok((hex(&Sha256::new_with_prefix(&content)), rows))
}

fn folder(path: &Path) -> Result<(String, Vec<Row>), DataError> {
    let failed = |source| DataError::File { path: path.to_owned(), source };
    let listed = std::fs::read_dir(path).map_err(failed)?;
    let mut names = Vec::new();
    for entry in listed {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let (mut hash, mut rows) = (Sha256::new(), Vec::new());
    for facts in names.iter().filter_map(|name| name.strip_suffix(".facts.json")) {
        let number = rows.len() + 1;
        let wrong = |reason| DataError::Row { path: path.to_owned(), row: number, reason };
        let beside =
            |name: &&String| name.strip_prefix(facts).is_some_and(|end| end == ".md" || end == ".txt");
        let document = names.iter().find(beside);
        let document = document
            .ok_or_else(|| wrong(format!("beside {facts}.facts.json there is no {facts}.md or .txt")))?;
        let text = bytes(&path.join(document))?;
        let told = bytes(&path.join(format!("{facts}.facts.json")))?;
        hash.update(&text);
        hash.update(&told);
        let raw: RawRow = serde_json::from_slice(&told).map_err(|error| wrong(error.to_string()))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        rows.push(row(raw, facts.to_owned(), document.clone(), text).map_err(wrong)?);
    }
    Ok((hex(&hash), rows))
}

fn row(raw: RawRow, id: String, name: String, document: String) -> Result<Row, String> {
    let asked = raw.words;
    let (goal, words) = match raw {
        RawRow { summary: Some(text), facts: None, better: None, worse: None, .. } => {
            (Goal::Reference(text), LIKE_ABSTRACT)
        }
        RawRow { summary: None, facts: Some(told), traps, better: None, worse: None, .. } => {
            if told.is_empty() {
                return Err("its list of \"facts\" is empty".to_owned());
            }
            let facts = told.into_iter().map(fact).collect::<Result<_, _>>()?;
            let traps = traps.into_iter().map(fact).collect::<Result<_, _>>()?;
            (Goal::Facts { facts, traps }, TELLING_FACTS)
        }
        RawRow { summary: None, facts: None, better: Some(better), worse: Some(worse), .. } => {
            (Goal::Pair { better, worse }, LIKE_ABSTRACT)
        }
        _ => return Err("it needs either \"summary\", or \"facts\", or \"better\" and \"worse\"".to_owned()),
    };
    let words = asked.unwrap_or(words);
    if !(10..=5000).contains(&words) {
        return Err(format!("its \"words\" are {words}, not 10 to 5000"));
    }
    Ok(Row { id, name, document, goal, words })
}

fn fact(raw: RawFact) -> Result<Fact, String> {
    let groups = match raw {
        RawFact::Text(text) => vec![vec![fancy_regex::escape(&plain(&text)).into_owned()]],
        RawFact::Patterns { patterns } => patterns,
    };
    if groups.is_empty() || groups.iter().any(Vec::is_empty) {
        return Err("a fact has no patterns".to_owned());
    }
    let compiled = |pattern: &String| {
        Regex::new(&format!("(?i){pattern}")).map_err(|error| format!("the pattern {pattern:?}: {error}"))
    };
    let groups = groups.iter().map(|group| group.iter().map(compiled).collect());
    Ok(Fact(groups.collect::<Result<_, _>>()?))
}

/// A text as facts are looked for in it: plain quotes and dashes, no marks of emphasis, single spaces.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '’' | '‘' => out.push('\''),
            '“' | '”' => out.push('"'),
            '–' | '‑' | '−' => out.push('-'),
            '*' | '_' | '`' => {}
            c if c.is_whitespace() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out
}
