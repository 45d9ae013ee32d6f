//! `precis summarize`: the same pipeline once, in one process.

use super::again::start_again;
use super::explain::Explainer;
use super::{input, place, wait};
use crate::cli;
use crate::head;
use crate::model;
use crate::outcome;
use crate::pipeline::{Options, Pipeline};
use crate::show::clean;
use crate::watch::Watch;
use anyhow::{Context, Result, anyhow};
use domain::settings::Layer;
use domain::{Document, Job, OutcomeKind, State};
use futures::StreamExt;
use local::{Local, OpenError};
use models::MiniLm;
use ports::Stack;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use worker::Shutdown;

/// Longest that the end waits for e-mails and result files to be written.
const DELIVERY_WAIT: Duration = Duration::from_secs(60);

/// A disk with less room is full: no transaction can be relied on to fit.
const FULL_BYTES: u64 = 64 * 1024;

/// Files that are taken in at the same time.
const UPLOADS_AT_ONCE: usize = 32;

/// A file that was asked for, or why it cannot be taken.
struct Input {
    shown: String,
    taken: Result<Document>,
}

/// Runs the command.
pub async fn run(args: cli::Summarize) -> Result<ExitCode> {
    let asked = args.asked.layer().map_err(|error| anyhow!(error))?;
    let model = model::find(args.model.model.as_deref())?;
    let writer = model::find_writer(args.model.writer.as_deref())?;
    let throw_away = tempfile::Builder::new().prefix("precis-").tempdir().context("no temporary folder")?;
    let data = args.data.clone().unwrap_or_else(|| throw_away.path().join("data"));
    let (local, ours) = open(&data).await?;
    let inputs = take_in(&local.stack, &args, &asked, throw_away.path()).await;
    let watch = Watch::new(args.progress, inputs.len() as u64);
    let head = head::in_use(args.model.head.as_deref(), &local.layout)?;
    let runs = args.model.runs.options();
    let explainer = if args.explain { Some(MiniLm::open_as(&model, &runs)?) } else { None };
    let explainer = explainer.as_ref().map(|model| Explainer { model, head: head.clone() });
    let shutdown = Shutdown::on_signals()?;
    let mut pipeline = if ours {
        let (drain, wait) = (Duration::from_secs(5), Duration::from_millis(200));
        let options = Options { model, writer, runs, head, drain, wait, echo: None };
        Some(Pipeline::start(&local, options, shutdown.clone()).await?)
    } else {
        watch.say(&format!("precis: `precis up` is at work in {}; its workers do this", data.display()));
        None
    };
    let following = pipeline.as_ref().map(|pipeline| watch.follow(pipeline.in_flight()));
    let all_good = tokio::select! {
        all_good = print_all(&local.stack, &inputs, &asked, &args, explainer.as_ref(), &watch) => Some(all_good?),
        () = shutdown.draining() => {
            watch.say(if args.data.is_some() {
                "precis: stopped; the same command goes on from here"
            } else {
                "precis: stopped; nothing was kept (with --data DIR the same command would go on from here)"
            });
            None
        }
        () = full_disk(&data) => {
            let advice = if args.data.is_some() {
                "Do: make room; the same command goes on from here"
            } else {
                "Do: make room, or name a folder with room by --data"
            };
            watch.say(&format!("precis: stopped: the disk of {} is full. {advice}", data.display()));
            None
        }
    };
    drop(following);
    watch.clear();
    if let Some(pipeline) = &mut pipeline {
        if args.data.is_some() && all_good.is_some() {
            local.deliveries_done(DELIVERY_WAIT).await?;
        }
        pipeline.drain();
        pipeline.stopped().await;
    }
    Ok(if all_good == Some(true) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Ends when the disk of the folder has been full for some seconds. Workers wait until there is room again, which
/// is right for a service; who waits for this command is told instead.
async fn full_disk(folder: &Path) {
    let mut full = 0;
    while full < 5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let room =
            rustix::fs::statvfs(folder).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        full = if room < FULL_BYTES { full + 1 } else { 0 };
    }
}

/// Opens the folder to work in it, or beside the `precis up` that already does.
async fn open(data: &Path) -> Result<(Local, bool)> {
    match local::open(data, local::OpenOptions::exclusive()).await {
        Ok(local) => Ok((local, true)),
        Err(OpenError::Locked { .. }) => Ok((place::shared(data).await?, false)),
        Err(error) => Err(error.into()),
    }
}

/// Uploads every input and sees that there is a job for it. One that is missing does not stop the others.
async fn take_in(stack: &Stack, args: &cli::Summarize, asked: &Layer, scratch: &Path) -> Vec<Input> {
    let files = input::list(&args.files, &args.recursive);
    if files.is_empty() {
        eprintln!("precis: there are no files in what was named (hidden ones and links are left out)");
    }
    let taken = futures::stream::iter(files)
        .map(|file| async move {
            let taken = take_one(stack, &file, asked, args.fresh, scratch).await;
            Input { shown: clean(&file.path.to_string_lossy()), taken }
        })
        // Many at once share the disk's commits; the order stays.
        .buffered(UPLOADS_AT_ONCE);
    taken.collect().await
}

async fn take_one(
    stack: &Stack,
    file: &input::File,
    asked: &Layer,
    fresh: bool,
    scratch: &Path,
) -> Result<Document> {
    let path = file.readable(scratch)?;
    let document = stack.objects.upload(&file.key, &path).await?;
    ask(stack, &document, asked, fresh).await?;
    Ok(document)
}

/// Makes sure that there is a job which was asked for like this: before the workers see the event if they
/// have not started, else by a new run once it has ended (see [`print_all`]).
async fn ask(stack: &Stack, document: &Document, asked: &Layer, fresh: bool) -> Result<()> {
    let mut job = Job::new(document.clone(), stack.clock.now());
    job.asked = asked.clone();
    job.fresh = fresh;
    let Some(there) = stack.jobs.create(&job).await? else { return Ok(()) };
    if there.state == State::Ended && (fresh || differs(&there, asked)) {
        start_again(stack, &there, asked, fresh).await?;
    }
    Ok(())
}

/// Whether a finished run was made with other settings than those asked for now.
fn differs(job: &Job, asked: &Layer) -> bool {
    *asked != Layer::default() && job.asked != *asked
}

/// Prints every result in the order of the inputs. Gives whether all were summarized.
async fn print_all(
    stack: &Stack,
    inputs: &[Input],
    asked: &Layer,
    args: &cli::Summarize,
    explainer: Option<&Explainer<'_>>,
    watch: &Watch,
) -> Result<bool> {
    let format = args.format;
    let (mut all_good, mut before) = (true, false);
    for input in inputs {
        let document = match &input.taken {
            Ok(document) => document,
            Err(error) => {
                all_good = false;
                watch.say(&format!("precis: {}: not summarized: {error:#}", input.shown));
                continue;
            }
        };
        let id = domain::JobId::of(&document.bucket, &document.key, &document.version);
        let mut job = wait::ended(stack, &id).await?;
        if differs(&job, asked) {
            start_again(stack, &job, asked, false).await?;
            job = wait::ended(stack, &id).await?;
        }
        watch.finished();
        let report = outcome::report(stack, &job).await?;
        if let Some(text) = outcome::print(&report, format)? {
            // For eyes: one document ends, another begins.
            let gap = if before && format == cli::Format::Text { "\n" } else { "" };
            watch.print(&format!("{gap}{text}"))?;
            before = true;
        }
        if let Some(explainer) = explainer {
            watch.say(&explainer.explain(stack, &job, &report).await?);
        }
        if report.outcome != OutcomeKind::Summarized {
            all_good = false;
            watch.say(&outcome::complaint(&report));
        }
    }
    Ok(all_good)
}
