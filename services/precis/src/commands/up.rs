//! `precis up`: all workers in one process, for good.

use super::place;
use crate::cli;
use crate::head;
use crate::model;
use crate::pipeline::{Options, Pipeline};
use crate::show::{self, clean};
use crate::watch::{Show, Watch};
use anyhow::{Context, Result, bail};
use domain::Stage;
use jiff::Timestamp;
use local::{AfterTaking, Inbox};
use std::collections::HashSet;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use worker::Shutdown;

/// How often queue gauges are set.
const GAUGES: Duration = Duration::from_secs(5);
/// How often a drain says what it waits for.
const SAY: Duration = Duration::from_secs(2);

/// Runs the command.
pub async fn run(args: cli::Up) -> Result<ExitCode> {
    if args.health {
        return health(&args.data.folder).await;
    }
    let model = model::find(args.model.model.as_deref())?;
    let writer = model::find_writer(args.model.writer.as_deref())?;
    let local = place::exclusive(&args.data.folder).await?;
    let inboxes = inboxes(&args, &local.layout.inbox())?;
    let shutdown = Shutdown::on_signals().context("signals cannot be listened to")?;
    let metrics = telemetry::recorder().context("metrics cannot be kept")?;
    let drain = Duration::from_secs(args.drain);
    let watch = std::io::stderr().is_terminal().then(|| Watch::new(Show::Auto, 0));
    let echo = watch.clone().map(echo);
    let head = head::in_use(args.model.head.as_deref(), &local.layout)?;
    let runs = args.model.runs.options();
    let options = Options { model, writer, runs, head, drain, wait: Duration::from_secs(1), echo };
    let mut pipeline = Pipeline::start(&local, options, shutdown.clone()).await?;
    for inbox in inboxes {
        eprintln!("inbox    {}", inbox.folder.display());
        pipeline.watch_inbox(local.inbox(inbox));
    }
    pipeline.gauges(local.stack.clone(), GAUGES);
    if let Some(address) = args.metrics {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}: choose another --metrics address"))?;
        eprintln!("metrics  http://{}/metrics", listener.local_addr()?);
        pipeline.serve_metrics(listener, metrics);
    }
    eprintln!("results  {}", local.layout.results().display());
    eprintln!("e-mails  {}", local.mail_goes_to());
    eprintln!("Drop a document into an inbox. Ctrl-C ends.");
    let following = watch.as_ref().map(|watch| watch.follow(pipeline.in_flight()));
    shutdown.draining().await;
    drop(following);
    if let Some(watch) = &watch {
        watch.clear();
    }
    say_what_it_waits_for(&mut pipeline, &shutdown).await;
    Ok(ExitCode::SUCCESS)
}

async fn health(folder: &Path) -> Result<ExitCode> {
    let local = place::shared(folder).await?;
    if !local.somebody_works() {
        bail!("no `precis up` works in {}", local.layout.folder.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Says on a terminal how each document ended. Elsewhere there are the logs, in which no name of a document stands.
fn echo(watch: Watch) -> notify::Echo {
    Arc::new(move |told| {
        let at = show::clock(Timestamp::now());
        let mut line = format!("{at}  {:<10}  {}", told.outcome.as_str(), clean(&told.key));
        if let (Some(reason), Some(job)) = (told.reason, &told.job) {
            line.push_str(&format!("  {reason}: precis job {}", job.short()));
        }
        watch.say(&line);
    })
}

/// Waits for the pipeline to stop, saying now and then what is still held.
async fn say_what_it_waits_for(pipeline: &mut Pipeline, shutdown: &Shutdown) {
    let mut said = HashSet::new();
    loop {
        for held in pipeline.held().into_iter().filter(|held| held.job.is_some()) {
            if said.is_empty() {
                eprintln!("finishing what is at work; Ctrl-C again stops at once, and loses nothing either");
            }
            if said.insert(held.job.clone()) {
                let counted = held.progress.filter(|(done, _)| *done > 0);
                let pages = counted.map(|(n, m)| format!(", page {n} of {m}")).unwrap_or_default();
                eprintln!(
                    "waiting for {} ({}{pages})",
                    clean(&held.name),
                    held.stage.map_or("", Stage::as_str)
                );
            }
        }
        tokio::select! {
            () = pipeline.stopped() => break,
            () = shutdown.stopping() => {
                eprintln!("stopping at once; the next start goes on where this one was");
                pipeline.stopped().await;
                break;
            }
            () = tokio::time::sleep(SAY) => {}
        }
    }
    eprintln!("stopped");
}

/// The data folder's own inbox, and those that were asked for.
fn inboxes(args: &cli::Up, own: &Path) -> Result<Vec<Inbox>> {
    let after = match args.after {
        cli::After::Keep => AfterTaking::Keep,
        cli::After::Move => AfterTaking::Move,
        cli::After::Delete => AfterTaking::Delete,
    };
    let mut all = vec![Inbox { folder: own.to_owned(), prefix: String::new(), after }];
    for folder in &args.inbox {
        if !folder.is_dir() {
            bail!(
                "the inbox {} is no folder (or may not be looked into). Do: mkdir it, or check the name",
                folder.display()
            );
        }
        let folder = std::fs::canonicalize(folder)?;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let prefix = format!("{}/", name.unwrap_or_else(|| "inbox".into()));
        if let Some(same) = all.iter().find(|inbox| inbox.prefix == prefix && inbox.folder != folder) {
            bail!(
                "the inboxes {} and {} have the same name, which is the prefix of their keys. Do: rename one, \
                 or watch the folder above both",
                same.folder.display(),
                folder.display()
            );
        }
        all.push(Inbox { folder, prefix, after });
    }
    Ok(all)
}
