//! One process of a service, as a test sees it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One process of a service.
pub struct Worker {
    /// Which service.
    pub service: String,
    program: PathBuf,
    child: Child,
    port: u16,
    pub(super) envs: Vec<(String, String)>,
    log: PathBuf,
}

impl Worker {
    pub(super) fn start(program: &Path, envs: Vec<(String, String)>, port: u16, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("a log can be written");
        assert!(program.is_file(), "{} is missing: run `make test`", program.display());
        let child = Command::new(program)
            .env_clear()
            .envs(
                std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME" || name == "TMPDIR"),
            )
            .envs(envs.iter().cloned())
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a file can be shared"))
            .stderr(file)
            .spawn()
            .expect("a service starts");
        let service = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { service, program: program.to_owned(), child, port, envs, log: log.to_owned() }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it said so far.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// kill -9, and starts it again at once.
    pub fn kill_and_restart(&mut self) {
        self.child.kill().expect("our child can be killed");
        self.child.wait().expect("a killed child ends");
        *self = Self::start(&self.program, self.envs.clone(), self.port, &self.log);
    }

    /// SIGTERM; how long it took to end, and whether it ended well.
    pub fn terminate(&mut self) -> (Duration, bool) {
        let start = Instant::now();
        let pid =
            i32::try_from(self.pid()).ok().and_then(rustix::process::Pid::from_raw).expect("it has an id");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it can be signalled");
        let ended = self.child.wait().expect("it ends");
        (start.elapsed(), ended.success())
    }

    /// A page of its health and metrics, with its status line.
    #[must_use]
    pub fn page(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: loopback\r\nConnection: close\r\n\r\n").ok()?;
        let mut page = String::new();
        stream.read_to_string(&mut page).ok()?;
        Some(page)
    }

    /// Its memory that is resident, in bytes.
    #[must_use]
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }

    /// Processor time that it used, in seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "ticks are few")]
    pub fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<u64>().ok()).sum::<u64>();
        ticks as f64 / 100.0
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A test that failed leaves no process behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
