//! What may be typed by whoever looks after a place: queues, erasing, documents that were there before, cost.

use super::Data;
use clap::Args;
use domain::Reason;
use jiff::Timestamp;
use std::path::PathBuf;

/// What `precis queues` calls e-mails, webhooks and result files that are not at their place yet.
pub const DELIVERIES: &str = "deliveries";

/// What `precis queues --help` teaches.
pub const QUEUES_HELP: &str = "\
Examples:
  precis queues
  precis queues --dead                          dead letters by queue and cause
  precis queues --redrive notify                what was given up, once more
  precis queues --redrive ingest --cause NO_JOB only these
  precis queues --redrive deliveries            and e-mails and webhooks

A cause is the reason that the letter's job ended for (`precis jobs --reason`),
or one of: NO_JOB (an event that never made a job), UNFINISHED (its job is still
owed work), SUMMARIZED, ERASED, DIGEST (an e-mail about many), NEWER (written by
a newer release), UNREADABLE (no message of ours).";

/// `precis queues`.
#[derive(Debug, Args)]
pub struct Queues {
    #[command(flatten)]
    pub data: Data,
    /// Show the dead letters, by queue and cause.
    #[arg(long, conflicts_with = "redrive")]
    pub dead: bool,
    /// Send the dead letters of this queue again; `deliveries`: try again to tell those who could not be told.
    #[arg(long, value_name = "QUEUE",
        value_parser = ["ingest", "ocr", "ocr-completed", "summarize", "notify", DELIVERIES])]
    pub redrive: Option<String>,
    /// Only dead letters of this cause.
    #[arg(long, value_name = "CAUSE", requires = "redrive", value_parser = cause)]
    pub cause: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Causes of dead letters that are no reasons of jobs.
pub const CAUSES: [&str; 7] =
    ["NO_JOB", "UNFINISHED", "SUMMARIZED", "ERASED", "DIGEST", "NEWER", "UNREADABLE"];

fn cause(text: &str) -> Result<String, String> {
    let text = text.to_ascii_uppercase();
    if CAUSES.contains(&&*text) {
        return Ok(text);
    }
    let reason = text.parse::<Reason>().map(|reason| reason.code().to_owned());
    reason.map_err(|error| format!("{error}; and the other causes are {}", CAUSES.join(", ")))
}

/// What `precis purge --help` teaches.
pub const PURGE_HELP: &str = "\
Examples:
  precis purge notify                           says what would go
  precis purge ingest --dead --yes              its dead letters

A message is only a nudge: the reconciler sends the job of a purged nudge on
again within 20 minutes. A purged event of ingest is made up for by the next
listing of the bucket (see docs/operating.md); one of a deletion is not.";

/// `precis purge`.
#[derive(Debug, Args)]
pub struct Purge {
    /// The queue.
    #[arg(value_name = "QUEUE", value_parser = ["ingest", "ocr", "ocr-completed", "summarize", "notify"])]
    pub queue: String,
    /// Its dead letters rather than its messages.
    #[arg(long)]
    pub dead: bool,
    /// Really.
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub data: Data,
}

/// What `precis erase --help` teaches.
pub const ERASE_HELP: &str = "\
Examples:
  precis erase contracts/lease.pdf              says what there is of it
  precis erase contracts/lease.pdf --yes        and deletes it, all versions
  precis erase 7f3a9c --yes                     one version, by its job
  precis erase 7f3a9c --keep-object --yes       all but the object itself

For a person's right to erasure. What is deleted: the object (every version of a
key; of a job its own), what was read and found in every run, results, claims
for reuse, the key in tallies, the record. In a data folder also waiting
messages, e-mails and webhooks not delivered yet, e-mails in the outbox, result
files, and the file in the inbox. Left is a tombstone: the job's id, when it was
erased, what it cost.

What was broken off is gone on with by the same command. Documents with the same
bytes under other keys are other documents, with copies of their own.";

/// `precis erase`.
#[derive(Debug, Args)]
pub struct Erase {
    /// The whole key of a document, or a job's id (or its beginning).
    #[arg(value_name = "KEY|ID")]
    pub what: String,
    /// It is a key, also where it looks like an id.
    #[arg(long)]
    pub key: bool,
    /// The bucket of the key [default: the place's own].
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// Leave the object in its bucket (in a data folder: the stored document and the file in the inbox).
    #[arg(long)]
    pub keep_object: bool,
    /// Really.
    #[arg(long)]
    pub yes: bool,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: Data,
}

/// What `precis backfill --help` teaches.
pub const BACKFILL_HELP: &str = "\
Examples:
  precis backfill --stack precis                what it would cost
  precis backfill contracts/ --stack precis --yes
  precis backfill --stack precis --yes --rate 20 --ahead 500
  precis backfill --stack precis --inventory s3://lists/2026-11-29/manifest.json

Sends the documents that lie in a bucket and have no job through the pipeline,
as if they had come just now. Without --yes nothing is sent.

Live documents go first: no more than --ahead documents are ever on their way,
in the place of their tenant. Broken off (Ctrl-C, kill, a lost connection) the
same command goes on where it was; a document that is sent twice makes one job.

The pages and the share of scans are estimated from documents that were done
here; without any, say them: --pages and --scanned.";

/// `precis backfill`.
#[derive(Debug, Args)]
pub struct Backfill {
    /// Only keys that start so.
    #[arg(value_name = "PREFIX", default_value = "")]
    pub prefix: String,
    /// Another bucket than the place's own. The services must be allowed to read it.
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// Read the documents from an S3 Inventory (CSV) instead of listing the bucket: its manifest.json, as a file or as
    /// s3://BUCKET/KEY.
    #[arg(long, value_name = "MANIFEST")]
    pub inventory: Option<String>,
    /// Send at most so many documents a second.
    #[arg(long, value_name = "N", default_value_t = 5.0, value_parser = rate)]
    pub rate: f64,
    /// Send only while fewer documents than this are on their way.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    pub ahead: u64,
    /// Send at most so many, and leave the rest for the next time.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Begin at the beginning, whatever an earlier run has sent.
    #[arg(long)]
    pub restart: bool,
    /// Where to note how far it came [default: in the data folder; for a deployment in ~/.local/state/precis].
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Pages of a document on the average, for the estimate.
    #[arg(long, value_name = "N", value_parser = amount)]
    pub pages: Option<f64>,
    /// Share of pages that need OCR, for the estimate: 0.3, or 30%.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub scanned: Option<f64>,
    #[command(flatten)]
    pub prices: PriceFile,
    /// Really.
    #[arg(long)]
    pub yes: bool,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: Data,
}

/// Prices other than those of this release.
#[derive(Debug, Clone, Default, Args)]
pub struct PriceFile {
    /// A file of prices that differ from those of this release (`precis cost --example` prints its form).
    #[arg(long = "prices", value_name = "FILE", env = "PRECIS_PRICES")]
    pub file: Option<PathBuf>,
}

/// What `precis cost --help` teaches.
pub const COST_HELP: &str = "\
Examples:
  precis cost --documents 10000 --pages 12 --scanned 30%
  precis cost --documents 10000 --pages 12 --scanned 30% --region eu-west-1
  precis cost --stack precis --since 2026-11-01     what it did cost
  precis cost --stack precis --since 2026-11-01 --depth 2 --json
  precis cost --example > prices.toml                  prices to be corrected

The first form estimates, from requests that were counted for each document and
AWS's list prices of one day; it asks nobody. The second sums what each job says
that it did cost: pages of OCR, requests, seconds of work. Requests that no
single document sends (polls, deletions) are in the estimate and not in the
sums.";

/// `precis cost`.
#[derive(Debug, Args)]
pub struct Cost {
    /// Estimate for so many documents a month.
    #[arg(long, value_name = "N", conflicts_with = "since", value_parser = amount)]
    pub documents: Option<f64>,
    /// Pages of a document, on the average.
    #[arg(long, value_name = "N", default_value_t = 5.0, value_parser = amount, requires = "documents")]
    pub pages: f64,
    /// Share of pages that need OCR: 0.3, or 30%.
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = share, requires = "documents")]
    pub scanned: f64,
    /// Addresses that get an e-mail about each document.
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = amount, requires = "documents")]
    pub emails: f64,
    /// Size of a document in megabytes, on the average, for what S3 keeps.
    #[arg(long, value_name = "MB", default_value_t = 1.0, value_parser = amount, requires = "documents")]
    pub megabytes: f64,
    /// Processors of all tasks together, all month long; unless said, those of one task of each service on Fargate.
    #[arg(long, value_name = "N", default_value_t = 2.5, value_parser = amount, requires = "documents")]
    pub vcpu: f64,
    /// Memory of all tasks together, in GB, all month long.
    #[arg(long, value_name = "GB", default_value_t = 7.5, value_parser = amount, requires = "documents")]
    pub memory: f64,
    /// Sum what the jobs made since then did cost (a day in UTC, or a time like 2026-11-01T12:00:00Z).
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Timestamp>,
    /// Only keys that start so.
    #[arg(long, value_name = "PREFIX", requires = "since")]
    pub prefix: Option<String>,
    /// Sum by so many parts of the key: 1 is the tenant, 0 is everything.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "since")]
    pub depth: usize,
    #[command(flatten)]
    pub prices: PriceFile,
    /// Print the prices of this release, as a file to be corrected.
    #[arg(long, conflicts_with_all = ["documents", "since"])]
    pub example: bool,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: Data,
}

fn amount(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(amount) if amount.is_finite() && (0.0..=1e12).contains(&amount) => Ok(amount),
        _ => Err(format!("{text:?} is no number from 0 to 1000000000000")),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.01..=1000.0).contains(&rate) => Ok(rate),
        _ => Err(format!("{text:?} is no rate: that is a number from 0.01 to 1000")),
    }
}

/// A share, as a part of one or in percent.
fn share(text: &str) -> Result<f64, String> {
    let (number, whole) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    match number.trim().parse::<f64>() {
        Ok(share) if (0.0..=whole).contains(&share) => Ok(share / whole),
        _ => Err(format!("{text:?} is no share: that is a number from 0 to 1, or from 0% to 100%")),
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    let day = || format!("{text}T00:00:00Z").parse().ok();
    text.parse().ok().or_else(day).ok_or_else(|| {
        format!("{text:?} is no time: write a day (2026-11-01) or a time (2026-11-01T12:00:00Z)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_part_of_one_or_in_percent() {
        assert_eq!(
            (share("0.3"), share("30%"), share("0"), share("100 %")),
            (Ok(0.3), Ok(0.3), Ok(0.0), Ok(1.0))
        );
        for bad in ["30", "-1", "101%", "x", "NaN"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_day_begins_in_utc() {
        assert_eq!(time("2026-11-01").unwrap().to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(time("2026-11-01T12:00:00+02:00").unwrap().to_string(), "2026-11-01T10:00:00Z");
        assert!(time("yesterday").is_err());
    }

    #[test]
    fn causes_are_reasons_of_jobs_and_a_few_more() {
        assert_eq!((cause("no_job"), cause("ocr_failed")), (Ok("NO_JOB".into()), Ok("OCR_FAILED".into())));
        assert!(cause("BAD_LUCK").unwrap_err().contains("UNREADABLE"));
    }
}
