//! A MiniStack of a test's own, which keeps what it holds over a restart.

use crate::deployment::free_port;
use crate::shared::skip;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An emulator that can be stopped and started again.
pub struct MiniStack {
    /// Where it answers.
    pub endpoint: String,
    python: PathBuf,
    port: u16,
    child: Option<Child>,
    folder: TempDir,
}

impl MiniStack {
    /// Starts one; `None`, and said so, where it was not installed (`docker/host/emulators run …`).
    #[must_use]
    pub fn start() -> Option<Self> {
        let Some(python) = std::env::var_os("PRECIS_TEST_MINISTACK_PYTHON") else {
            skip("MiniStack is not installed (docker/host/emulators run …)");
            return None;
        };
        let port = free_port();
        let folder = tempfile::tempdir().ok()?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let mut this = Self { endpoint, python: python.into(), port, child: None, folder };
        this.go_on();
        Some(this)
    }

    /// Stops it. It writes down what it holds.
    ///
    /// # Panics
    /// If it does not end.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let pid =
            i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("it has an id");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it can be signalled");
        child.wait().expect("it ends");
    }

    /// Starts it again, with all that it held.
    ///
    /// # Panics
    /// If it does not answer within a minute.
    pub fn go_on(&mut self) {
        let folder = self.folder.path();
        let log =
            File::options().create(true).append(true).open(folder.join("log")).expect("a log can be written");
        let child = Command::new(&self.python)
            .args(["-m", "ministack"])
            .env_remove("AWS_CA_BUNDLE")
            .env_remove("AWS_ENDPOINT_URL")
            .env("GATEWAY_PORT", self.port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("MINISTACK_HOST", "127.0.0.1")
            .env("MINISTACK_REGION", "eu-west-1")
            .env("PERSIST_STATE", "1")
            .env("STATE_DIR", folder.join("state"))
            .env("S3_PERSIST", "1")
            .env("S3_DATA_DIR", folder.join("objects"))
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .spawn()
            .expect("MiniStack starts");
        self.child = Some(child);
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let said = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "MiniStack does not answer:\n{}", said());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for MiniStack {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
