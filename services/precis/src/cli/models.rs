//! What may be typed about models.

use crate::watch::Show;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What `precis models --help` teaches.
pub const HELP: &str = "\
A model is a folder: config.json, tokenizer.json and its weights, as
safetensors or GGUF. A folder of models is called `models`, and looked for in
the current folder, beside the program and above it, then in
/usr/share/precis. Wherever a command takes --model, the name of a model there
will do.

Models come by `pull` alone. Nothing is ever fetched while a document waits.

Examples:
  precis models pull hf:sentence-transformers/all-MiniLM-L6-v2
  precis models list
  precis summarize lease.pdf --model all-MiniLM-L6-v2
  precis models verify                          is every byte as it came?
  precis models remove all-MiniLM-L6-v2 --yes";

const PULL_HELP: &str = "\
Examples:
  precis models pull hf:google/flan-t5-small
  precis models pull hf:google/flan-t5-small --revision COMMIT --as t5
  precis models pull hf:Qwen/Qwen3-0.6B-GGUF --file Qwen3-0.6B-Q8_0.gguf
  precis models pull s3://our-models/flan-t5-small/ --profile prod
  precis models pull /media/usb/flan-t5-small --to /srv/models

From the hub, the commit is noted and each file held against the hash that the
hub has for it. HF_TOKEN opens models with terms to accept; HF_ENDPOINT names a
mirror. From a bucket, credentials are those of the AWS CLI; files are held
against S3's checksums, or against the record that came with a model which
precis had pulled before.

Only what a model needs is taken, and never a pickle (.bin, .pt), which would
run as a program. What broke off stays, and the same command goes on. The model
appears when it is whole.

Exit status: 0 it is there, whole; 1 not, with what to do.";

/// `precis models`.
#[derive(Debug, Subcommand)]
pub enum Models {
    /// Bring a model here: from the hub, from a bucket, or from a folder.
    #[command(after_help = PULL_HELP)]
    Pull(Pull),
    /// List the models that are here, and what has not come whole.
    #[command(after_help = "\
Examples:
  precis models list                            * is used where no other is named
  precis models list --json | jq -r 'select(.source == null) | .name'")]
    List {
        #[command(flatten)]
        place: Place,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Read every byte of the models and hold it against what came.
    #[command(after_help = "\
Examples:
  precis models verify
  precis models verify flan-t5-small

Exit status: 0 all are whole; 1 one is not, or has no record (named alone).")]
    Verify {
        /// Only this one.
        #[arg(value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Delete a model, or what has come of one.
    #[command(after_help = "Example:\n  precis models remove flan-t5-small --yes")]
    Remove {
        /// The model.
        #[arg(value_name = "NAME")]
        name: String,
        /// Really.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        place: Place,
    },
}

/// Which folder of models.
#[derive(Debug, Clone, Default, Args)]
pub struct Place {
    /// The folder of models [default: every `models` in the current folder, beside the program or above it, or under
    /// /usr/share/precis].
    #[arg(long = "in", value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// `precis models pull`.
#[derive(Debug, Args)]
pub struct Pull {
    /// hf:OWNER/NAME, s3://BUCKET/PREFIX/, or a folder.
    #[arg(value_name = "SOURCE")]
    pub source: String,
    /// What to call it [default: the end of the source].
    #[arg(long = "as", value_name = "NAME")]
    pub name: Option<String>,
    /// The folder of models to put it into [default: the first `models` that is there (see `precis models --help`), else
    /// one in the current folder].
    #[arg(long, value_name = "FOLDER")]
    pub to: Option<PathBuf>,
    /// Branch, tag or commit at the hub [default: main].
    #[arg(long, value_name = "REVISION")]
    pub revision: Option<String>,
    /// These weights rather than model.safetensors or its shards (repeat it for more).
    #[arg(long = "file", value_name = "NAME")]
    pub files: Vec<String>,
    /// Put it in the place of a model of that name, once it is whole.
    #[arg(long)]
    pub replace: bool,
    /// The profile of the AWS configuration to use [env: AWS_PROFILE].
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The AWS region of the bucket [env: AWS_REGION].
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// How to show progress on standard error.
    #[arg(long, value_enum, default_value_t = Show::Auto)]
    pub progress: Show,
}
