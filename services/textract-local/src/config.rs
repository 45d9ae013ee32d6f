//! What the server is told: by flags, or by the environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Textract's own protocol for reading text, over the Tesseract of this machine.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "textract-local", version, after_long_help = HELP)]
pub struct Config {
    /// Where to listen. The protocol's signatures are not checked: keep it on this machine or in a private network.
    #[arg(
        long,
        env = "TEXTRACT_LOCAL_LISTEN",
        default_value = "127.0.0.1:4567",
        value_name = "ADDRESS:PORT"
    )]
    pub listen: SocketAddr,
    /// Folder of the jobs and their results. Jobs that were not finished are taken up again from there.
    #[arg(long, env = "TEXTRACT_LOCAL_STATE", default_value = "textract-local-state", value_name = "FOLDER")]
    pub state: PathBuf,
    /// Languages that documents may be in, the likeliest first: tags (`en+de`) or Tesseract's names (`eng+deu`).
    #[arg(long, env = "TEXTRACT_LOCAL_LANGUAGES", default_value = "en", value_name = "TAGS")]
    pub languages: String,
    /// Pages that are read at the same time (0: one for each core).
    #[arg(long, env = "TEXTRACT_LOCAL_PAGES_AT_ONCE", default_value_t = 0, value_name = "COUNT")]
    pub pages_at_once: usize,
    /// How long a started job takes at least, in seconds.
    #[arg(long, env = "TEXTRACT_LOCAL_DELAY", default_value = "0", value_parser = seconds, value_name = "SECONDS")]
    pub delay: Duration,
    /// Lets every so many-th job fail as if Textract had broken down (0: none).
    #[arg(long, env = "TEXTRACT_LOCAL_FAIL_EVERY", default_value_t = 0, value_name = "COUNT")]
    pub fail_every: u64,
    /// Ask the server that listens there whether it is well, and end with 0 or 1: for health checks.
    #[arg(long)]
    pub health: bool,
    /// The quotas.
    #[command(flatten)]
    pub quotas: Quotas,
}

/// What an account may ask for. A rate of 0 is no limit.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Quotas")]
pub struct Quotas {
    /// StartDocumentTextDetection calls a second; more get ProvisionedThroughputExceededException.
    #[arg(long, env = "TEXTRACT_LOCAL_STARTS_PER_SECOND", default_value = "0", value_parser = rate, value_name = "RATE")]
    pub starts_per_second: f64,
    /// GetDocumentTextDetection calls a second; more get ProvisionedThroughputExceededException.
    #[arg(long, env = "TEXTRACT_LOCAL_GETS_PER_SECOND", default_value = "0", value_parser = rate, value_name = "RATE")]
    pub gets_per_second: f64,
    /// DetectDocumentText calls a second; more get ProvisionedThroughputExceededException.
    #[arg(long, env = "TEXTRACT_LOCAL_DETECTS_PER_SECOND", default_value = "0", value_parser = rate, value_name = "RATE")]
    pub detects_per_second: f64,
    /// Calls of every kind a second; more get ThrottlingException, with HTTP status 500 as in Textract.
    #[arg(long, env = "TEXTRACT_LOCAL_CALLS_PER_SECOND", default_value = "0", value_parser = rate, value_name = "RATE")]
    pub calls_per_second: f64,
    /// Jobs that are started and not finished; a start beyond it gets LimitExceededException (0: no limit).
    #[arg(long, env = "TEXTRACT_LOCAL_CONCURRENT_JOBS", default_value_t = 100, value_name = "COUNT")]
    pub concurrent_jobs: usize,
}

const HELP: &str = "\
It answers DetectDocumentText, StartDocumentTextDetection and GetDocumentTextDetection as JSON 1.1, the way the AWS \
SDKs and the AWS CLI speak it. Documents come in the call or from S3; completions go to SNS. S3 and SNS are found as \
the SDKs find them: AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and for an emulator AWS_ENDPOINT_URL.

Try it (AWS CLI, version 2):
  textract-local &
  export AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x
  aws textract detect-document-text --endpoint-url http://127.0.0.1:4567 --document Bytes=$(base64 -w0 page.png)

Live through throttling:
  textract-local --starts-per-second 1 --gets-per-second 2 --concurrent-jobs 5 --delay 10

It is healthy when GET /healthz answers 200. It ends within seconds of SIGTERM; unfinished jobs go on at the next \
start. Results are kept for 7 days. PRECIS_LOG says what is logged (default: info).";

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if rate.is_finite() && rate >= 0.0 { Ok(rate) } else { Err("a rate is 0 (no limit) or more".to_owned()) }
}

impl Config {
    /// How many pages are read at the same time.
    #[must_use]
    pub fn pages(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        if self.pages_at_once == 0 { cores() } else { self.pages_at_once }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_command_line_is_sound_and_listens_on_this_machine_alone() {
        Config::command().debug_assert();
        let config = Config::parse_from(["textract-local"]);
        assert!(config.listen.ip().is_loopback() && config.pages() > 0);
        let wrong = Config::try_parse_from(["textract-local", "--starts-per-second", "-1"]);
        assert!(wrong.is_err());
    }
}
