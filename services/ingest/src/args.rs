//! What the service is told at its start.

use clap::Parser;
use precis_ingest::Config;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Admits documents, takes the text that they hold, and sends on only what needs OCR.
#[derive(Debug, Parser)]
#[command(
    name = "precis-ingest",
    version,
    after_help = "\
AWS is found as the AWS CLI finds it: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL, the task's role.
SIGTERM finishes what is in hand. PRECIS_LOG is a filter for the logs (info)."
)]
pub struct Args {
    #[command(flatten)]
    pub deployment: aws::options::Deployment,
    #[command(flatten)]
    pub running: aws::options::Running,
    /// Folder on local disk for documents in hand [default: the system's folder for temporary files].
    #[arg(long, env = "PRECIS_SCRATCH", value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// The model that summarize runs: results made with another one are not taken over.
    #[arg(long, env = "PRECIS_MODEL_NAME", value_name = "NAME", default_value = "all-MiniLM-L6-v2")]
    model_name: String,
    /// The learnt ranking that summarize uses: results made with another one are not taken over.
    #[arg(long, env = "PRECIS_HEAD", value_name = "FILE")]
    head: Option<PathBuf>,
    /// Seconds between two listings of the bucket, which find documents whose event was lost; 0: never. One copy of the
    /// service lists for all. Each listing costs a request for a thousand versions in the bucket.
    #[arg(long, env = "PRECIS_LISTING_EVERY", value_name = "SECONDS", default_value_t = 21_600)]
    listing_every: u32,
    /// Seconds that a document is given for its event to come.
    #[arg(long, env = "PRECIS_LISTING_AFTER", value_name = "SECONDS", default_value_t = 1200)]
    listing_after: u32,
    /// Days after which a document without a job is none whose event was lost, but one that was there before (see
    /// `precis backfill`).
    #[arg(long, env = "PRECIS_LISTING_DAYS", value_name = "N", default_value_t = 7)]
    listing_days: u32,
}

impl Args {
    /// The numbers of the worker.
    pub fn numbers(&self) -> worker::Config {
        worker::Config::polling(
            self.running.concurrency.into(),
            Duration::from_secs(self.running.drain.into()),
        )
    }

    /// When to look for lost events, if at all.
    pub fn watch(&self) -> Option<worker::Watch> {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        (self.listing_every > 0).then(|| worker::Watch {
            every: seconds(self.listing_every),
            after: seconds(self.listing_after),
            within: Duration::from_secs(u64::from(self.listing_days) * 86_400),
        })
    }

    /// The configuration of the step. Documents are read by this same program.
    pub fn config(&self) -> anyhow::Result<Config> {
        let scratch = self.scratch.clone().unwrap_or_else(std::env::temp_dir);
        tempfile::tempfile_in(&scratch).map_err(|error| {
            anyhow::anyhow!("PRECIS_SCRATCH: nothing can be written in {}: {error}", scratch.display())
        })?;
        let head = self.head.as_ref().map(|file| hash(file)).transpose()?.unwrap_or_default();
        let made_by = format!("precis {} textract {}{head}", env!("CARGO_PKG_VERSION"), self.model_name);
        Ok(Config { scratch, reader: extract::ReaderProgram::current()?, made_by })
    }
}

/// Tells the file's content from any other.
fn hash(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).map_err(|error| {
        anyhow::anyhow!("PRECIS_HEAD {}: {error}; give ingest the same file as summarize", file.display())
    })?;
    Ok(Sha256::digest(bytes).iter().fold(" head ".to_owned(), |out, byte| format!("{out}{byte:02x}")))
}
