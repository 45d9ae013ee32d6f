//! A deployment on an emulator: the templates of `infra/` under a name of their own, textract-local, and any number of
//! copies of each service as processes, with queues that hear what programs and people are told.

mod operator;
mod worker;

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
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
pub use worker::Worker;

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

/// How a deployment is started.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Copies of each service, in the order of [`SERVICES`].
    pub copies: [usize; 4],
    /// More of the services' environment.
    pub env: Vec<(&'static str, String)>,
    /// The emulator; none: the one that runs for all tests.
    pub emulator: Option<String>,
    /// The folder of the services' programs; none: those that were built.
    pub programs: Option<PathBuf>,
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
            emulator: None,
            programs: None,
            textract: Vec::new(),
        }
    }
}

/// The folder of the programs that were built.
///
/// # Panics
/// Never: a program has a folder.
#[must_use]
pub fn built() -> PathBuf {
    crate::program().parent().expect("a program has a folder").to_owned()
}

/// Where the calls of a service are written down, from all tests: `infra/check --calls` holds the policies to them.
fn calls(service: &str) -> String {
    let folder = built().join("calls");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    folder.join(service).display().to_string()
}

/// A deployment that runs.
pub struct Deployment {
    /// Its ports and names, as an operator has them.
    pub aws: Aws,
    /// Its services.
    pub workers: Vec<Worker>,
    /// textract-local.
    pub textract: Worker,
    /// The services' environment.
    common: BTreeMap<String, String>,
    /// Processes that were ever started.
    started: usize,
    outcomes: String,
    mails: String,
    folder: TempDir,
}

pub(crate) fn free_port() -> u16 {
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
        let endpoint = plan.emulator.unwrap_or(endpoint);
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
        envs.insert(aws::record::VARIABLE.to_owned(), calls("textract"));
        envs.extend(textract_env.into_iter().chain(plan.textract.clone()).map(|(n, v)| (n.to_owned(), v)));
        let log = folder.path().join("textract-local.log");
        let program = crate::program().with_file_name("textract-local");
        let textract = Worker::start(&program, envs.into_iter().collect(), textract_port, &log);
        common.extend(plan.env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
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
        let (workers, started) = (Vec::new(), 0);
        let mut this = Self { aws, workers, textract, common, started, outcomes, mails, folder };
        let programs = plan.programs.unwrap_or_else(built);
        for (service, copies) in SERVICES.iter().zip(plan.copies) {
            for _ in 0..copies {
                this.add(service, &programs);
            }
        }
        this.ready().await;
        Some(this)
    }

    /// Starts one more process of a service, from these programs; [`Self::ready`] waits for it.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn add(&mut self, service: &str, programs: &Path) {
        let (port, name) = (free_port(), format!("{service}-{}", self.started));
        let scratch = self.folder.path().join(&name);
        std::fs::create_dir(&scratch).expect("a folder can be made");
        let mut envs = self.common.clone();
        envs.insert("PRECIS_LISTEN".to_owned(), format!("127.0.0.1:{port}"));
        envs.insert(aws::record::VARIABLE.to_owned(), calls(service));
        envs.insert("PRECIS_SCRATCH".to_owned(), scratch.display().to_string());
        let log = self.folder.path().join(format!("{name}.log"));
        let program = programs.join(format!("precis-{service}"));
        self.workers.push(Worker::start(&program, envs.into_iter().collect(), port, &log));
        self.started += 1;
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
        let mut all: Vec<Job> = Vec::new();
        loop {
            let after = all.last().map(|job| job.id.clone());
            let page = self.aws.stack.jobs.list(&Filter { after, ..Filter::default() }).await;
            let page = page.expect("jobs can be listed");
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
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
