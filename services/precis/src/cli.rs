//! The command line: what may be typed, and what `--help` teaches.

pub mod bench_model;
pub mod learn;
pub mod models;

use crate::watch::Show;
use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::{OutcomeKind, Reason};
use std::path::PathBuf;

/// Long documents into short summaries whose every sentence cites its page.
#[derive(Debug, Parser)]
#[command(
    name = "precis",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "\
Examples:
  precis summarize report.pdf      print a summary with its pages, keep nothing
  precis up                        for good: drop files into precis-data/inbox
  precis put contract.pdf --wait   send a file to a running `precis up`, and wait
  precis jobs --state failed       what did not work, and why
  precis result 7f3a9c             a job's result again
  precis doctor                    is everything there that is needed?

Exit status: 0 all went well; 1 something did not (it is named, with what to
do); 2 wrong usage."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Say more: -v what each stage does, -vv everything. PRECIS_LOG takes a filter instead.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The data folder, for commands of one machine.
#[derive(Debug, Clone, Args)]
pub struct Folder {
    /// The data folder: jobs, results, e-mails and settings.
    #[arg(long = "data", value_name = "DIR", default_value = DATA, env = "PRECIS_DATA")]
    pub folder: PathBuf,
}

/// The data folder unless somebody says otherwise.
const DATA: &str = "precis-data";

/// A data folder, or a deployment on AWS: where a command looks.
///
/// The environment is read here and not by clap: what is typed beats it, so that `--data` works in a shell that
/// exports PRECIS_STACK.
#[derive(Debug, Clone, Default, Args)]
pub struct Data {
    /// The data folder: jobs, results, e-mails and settings [default: precis-data] [env: PRECIS_DATA].
    #[arg(long = "data", value_name = "DIR", conflicts_with_all = ["stack", "profile", "region"])]
    pub folder: Option<PathBuf>,
    /// A deployment on AWS instead, by its stack's name [env: PRECIS_STACK].
    #[arg(long, value_name = "NAME")]
    pub stack: Option<String>,
    /// The profile of the AWS configuration to use [env: AWS_PROFILE].
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The AWS region [env: AWS_REGION].
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}

impl Data {
    /// The deployment, if one is meant.
    pub fn stack(&self) -> Option<String> {
        let exported = || std::env::var("PRECIS_STACK").ok();
        let stack = if self.folder.is_some() { None } else { self.stack.clone().or_else(exported) };
        stack.filter(|name| !name.is_empty())
    }

    /// The folder, if no deployment is meant.
    pub fn folder(&self) -> PathBuf {
        let exported =
            || std::env::var_os("PRECIS_DATA").filter(|value| !value.is_empty()).map(PathBuf::from);
        self.folder.clone().or_else(exported).unwrap_or_else(|| PathBuf::from(DATA))
    }

    /// What to type after a command so that it looks here too.
    pub fn typed(&self) -> String {
        let Some(stack) = self.stack() else { return format!(" --data {}", self.folder().display()) };
        let mut typed = format!(" --stack {stack}");
        for (name, value) in [("profile", &self.profile), ("region", &self.region)] {
            typed.extend(value.iter().map(|value| format!(" --{name} {value}")));
        }
        typed
    }
}

/// Where the model is.
#[derive(Debug, Clone, Args)]
pub struct Model {
    /// Folder of the sentence-embedding model, or its name (see `precis models list`). Not given:
    /// `models/all-MiniLM-L6-v2` in the current folder, beside the program or above it, or under /usr/share/precis.
    #[arg(long, value_name = "DIR", env = "PRECIS_MODEL")]
    pub model: Option<PathBuf>,
    /// A model that writes (T5 or Qwen3), by its folder, its GGUF file or its name: it writes the summaries of documents
    /// whose settings say `write = "generate"`. Not given: every summary is made of the document's own sentences.
    #[arg(long, value_name = "DIR", env = "PRECIS_WRITER")]
    pub writer: Option<PathBuf>,
    /// A learnt ranking (see `precis heads`); `recipe` for the built-in one. Not given: the data folder's.
    #[arg(long, value_name = "FILE", env = "PRECIS_HEAD")]
    pub head: Option<PathBuf>,
}

/// Settings for a run.
#[derive(Debug, Clone, Default, Args)]
pub struct Asked {
    /// Length of the summary: words, or brief, standard, detailed [default: 120, or what precis.toml says].
    #[arg(long, value_name = "N|NAME", value_parser = length)]
    pub words: Option<u32>,
    /// What you ask of the documents, in their language: "termination and liability". What they say about it comes
    /// first; where they say nothing about it, the summary says so.
    #[arg(long, value_name = "TEXT")]
    pub focus: Option<String>,
    /// Any setting by name, for example --set max_pages=20 (see `precis settings`).
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Summarize files now and print the summaries.
    #[command(after_help = "\
Examples:
  precis summarize lease.pdf
  precis summarize -r contracts --format markdown > summaries.md
  curl -s https://example.org/report.html | precis summarize - --words brief
  precis summarize lease.pdf --focus \"termination and liability\"
  precis summarize *.pdf --format json | jq -r '.summary.headline'

Without --data nothing is kept. With it, a document that was summarized before
is not read again, and results and e-mails lie in that folder. Results come in
the order of the arguments.")]
    Summarize(Summarize),
    /// Run all workers for good; drop documents into the inbox.
    #[command(after_help = "\
Examples:
  precis up                                   inbox in precis-data/inbox
  precis up --inbox /srv/scans --after move   files are moved once taken
  precis up --metrics 127.0.0.1:9464          Prometheus metrics on /metrics

Ctrl-C finishes what is at work and says what it waits for; a second Ctrl-C
stops at once. Nothing is lost either way, nor by kill -9 or a power cut: the
next start goes on. To start it with the machine: precis service install")]
    Up(Up),
    /// Send files to a running `precis up`, or to a deployment.
    #[command(after_help = "\
Examples:
  precis put lease.pdf
  precis put *.pdf --prefix contracts/ --wait
  precis put lease.pdf --stack precis --wait    into a deployment's bucket")]
    Put(Put),
    /// List jobs, newest first.
    #[command(after_help = "\
Examples:
  precis jobs
  precis jobs --state failed
  precis jobs --stack precis                    of a deployment on AWS
  precis jobs --json | jq -r 'select(.reason == \"ENCRYPTED\") | .key'

States: ingest, ocr, summarize, notify (where the work is), waiting (any of
these), and how it ended: summarized, rejected, failed, superseded.")]
    Jobs(Jobs),
    /// Show one job: where it is, what happened, what to do.
    #[command(after_help = "\
Examples:
  precis job 7f3a9c                             the beginning of an id is enough
  precis job 7f3a9c --json | jq .history")]
    Job(One),
    /// Print a job's result again, of its last run or of one before.
    #[command(after_help = "\
Examples:
  precis result 7f3a9c
  precis result 7f3a9c --run 1                  as it was at first
  precis result 7f3a9c --format markdown > lease.md")]
    Result(ResultOf),
    /// Print the text that was read of a job's document.
    #[command(after_help = "Example:\n  precis text 7f3a9c > lease.txt")]
    Text(One),
    /// Run ended jobs again with the same settings (for failures that were mended).
    #[command(after_help = "\
Examples:
  precis retry 7f3a9c
  precis retry --reason OCR_UNAVAILABLE
  precis retry --all                            all failed, not the rejected")]
    Retry(Retry),
    /// Run ended jobs again with other settings; the old result is kept.
    #[command(after_help = "\
Examples:
  precis reprocess 7f3a9c --words 60
  precis reprocess contracts/ --words 200       all whose key starts so
  precis reprocess 7f3a9c --fresh               even if nothing has changed")]
    Reprocess(Reprocess),
    /// Show how full the queues are.
    #[command(after_help = "\
Examples:
  precis queues
  precis queues --redrive notify                what was given up, once more
  precis queues --redrive deliveries            and e-mails and webhooks")]
    Queues(Queues),
    /// Tell somebody about results: an e-mail address or a webhook URL.
    #[command(after_help = "\
Examples:
  precis subscribe ann@example.org
  precis subscribe ann@example.org --prefix contracts/ --outcome summarized
  precis subscribe ops@example.org --operator   what operators must mend
  precis subscribe https://example.org/hook --test
  precis subscribe --stack precis ann@example.org
  precis subscribe --stack precis --confirm 'https://sns…'

On AWS, SNS sends each new address a message with a link to confirm. Do not
open it: copy it, and give it to --confirm. Then only somebody with the
account's credentials can unsubscribe the address; confirmed by opening the
link, each e-mail carries one that a mail scanner may follow.")]
    Subscribe(Subscribe),
    /// List who is told.
    #[command(
        after_help = "Example:\n  precis subscriptions --json | jq -r '.endpoint.email // .endpoint.webhook'"
    )]
    Subscriptions(DataOnly),
    /// Stop telling somebody.
    #[command(after_help = "\
Examples:
  precis unsubscribe ann@example.org            all of this address
  precis unsubscribe sc8f3f02c                  one of `precis subscriptions`")]
    Unsubscribe(Unsubscribe),
    /// Show the settings of a key, each with where it comes from; on AWS edit them.
    #[command(after_help = "\
Examples:
  precis settings
  precis settings contracts/lease.pdf
  precis settings --stack precis contracts/ --set words=80 --set max_pages=20
  precis settings --stack precis contracts/ --unset max_pages
  precis settings --example > precis-data/precis.toml")]
    Settings(SettingsArgs),
    /// Write a checked backup of the data folder into one file.
    #[command(after_help = "\
Example:
  precis export backup-$(date +%F).tar          `precis up` may go on meanwhile")]
    Export(Export),
    /// Make a new data folder from a backup.
    #[command(after_help = "Example:\n  precis import backup-2026-11-23.tar --data restored")]
    Import(Import),
    /// Check everything that is needed and say how to mend what is missing.
    #[command(after_help = "\
Examples:
  precis doctor
  precis doctor --check smtp                    does the mail server let us in?
  precis doctor --stack precis                  is all of a deployment well?")]
    Doctor(Doctor),
    /// Learn a ranking of sentences from summaries, facts or preferences.
    #[command(after_help = learn::TRAIN_HELP)]
    Train(learn::Train),
    /// List learnt rankings, compare them, and choose which is in use.
    #[command(subcommand)]
    Heads(learn::Heads),
    /// Bring models here, list, verify and remove them.
    #[command(subcommand, after_help = models::HELP)]
    Models(models::Models),
    /// Measure how fast this machine summarizes, and what that costs.
    #[command(after_help = bench_model::HELP)]
    BenchModel(bench_model::BenchModel),
    /// Start `precis up` with the machine (systemd).
    #[command(subcommand)]
    Service(Service),
    /// Print a completion script for a shell.
    #[command(
        after_help = "Example:\n  precis completions bash > ~/.local/share/bash-completion/completions/precis"
    )]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// How to print a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading in a terminal.
    Text,
    /// For documents and wikis.
    Markdown,
    /// One JSON object a line (docs/outcome.schema.json).
    Json,
}

/// `precis summarize`.
#[derive(Debug, Args)]
pub struct Summarize {
    /// Files; `-` reads standard input.
    #[arg(value_name = "FILE", required_unless_present = "recursive")]
    pub files: Vec<PathBuf>,
    /// Also every file in this folder and below.
    #[arg(short, long, value_name = "DIR")]
    pub recursive: Vec<PathBuf>,
    /// How to print results.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Settings for these files.
    #[command(flatten)]
    pub asked: Asked,
    /// Keep everything in this data folder, and take from it what is done already.
    #[arg(long = "data", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The model.
    #[command(flatten)]
    pub model: Model,
    /// Do the work even if the same content was summarized before.
    #[arg(long)]
    pub fresh: bool,
    /// After each summary, say on standard error why each of its sentences was taken: every term of its score.
    #[arg(long)]
    pub explain: bool,
    /// How to show progress on standard error.
    #[arg(long, value_enum, default_value_t = Show::Auto)]
    pub progress: Show,
}

/// `precis up`.
#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    pub data: Folder,
    /// Watch this folder too (the data folder's own inbox is always watched). Its name is the key's prefix.
    #[arg(long, value_name = "DIR")]
    pub inbox: Vec<PathBuf>,
    /// What becomes of a file once it is taken in safely.
    #[arg(long, value_enum, default_value_t = After::Keep)]
    pub after: After,
    /// Serve Prometheus metrics at this address under /metrics, for example 127.0.0.1:9464.
    #[arg(long, value_name = "ADDRESS", env = "PRECIS_METRICS")]
    pub metrics: Option<std::net::SocketAddr>,
    /// The model.
    #[command(flatten)]
    pub model: Model,
    /// Longest that Ctrl-C waits for work at hand, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 110)]
    pub drain: u64,
    /// Start nothing: say by the exit status whether another `precis up` works in the data folder. For the health
    /// check of a container.
    #[arg(long)]
    pub health: bool,
}

/// What becomes of an inbox file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum After {
    /// It stays untouched.
    Keep,
    /// It is moved into the folder `done` in its inbox, which is not looked into.
    Move,
    /// It is deleted.
    Delete,
}

/// `precis put`.
#[derive(Debug, Args)]
pub struct Put {
    /// Files to send.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Put this before each file's name to make the key.
    #[arg(long, default_value = "", value_name = "PREFIX")]
    pub prefix: String,
    /// Wait until each is done and print its result.
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub data: Data,
}

/// `precis jobs`.
#[derive(Debug, Args)]
pub struct Jobs {
    /// Only jobs in this state.
    #[arg(long, value_name = "STATE", value_parser = ["ingest", "ocr", "summarize", "notify", "waiting", "ended",
        "summarized", "rejected", "failed", "superseded"])]
    pub state: Option<String>,
    /// Only jobs that ended for this reason.
    #[arg(long, value_name = "CODE")]
    pub reason: Option<Reason>,
    /// Only keys that start so.
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: usize,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: Data,
}

/// A command about one job.
#[derive(Debug, Args)]
pub struct One {
    /// The job: its id or the beginning of it.
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub data: Data,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `precis result`.
#[derive(Debug, Args)]
pub struct ResultOf {
    /// The job: its id or the beginning of it.
    #[arg(value_name = "ID")]
    pub id: String,
    /// The run, from 1; `precis job ID` names them [default: the last that ended].
    #[arg(long, value_name = "N")]
    pub run: Option<u32>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    #[command(flatten)]
    pub data: Data,
}

/// `precis retry`.
#[derive(Debug, Args)]
#[group(id = "which", required = true, multiple = false)]
pub struct RetryWhich {
    /// The job: its id or the beginning of it.
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// All jobs that failed or were rejected for this reason.
    #[arg(long, value_name = "CODE")]
    pub reason: Option<Reason>,
    /// All failed jobs.
    #[arg(long)]
    pub all: bool,
}

/// `precis retry`.
#[derive(Debug, Args)]
pub struct Retry {
    /// Which jobs.
    #[command(flatten)]
    pub which: RetryWhich,
    #[command(flatten)]
    pub data: Data,
}

/// `precis reprocess`.
#[derive(Debug, Args)]
pub struct Reprocess {
    /// A job's id (or its beginning), or the beginning of keys.
    #[arg(value_name = "ID|PREFIX")]
    pub which: String,
    /// The settings for the new run.
    #[command(flatten)]
    pub asked: Asked,
    /// Do the work even if the same content was summarized so before.
    #[arg(long)]
    pub fresh: bool,
    #[command(flatten)]
    pub data: Data,
}

/// What `precis queues` calls e-mails, webhooks and result files that are not at their place yet.
pub const DELIVERIES: &str = "deliveries";

/// `precis queues`.
#[derive(Debug, Args)]
pub struct Queues {
    #[command(flatten)]
    pub data: Data,
    /// Send the dead letters of this queue again; `deliveries`: try again to tell those who could not be told.
    #[arg(long, value_name = "QUEUE",
        value_parser = ["ingest", "ocr", "ocr-completed", "summarize", "notify", DELIVERIES])]
    pub redrive: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// `precis subscribe`.
#[derive(Debug, Args)]
pub struct Subscribe {
    /// An e-mail address, or an http(s) URL.
    #[arg(value_name = "ADDRESS|URL", required_unless_present = "confirm")]
    pub endpoint: Option<String>,
    /// Confirm an address with the link (or its token) that SNS sent to it.
    #[arg(long, value_name = "LINK", conflicts_with_all = ["endpoint", "outcomes", "prefix", "operator", "test"])]
    pub confirm: Option<String>,
    /// Only these outcomes (repeat it for more).
    #[arg(long = "outcome", value_name = "OUTCOME", value_parser = outcome)]
    pub outcomes: Vec<OutcomeKind>,
    /// Only documents whose key starts so.
    #[arg(long, default_value = "", value_name = "PREFIX")]
    pub prefix: String,
    /// Failures that only an operator can mend, rather than summaries.
    #[arg(long)]
    pub operator: bool,
    /// Send a test message now.
    #[arg(long)]
    pub test: bool,
    #[command(flatten)]
    pub data: Data,
}

/// `precis unsubscribe`.
#[derive(Debug, Args)]
pub struct Unsubscribe {
    /// The subscription's id, or the address.
    #[arg(value_name = "ID|ADDRESS|URL")]
    pub which: String,
    #[command(flatten)]
    pub data: Data,
}

/// A command that only needs to know where.
#[derive(Debug, Args)]
pub struct DataOnly {
    #[command(flatten)]
    pub data: Data,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// `precis settings`.
#[derive(Debug, Args)]
pub struct SettingsArgs {
    /// The key that the settings are for; none: those that hold everywhere. With --set and --unset, the prefix of
    /// the keys that they shall hold for.
    #[arg(value_name = "KEY", default_value = "")]
    pub key: String,
    /// Set a value for all keys that start so (on AWS; repeat it for more).
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// Take a value away again.
    #[arg(long = "unset", value_name = "NAME")]
    pub unset: Vec<String>,
    /// Only for documents of this bucket.
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// Print a precis.toml that explains every setting.
    #[arg(long)]
    pub example: bool,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: Data,
}

/// `precis export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The file to write (a tar archive); must not exist.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub data: Folder,
}

/// `precis import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub data: Folder,
}

/// `precis doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Only this check: data, settings, model, ocr, disk, permissions, clock, smtp; of a deployment: credentials, clock,
    /// queues, topics, buckets, tables, subscriptions, artifacts, textract.
    #[arg(long, value_name = "CHECK")]
    pub check: Option<String>,
    #[command(flatten)]
    pub data: Data,
    /// The model.
    #[command(flatten)]
    pub model: Model,
}

/// `precis service`.
#[derive(Debug, Subcommand)]
pub enum Service {
    /// Write a systemd unit for this data folder and say how to start it.
    #[command(after_help = "\
Examples:
  sudo precis service install --data /srv/precis
  precis service install --user                 without an administrator
  precis service install --print                look at the unit first")]
    Install {
        #[command(flatten)]
        data: Folder,
        /// For this user rather than the whole machine (survives logout with `loginctl enable-linger`).
        #[arg(long)]
        user: bool,
        /// Print the unit instead of writing it.
        #[arg(long)]
        print: bool,
    },
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    domain::settings::Layer::from_pairs([(name, value)])?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Words that make a summary, or the name of a length.
fn length(text: &str) -> Result<u32, String> {
    let words = domain::settings::length(text)?;
    if (10..=5000).contains(&words) { Ok(words) } else { Err(format!("{words} is not in 10..=5000")) }
}

fn outcome(text: &str) -> Result<OutcomeKind, String> {
    let all = [OutcomeKind::Summarized, OutcomeKind::Rejected, OutcomeKind::Failed];
    all.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
        format!("there is no outcome {text:?}; there are {}", all.map(OutcomeKind::as_str).join(", "))
    })
}

impl Asked {
    /// As a layer of settings.
    pub fn layer(&self) -> Result<domain::settings::Layer, String> {
        let pairs = self.set.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut layer = domain::settings::Layer::from_pairs(pairs)?;
        layer.words = self.words.or(layer.words);
        layer.focus = self.focus.clone().or(layer.focus);
        Ok(layer)
    }
}
