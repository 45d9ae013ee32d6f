//! The built program, run as a person or a script runs it.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest that one command may take before it is ended and the test fails. Far more than any needs: a busy machine
/// must not fail a test.
const PATIENCE: Duration = Duration::from_secs(300);

/// The repository.
#[must_use]
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The program under test: `PRECIS_PROGRAM`, else the release build of this repository.
///
/// # Panics
/// If it has not been built.
#[must_use]
pub fn program() -> PathBuf {
    let program = std::env::var_os("PRECIS_PROGRAM").map_or_else(
        || {
            let target = std::env::var_os("CARGO_TARGET_DIR")
                .map_or_else(|| repository().join("target"), PathBuf::from);
            target.join("release/precis")
        },
        PathBuf::from,
    );
    assert!(program.is_file(), "{} is missing: run `make build`, or `make test`", program.display());
    program
}

/// A command of the program, with nothing of the environment that could change its answer, and with the model.
///
/// # Panics
/// If the program or the model is missing.
#[must_use]
pub fn precis() -> Command {
    let model = repository().join("models/all-MiniLM-L6-v2");
    assert!(
        model.join("model.safetensors").is_file(),
        "the model is missing: run `make test`, or `python3 models/fetch.py`"
    );
    let mut command = Command::new(program());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PRECIS_") {
            command.env_remove(name);
        }
    }
    command.env("PRECIS_MODEL", model).stdin(Stdio::null());
    command
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// Exit status; -1 if a signal ended it.
    pub status: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// The objects of a JSON answer, one a line.
    ///
    /// # Panics
    /// If a line is no JSON.
    #[must_use]
    pub fn json(&self) -> Vec<serde_json::Value> {
        let parse = |line: &str| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("no JSON ({error}): {line}\n{}", self.err))
        };
        self.out.lines().map(parse).collect()
    }

    /// Itself, if it ended with this status.
    ///
    /// # Panics
    /// With all it said, if it ended otherwise.
    pub fn with_status(self, status: i32) -> Self {
        assert_eq!(
            self.status, status,
            "\n-- standard output\n{}\n-- standard error\n{}",
            self.out, self.err
        );
        self
    }

    /// Itself, if its standard output and error together have each of these pieces.
    ///
    /// # Panics
    /// With all it said, if one is missing.
    pub fn saying(self, pieces: &[&str]) -> Self {
        let all = format!("{}{}", self.out, self.err);
        for piece in pieces {
            assert!(all.contains(piece), "{piece:?} is not in\n{all}");
        }
        self
    }
}

/// Runs a command to its end.
///
/// # Panics
/// If it cannot be started or does not end.
#[must_use]
pub fn run(command: &mut Command) -> Ran {
    run_with(command, &[])
}

/// Runs a command to its end, with this on its standard input if there is any.
///
/// # Panics
/// If it cannot be started or does not end.
#[must_use]
pub fn run_with(command: &mut Command, input: &[u8]) -> Ran {
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        let out = scope.spawn(|| read(stdout));
        let err = scope.spawn(|| read(stderr));
        if let Some(mut stdin) = stdin {
            // A program that refuses before it reads closes its end.
            let _ = stdin.write_all(input);
        }
        let status = ended(&mut child, PATIENCE);
        let (out, err) = (out.join().expect("it is read"), err.join().expect("it is read"));
        assert!(status.is_some(), "{command:?} did not end\n{out}\n{err}");
        Ran { status: status.unwrap_or(-1), out, err }
    })
}

fn read(from: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        from.read_to_end(&mut bytes).expect("its output can be read");
    }
    String::from_utf8(bytes).expect("its output is UTF-8")
}

/// Waits for a process; ends it if it takes longer. Its status (-1: by a signal), or `None` if it had to be ended.
///
/// # Panics
/// If the system cannot say.
pub fn ended(child: &mut Child, patience: Duration) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("the system says") {
            return Some(status.code().unwrap_or(-1));
        }
        if start.elapsed() > patience {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// If there is none within `seconds`.
pub fn eventually<T>(what: &str, seconds: u64, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(seconds), "still not after {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A place of a test's own: a folder for its files, and in it a data folder (not made yet).
pub struct Place {
    folder: TempDir,
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Place {
    /// A new, empty one.
    ///
    /// # Panics
    /// If there is no room for it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            folder: tempfile::Builder::new().prefix("precis-test-").tempdir().expect("a temporary folder"),
        }
    }

    /// The folder; commands of [`Place::precis`] run in it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes a file into the folder.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: impl AsRef<OsStr>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name.as_ref());
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("the folder is made");
        std::fs::write(&path, content).expect("the file is written");
        path
    }

    /// A command with these arguments, run in this folder.
    #[must_use]
    pub fn precis(&self, arguments: &[&str]) -> Command {
        let mut command = precis();
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    /// Runs a command with these arguments and `--data`.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ran {
        run(self.precis(arguments).arg("--data").arg(self.data()))
    }
}
