//! What may be typed about one machine: backups, checks, starting with it.

use super::{Data, Folder, Model};
use clap::{Args, Subcommand};
use std::path::PathBuf;

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
