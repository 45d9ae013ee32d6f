//! What the service is told at its start.

use clap::Parser;
use precis_ocr::Config;
use std::path::PathBuf;
use std::time::Duration;

/// Reads the pages whose text the file does not hold, and only those, by Textract.
#[derive(Debug, Parser)]
#[command(
    name = "precis-ocr",
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
    /// Pages of one Textract job; a document with more is read in several.
    #[arg(long, env = "PRECIS_PAGES_A_PART", value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=3000))]
    pages_a_part: u16,
    /// Parts of one document that are read at the same time.
    #[arg(long, env = "PRECIS_PARTS_AT_ONCE", value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=100))]
    parts_at_once: u16,
    /// A file of prices that differ from those of this release (see `precis cost --example`), for what a document's
    /// record says it cost.
    #[arg(long, env = "PRECIS_PRICES", value_name = "FILE")]
    prices: Option<PathBuf>,
}

impl Args {
    /// The numbers of the worker.
    pub fn numbers(&self) -> worker::Config {
        worker::Config::polling(
            self.running.concurrency.into(),
            Duration::from_secs(self.running.drain.into()),
        )
    }

    /// The configuration of the step.
    pub fn config(&self, region: &str) -> anyhow::Result<Config> {
        let prices = aws::prices::PriceList::of(region, self.prices.as_deref())?.prices;
        Ok(Config {
            parts_at_once: self.parts_at_once.into(),
            pages_a_part: self.pages_a_part.into(),
            usd_a_page: prices.textract_page,
        })
    }
}
