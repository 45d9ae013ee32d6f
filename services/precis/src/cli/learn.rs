//! What may be typed about learnt rankings.

use super::Folder;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What `precis train --help` teaches beside the options.
pub const TRAIN_HELP: &str = "\
A data file has one JSON object a line, of one of three kinds:
  {\"id\",\"document\",\"summary\"}          a summary that a person wrote
  {\"id\",\"document\",\"facts\":[\"…\",…]}    what its reader must know; a fact may
        also be {\"patterns\":[[\"a\",\"b\"],[\"c\"]]}: (a or b) and c, as regular
        expressions. \"traps\":[…] in the same form are what must not be said
  {\"id\",\"document\",\"better\",\"worse\"}   two summaries, the first preferred
The document is Markdown or plain text. \"words\" is the length that is learnt
for (90 for a summary, 120 for facts). A folder may be given too: NAME.md or
NAME.txt with {\"facts\":[…]} in NAME.facts.json beside it.

The head is written in any case, with the record of how it did. It passes the
gate if it beats the ranking in use on documents that it was not trained on,
its whole interval above zero: on a fifth that is held out, in cross-
validation, and, where there are several files, on all of them together when
each is judged by what the others teach; and if no file is made worse so.

Examples:
  precis train --data ours.jsonl --out new.head.json
  precis train --data a.jsonl office/ --out new.head.json --promote precis-data
  precis heads use new.head.json

Exit status: 0 trained (and promoted, if asked for); 1 not.";

/// `precis train`.
#[derive(Debug, Args)]
pub struct Train {
    /// Files of JSON lines, or folders of documents with *.facts.json beside them.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub data: Vec<PathBuf>,
    /// The head to write.
    #[arg(long, value_name = "HEAD")]
    pub out: PathBuf,
    /// Seed of everything that is drawn: the same data and seed give the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Parts of the cross-validation.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(2..=50))]
    pub folds: u32,
    /// How strongly weights are pulled towards those of the ranking in use.
    #[arg(long, value_name = "X", default_value_t = trainer::Plan::default().pull)]
    pub pull: f64,
    /// The head to start from and to beat [default: the one in use in --promote's folder, else the built-in ranking].
    #[arg(long, value_name = "HEAD")]
    pub against: Option<PathBuf>,
    /// Folder of the sentence-embedding model: what sentences mean is learnt from, too [default: as for `summarize`].
    #[arg(long, value_name = "DIR", env = "PRECIS_MODEL")]
    pub model: Option<PathBuf>,
    /// Learn from the words of sentences alone.
    #[arg(long, conflicts_with = "model")]
    pub no_model: bool,
    /// A data folder that takes the head into use if it passes the gate.
    #[arg(long, value_name = "DIR")]
    pub promote: Option<PathBuf>,
}

/// `precis heads`.
#[derive(Debug, Subcommand)]
pub enum Heads {
    /// List the heads of a data folder, and which is in use.
    #[command(after_help = "Example:\n  precis heads list --json | jq -r 'select(.in_use) | .name'")]
    List {
        #[command(flatten)]
        data: Folder,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Take a head into use (at the next start of `precis up`); the old one is kept.
    #[command(after_help = "\
Examples:
  precis heads use new.head.json
  precis heads use 3f9c12                       one of `precis heads list`
  precis heads use recipe                       the built-in ranking again")]
    Use {
        /// A file, the beginning of a name, or `recipe`.
        #[arg(value_name = "FILE|NAME")]
        head: String,
        /// Even if its record says that it did not pass the gate.
        #[arg(long)]
        anyway: bool,
        #[command(flatten)]
        data: Folder,
    },
    /// Compare two heads on documents that neither was trained on.
    #[command(after_help = "\
Examples:
  precis heads compare recipe new.head.json --on held-out.jsonl
  precis heads compare 3f9c12 new.head.json --on held-out.jsonl office/")]
    Compare {
        /// A file, the beginning of a name, or `recipe`.
        #[arg(value_name = "OLD")]
        old: String,
        /// The same for the other one.
        #[arg(value_name = "NEW")]
        new: String,
        /// Files as `precis train` takes them.
        #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
        on: Vec<PathBuf>,
        /// Folder of the sentence-embedding model, for heads that weigh it.
        #[arg(long, value_name = "DIR", env = "PRECIS_MODEL")]
        model: Option<PathBuf>,
        #[command(flatten)]
        data: Folder,
    },
}
