//! `precis put`: send files to whoever works in the data folder, or to a deployment's bucket.

use super::{place, wait};
use crate::cli;
use crate::outcome;
use crate::show::clean;
use crate::watch::{Show, Watch};
use anyhow::{Context, Result};
use domain::{JobId, OutcomeKind};
use std::process::ExitCode;

/// Runs the command.
pub async fn run(args: cli::Put) -> Result<ExitCode> {
    let place = place::open(&args.data).await?;
    let stack = &place.stack;
    let watch = Watch::new(Show::Auto, args.files.len() as u64);
    let mut all_good = true;
    let mut sent = Vec::new();
    for file in &args.files {
        let shown = clean(&file.to_string_lossy());
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let uploaded = stack.objects.upload(&format!("{}{name}", args.prefix), file).await;
        match uploaded.with_context(|| format!("{shown} was not sent")) {
            Ok(document) => {
                let id = JobId::of(&document.bucket, &document.key, &document.version);
                watch.say(&format!("{}  {}", id.short(), clean(&document.key)));
                sent.push(id);
            }
            Err(error) => {
                all_good = false;
                watch.say(&format!("precis: {error:#}"));
            }
        }
    }
    if place.local().is_some_and(|local| !local.somebody_works()) {
        watch.say(&format!(
            "Nobody works in {0} now: what was sent waits there. Do: `precis up --data {0}`",
            args.data.folder().display()
        ));
    }
    if args.wait {
        for id in &sent {
            let job = wait::ended_at(&place, id).await?;
            let report = outcome::report(stack, &job).await?;
            watch.finished();
            if let Some(text) = outcome::print(&report, cli::Format::Text)? {
                watch.print(&text)?;
            }
            if report.outcome != OutcomeKind::Summarized {
                all_good = false;
                watch.say(&outcome::complaint(&report));
            }
        }
    }
    watch.clear();
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
