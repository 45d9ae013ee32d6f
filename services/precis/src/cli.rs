//! The command line: what may be typed, and what `--help` teaches.

pub mod bench_model;
mod documents;
mod jobs;
pub mod learn;
mod machine;
pub mod models;
mod operate;
mod people;
mod place;

use clap::{Parser, Subcommand};
pub use documents::{After, Asked, Format, Model, Put, Summarize, Up};
pub use jobs::{Jobs, One, Reprocess, ResultOf, Retry};
pub use machine::{Doctor, Export, Import, Service};
pub use operate::{Backfill, Cost, DELIVERIES, Erase, PriceFile, Purge, Queues};
pub use people::{SettingsArgs, Subscribe, Unsubscribe};
pub use place::{Data, DataOnly, Folder};

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
    /// Show how full the queues are, and what is in the dead letters; send those again.
    #[command(after_help = operate::QUEUES_HELP)]
    Queues(Queues),
    /// Delete all messages of a queue.
    #[command(after_help = operate::PURGE_HELP)]
    Purge(Purge),
    /// Delete every trace of one document.
    #[command(after_help = operate::ERASE_HELP)]
    Erase(Erase),
    /// Summarize documents that were in a bucket before.
    #[command(after_help = operate::BACKFILL_HELP)]
    Backfill(Backfill),
    /// Estimate what documents cost, or sum what they did cost.
    #[command(after_help = operate::COST_HELP)]
    Cost(Cost),
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
