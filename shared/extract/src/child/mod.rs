//! The reader behind walls: a child process that may use little, write in one folder and then is gone.
//!
//! The parent starts its own program again with a hidden word as its argument (so there is no second file
//! to install), hands the request over on standard input and keeps that pipe open: when the parent dies, in
//! whatever way, the pipe closes and the child exits. The child limits itself before it looks at the
//! document, tells of each page on standard output, and leaves its answer as a file in the output folder.
//! What comes back is as suspect as what went in, and is checked.

mod inside;
mod parent;
mod walls;

use crate::{Limits, ReadError, Reading};
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::path::PathBuf;

pub use parent::read;

/// The argument that turns a program into the reader.
pub const HIDDEN_WORD: &str = "__read-document";
/// The file with the answer, in the output folder.
const ANSWER: &str = "reading.json";
/// Exit code of a child that cannot understand the request, build its walls or answer.
const REFUSED: i32 = 3;
/// Exit code of a child that cannot answer because the disk is full.
const FULL: i32 = 4;

/// The program that is started to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderProgram {
    path: PathBuf,
}

impl ReaderProgram {
    /// This very program, whose `main` begins with [`run_if_asked`].
    ///
    /// # Errors
    /// When the system does not tell where the program lies.
    pub fn current() -> Result<Self, ReadError> {
        std::env::current_exe()
            .map(|path| Self { path })
            .map_err(|error| ReadError::io("the path of this program is unknown", &error))
    }

    /// Another program whose `main` begins with [`run_if_asked`].
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }
}

/// What the child is asked.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    file: PathBuf,
    name: String,
    out_dir: PathBuf,
    limits: Limits,
}

/// What the child answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Read(Reading),
    Failed(ReadError),
}

/// Turns this process into the reader and never returns, if it was started as one; else does nothing. It
/// must be the first thing in `main`, before any thread, log or configuration.
pub fn run_if_asked() {
    if std::env::args_os().nth(1).as_deref() == Some(OsStr::new(HIDDEN_WORD)) {
        std::process::exit(inside::main());
    }
}
