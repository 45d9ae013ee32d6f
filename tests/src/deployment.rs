//! A deployment on an emulator: the templates of `infra/` under a name of their own, textract-local, and any number of
//! copies of each service as processes, with queues that hear what programs and people are told.

mod operator;

use crate::heard::{drain, listener};
use crate::program::repository;
use crate::shared::skip;
use aws::client::Choice;
use aws::{Aws, Settings};
use aws_credential_types::Credentials;
use domain::{Document, Job, State};
use ports::Filter;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The services, in the order of the way.
pub const SERVICES: [&str; 4] = ["ingest", "ocr", "summarize", "notify"];
/// Longer than anything here takes to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where emulators are, if they were started (`docker/host/emulators run …`): LocalStack, and a Python with boto3.
#[must_use]
pub fn emulator() -> Option<(String, String)> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let found = set("PRECIS_TEST_LOCALSTACK").zip(set("PRECIS_TEST_PYTHON"));
    if found.is_none() {
        skip("no AWS emulator runs (docker/host/emulators run …)");
    }
    found
}

/// One process of a service.
pub struct Worker {
    /// Which service.
    pub service: String,
    child: Child,
    port: u16,
    envs: Vec<(String, String)>,
    log: PathBuf,
}

impl Worker {
    fn start(service: &str, envs: Vec<(String, String)>, port: u16, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("a log can be written");
        let program = crate::program().with_file_name(service);
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
        Self { service: service.to_owned(), child, port, envs, log: log.to_owned() }
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
        *self = Self::start(&self.service, self.envs.clone(), self.port, &self.log);
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

/// How a deployment is started.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Copies of each service, in the order of [`SERVICES`].
    pub copies: [usize; 4],
    /// More of the services' environment.
    pub env: Vec<(&'static str, String)>,
    /// Another address of the emulator, for the services alone: something that stands between.
    pub between: Option<String>,
    /// More of textract-local's environment.
    pub textract: Vec<(&'static str, String)>,
}

impl Default for Plan {
    /// One copy of each, and quotas that hinder nobody.
    fn default() -> Self {
        let quotas = [
            "PRECIS_TEXTRACT_DETECTS_PER_SECOND",
            "PRECIS_TEXTRACT_STARTS_PER_SECOND",
            "PRECIS_TEXTRACT_GETS_PER_SECOND",
            "PRECIS_EMAILS_PER_SECOND",
        ];
        Self {
            copies: [1; 4],
            env: quotas.map(|name| (name, "1000".to_owned())).to_vec(),
            between: None,
            textract: Vec::new(),
        }
    }
}

/// A deployment that runs.
pub struct Deployment {
    /// Its ports and names, as an operator has them.
    pub aws: Aws,
    /// Its services.
    pub workers: Vec<Worker>,
    /// textract-local.
    pub textract: Worker,
    outcomes: String,
    mails: String,
    _folder: TempDir,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

impl Deployment {
    /// Deploys and starts everything, and waits until it is ready. `None`, and said so, without an emulator.
    ///
    /// # Panics
    /// If something does not start.
    pub async fn start(plan: Plan) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let (endpoint, python) = emulator()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let stack = format!("e{}-{number}", std::process::id());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let textract_port = free_port();
        let mut common: BTreeMap<String, String> = [
            ("AWS_ENDPOINT_URL", endpoint.clone()),
            ("AWS_ENDPOINT_URL_TEXTRACT", format!("http://127.0.0.1:{textract_port}")),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_DEFAULT_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("PRECIS_STACK", stack.clone()),
            ("PRECIS_MODEL", crate::model().display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let deployed = Command::new(python)
            .arg(repository().join("docker/deploy.py"))
            .envs(&common)
            .env_remove("AWS_CA_BUNDLE")
            .output()
            .expect("the templates can be deployed");
        assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
        let textract_env = [
            ("TEXTRACT_LOCAL_LISTEN", format!("127.0.0.1:{textract_port}")),
            ("TEXTRACT_LOCAL_STATE", folder.path().join("textract").display().to_string()),
        ];
        let mut envs = common.clone();
        envs.extend(textract_env.into_iter().chain(plan.textract.clone()).map(|(n, v)| (n.to_owned(), v)));
        let log = folder.path().join("textract-local.log");
        let textract = Worker::start("textract-local", envs.into_iter().collect(), textract_port, &log);
        if let Some(between) = &plan.between {
            common.insert("AWS_ENDPOINT_URL".to_owned(), between.clone());
        }
        common.extend(plan.env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let mut workers = Vec::new();
        for (service, copies) in SERVICES.iter().zip(plan.copies) {
            for copy in 0..copies {
                let (port, name) = (free_port(), format!("{service}-{copy}"));
                let scratch = folder.path().join(&name);
                std::fs::create_dir(&scratch).expect("a folder can be made");
                let mut envs = common.clone();
                envs.insert("PRECIS_LISTEN".to_owned(), format!("127.0.0.1:{port}"));
                envs.insert("PRECIS_SCRATCH".to_owned(), scratch.display().to_string());
                let log = folder.path().join(format!("{name}.log"));
                workers.push(Worker::start(
                    &format!("precis-{service}"),
                    envs.into_iter().collect(),
                    port,
                    &log,
                ));
            }
        }
        let choice = Choice {
            region: Some("eu-west-1".to_owned()),
            endpoint: Some(endpoint),
            credentials: Some(Credentials::new("test", "test", None, None, "tests")),
            ..Choice::default()
        };
        let aws =
            aws::connect(&Settings { stack, choice, ..Settings::default() }).await.expect("AWS is there");
        let outcomes = listener(&aws, "outcomes", &aws.names.outcomes_arn(), true).await;
        let mails = listener(&aws, "completions", &aws.names.completions_arn(), false).await;
        let this = Self { aws, workers, textract, outcomes, mails, _folder: folder };
        this.ready().await;
        Some(this)
    }

    /// Waits until every service says that it is ready.
    ///
    /// # Panics
    /// If one does not, with its log.
    pub async fn ready(&self) {
        let start = Instant::now();
        for (worker, path) in
            self.workers.iter().map(|worker| (worker, "/readyz")).chain([(&self.textract, "/healthz")])
        {
            while !worker.page(path).is_some_and(|page| page.starts_with("HTTP/1.1 200")) {
                assert!(start.elapsed() < PATIENCE, "{} is not ready:\n{}", worker.service, worker.said());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    /// Puts a file into the bucket.
    ///
    /// # Panics
    /// If it cannot be put.
    pub async fn put(&self, key: &str, file: &Path) -> Document {
        self.aws.stack.objects.upload(key, file).await.expect("an upload works")
    }

    /// Every job.
    ///
    /// # Panics
    /// If they cannot be listed.
    pub async fn jobs(&self) -> Vec<Job> {
        self.aws.stack.jobs.list(&Filter::default()).await.expect("jobs can be listed")
    }

    /// Waits until so many jobs are there and all have ended.
    ///
    /// # Panics
    /// If they do not in time, with how they stand.
    pub async fn ended(&self, count: usize, patience: Duration) -> Vec<Job> {
        let start = Instant::now();
        loop {
            let jobs = self.jobs().await;
            if jobs.len() >= count && jobs.iter().all(|job| job.state == State::Ended) {
                return jobs;
            }
            if start.elapsed() > patience {
                let open: Vec<_> = jobs.iter().filter(|job| job.state != State::Ended).collect();
                let logs: String = self.workers.iter().map(|worker| tail(&worker.said())).collect();
                panic!("{} of {count} jobs, {} open: {open:#?}\n{logs}", jobs.len(), open.len());
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// What programs were told since the last time.
    ///
    /// # Panics
    /// If it is no JSON.
    pub async fn outcomes(&self) -> Vec<Value> {
        let bodies = drain(&self.aws, &self.outcomes).await;
        bodies.iter().map(|body| serde_json::from_str(body).expect("a report is JSON")).collect()
    }

    /// Subject and text of each e-mail since the last time.
    ///
    /// # Panics
    /// If SNS wrapped it in something else.
    pub async fn mails(&self) -> Vec<(String, String)> {
        let told = drain(&self.aws, &self.mails).await;
        let mail = |body: &String| {
            let envelope: Value = serde_json::from_str(body).expect("SNS wraps in JSON");
            let field = |name: &str| envelope[name].as_str().unwrap_or_default().to_owned();
            (field("Subject"), field("Message"))
        };
        told.iter().map(mail).collect()
    }

    /// Messages of all queues that wait or are in hand, dead letters apart. Those that are put off are not counted: the
    /// look after OCR work stands in its queue until it is due, also when the work was done long before.
    ///
    /// # Panics
    /// If they cannot be counted.
    pub async fn messages(&self) -> (u64, u64) {
        let (mut live, mut dead) = (0, 0);
        for queue in ports::QueueName::ALL {
            let depth = self.aws.stack.queue_admin.depth(queue).await.expect("a depth can be read");
            live += depth.waiting + depth.in_flight;
            dead += depth.dead;
        }
        (live, dead)
    }

    /// A figure summed over the services, by the beginning of its series: `precis_aws_calls_total{service="SQS"`.
    #[must_use]
    pub fn metric(&self, series: &str) -> f64 {
        let pages = self.workers.iter().filter_map(|worker| worker.page("/metrics"));
        pages
            .flat_map(|page| page.lines().map(str::to_owned).collect::<Vec<_>>())
            .filter(|line| line.starts_with(series))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// All logs together.
    #[must_use]
    pub fn said(&self) -> String {
        self.workers.iter().chain([&self.textract]).map(Worker::said).collect()
    }
}

/// The end of a log.
fn tail(said: &str) -> String {
    let lines: Vec<_> = said.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n") + "\n"
}
