//! What the service is told at its start.

use anyhow::Context;
use clap::Parser;
use models::{DeviceChoice, Precision};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use summarizer::Head;

/// Summarizes what was read, with the pages that each sentence rests on.
#[derive(Debug, Parser)]
#[command(
    name = "precis-summarize",
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
    /// Folder of the sentence-embedding model.
    #[arg(
        long,
        env = "PRECIS_MODEL",
        value_name = "DIR",
        default_value = "/usr/share/precis/models/all-MiniLM-L6-v2"
    )]
    pub model: PathBuf,
    /// Folder or GGUF file of a model that writes (T5 or Qwen3), for documents whose settings say `write = "generate"`. Let
    /// ingest's PRECIS_MODEL_NAME name it too.
    #[arg(long, env = "PRECIS_WRITER", value_name = "DIR")]
    pub writer: Option<PathBuf>,
    /// Where the models run: auto (a GPU where there is one that works), cpu, cuda or cuda:N.
    #[arg(long, env = "PRECIS_DEVICE", value_name = "DEVICE", default_value = "cpu")]
    pub device: DeviceChoice,
    /// In how many bits the sentence model computes: auto (f32), f32, bf16 or int8. Ingest's PRECIS_MODEL_NAME names what differs.
    #[arg(long, env = "PRECIS_DTYPE", value_name = "DTYPE", default_value = "auto")]
    pub dtype: Precision,
    /// A learnt ranking, as `precis train` writes it [default: the built-in one]. Ingest must be told of it too.
    #[arg(long, env = "PRECIS_HEAD", value_name = "FILE")]
    pub head: Option<PathBuf>,
}

impl Args {
    /// The learnt ranking that was asked for.
    pub fn head(&self) -> anyhow::Result<Option<Arc<Head>>> {
        let Some(file) = &self.head else { return Ok(None) };
        let read = std::fs::read(file).map_err(anyhow::Error::from);
        let head = read.and_then(|bytes| Ok(Head::parse(&bytes)?));
        head.map(|head| Some(Arc::new(head))).with_context(|| format!("PRECIS_HEAD {}", file.display()))
    }

    /// The numbers of the worker.
    pub fn numbers(&self) -> worker::Config {
        worker::Config::polling(
            self.running.concurrency.into(),
            Duration::from_secs(self.running.drain.into()),
        )
    }
}
