//! `precis` as people have it: a process of its own, asked by its command line, ended by its id.

use crate::program::{eventually, precis};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Folder of this crate's fixtures.
#[must_use]
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// A command of the program over a data folder.
///
/// # Panics
/// Without program or model.
#[must_use]
pub fn command(data: &Path, name: &str) -> Command {
    let mut command = precis();
    command.arg(name).arg("--data").arg(data);
    command
}

/// Runs a command to its end.
///
/// # Panics
/// If it cannot be started.
pub fn run<A: AsRef<OsStr>>(data: &Path, name: &str, args: &[A]) -> Output {
    command(data, name).args(args).output().expect("the program starts")
}

/// What a command prints; it must succeed.
///
/// # Panics
/// With its complaint if it fails.
pub fn ask<A: AsRef<OsStr>>(data: &Path, name: &str, args: &[A]) -> String {
    let output = run(data, name, args);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "precis {name} failed: {complaint}");
    String::from_utf8(output.stdout).expect("it prints text")
}

/// The lines of a command that prints an object a line.
///
/// # Panics
/// If it fails or prints something else.
pub fn ask_json<A: AsRef<OsStr>>(data: &Path, name: &str, args: &[A]) -> Vec<Value> {
    let mut all: Vec<&OsStr> = args.iter().map(AsRef::as_ref).collect();
    all.push(OsStr::new("--json"));
    let printed = ask(data, name, &all);
    printed.lines().map(|line| serde_json::from_str(line).expect("each line is an object")).collect()
}

/// All jobs of a folder.
#[must_use]
pub fn jobs(data: &Path) -> Vec<Value> {
    ask_json(data, "jobs", &["--limit", "10000"])
}

/// One job, with its history.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn job(data: &Path, id: &str) -> Value {
    serde_json::from_str(&ask(data, "job", &[id, "--json"])).expect("a job is an object")
}

/// Messages of all queues: waiting, working, delayed, dead.
#[must_use]
pub fn messages(data: &Path) -> [u64; 4] {
    let queues = ask_json(data, "queues", &[] as &[&str]);
    ["waiting", "working", "delayed", "dead"]
        .map(|place| queues.iter().map(|queue| queue[place].as_u64().unwrap_or(0)).sum())
}

/// How many of these are not ended.
#[must_use]
pub fn unfinished(jobs: &[Value]) -> usize {
    jobs.iter().filter(|job| !job["stage"].is_null()).count()
}

/// All files below a folder, as paths relative to it, sorted; hidden ones too.
#[must_use]
pub fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap_or(&path).display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// A running `precis up`. Dropping it kills it.
pub struct Up {
    child: Child,
    log: PathBuf,
}

impl Up {
    /// Starts it over a folder; what it says goes to the end of `log`.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(data: &Path, log: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("the log can be written");
        let child = command(data, "up")
            .args(args)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a file can be shared"))
            .stderr(file)
            .spawn()
            .expect("precis up starts");
        Self { child, log: log.to_owned() }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it and those before it said.
    #[must_use]
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has said this.
    ///
    /// # Panics
    /// If it does not in half a minute.
    pub fn says(&self, what: &str) {
        eventually(what, 30, || self.said().contains(what).then_some(()));
    }

    /// How it ended, if it did.
    ///
    /// # Panics
    /// If the system does not tell.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be asked")
    }

    /// Waits until it ends by itself, at most so long.
    pub fn ends_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            let ended = self.ended();
            if ended.is_some() || start.elapsed() > patience {
                return ended;
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// kill -9. Whether it was still alive.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub fn kill(mut self) -> bool {
        let alive = self.ended().is_none();
        if alive {
            self.child.kill().expect("our child can be killed");
            self.child.wait().expect("a killed child ends");
        }
        alive
    }

    /// Ctrl-C alone.
    ///
    /// # Panics
    /// If it cannot be signalled.
    pub fn interrupt(&self) {
        let pid = i32::try_from(self.pid()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.expect("a child has an id");
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it can be signalled");
    }

    /// Ctrl-C, and waits until it has drained.
    ///
    /// # Panics
    /// If it does not end well in time.
    pub fn stop(mut self) {
        self.interrupt();
        let ended = self.ends_within(Duration::from_secs(60)).expect("it ends on Ctrl-C");
        assert!(ended.success(), "it ended with {ended}:\n{}", self.said());
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // A test that failed leaves no process behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The page of metrics of a process that was started with `--metrics 127.0.0.1:0`.
///
/// # Panics
/// If it serves none.
#[must_use]
pub fn metrics(up: &Up) -> String {
    let said = up.said();
    let address = said.split("metrics  http://").last().and_then(|rest| rest.split('/').next());
    let mut stream = TcpStream::connect(address.expect("it says where")).expect("metrics are served");
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: loopback\r\nConnection: close\r\n\r\n")
        .expect("it listens");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("it answers");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    page
}

/// One figure of that page; 0 where it is not there.
#[must_use]
pub fn metric(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|figure| figure.trim().parse().ok()).unwrap_or(0.0)
}
