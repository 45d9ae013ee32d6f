//! The adapters of one machine, from outside: the contract, the folder, deliveries, inboxes, backups, kill -9.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are tests too, and clippy knows only marked functions"
)]

extern crate precis_local as local;

mod backup;
mod contract;
mod deliveries;
mod endpoints;
mod folder;
mod full;
mod inbox;
mod kill;
mod takeover;

use domain::{Audience, JobId, OutcomeKind};
use local::{Local, OpenOptions};
use ports::Notification;
use std::path::Path;

/// Opens a folder as the process that does the work would.
async fn open(folder: &Path) -> Local {
    local::open(folder, OpenOptions::exclusive()).await.unwrap()
}

/// What a finished job tells.
fn notification(key: &str, version: &str, run: u32) -> Notification {
    let job = JobId::of(local::UPLOADS, key, version);
    Notification {
        id: format!("{job}-{run}"),
        job: Some(job),
        run,
        bucket: local::UPLOADS.into(),
        key: key.into(),
        outcome: OutcomeKind::Summarized,
        reason: None,
        audience: Audience::Sender,
        subject: format!("[Precis] run {run}"),
        text: "Rent rises 6% on 1 March.\n".into(),
        markdown: format!("# Run {run} of {version}"),
        json: format!("{{\"run\":{run}}}"),
    }
}
