//! `precis summarize`: the same pipeline once, in one process.

use super::again::start_again;
use super::{folder, wait};
use crate::cli;
use crate::model;
use crate::outcome;
use crate::pipeline::{Options, Pipeline};
use crate::show::clean;
use crate::watch::Watch;
use anyhow::{Context, Result, anyhow};
use domain::settings::Layer;
use domain::{Document, Job, OutcomeKind, State};
use local::{Local, OpenError};
use ports::Stack;
use std::collections::HashMap;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use worker::Shutdown;

/// Longest that the end waits for e-mails and result files to be written.
const DELIVERY_WAIT: Duration = Duration::from_secs(60);

/// A file that was asked for, or why it cannot be taken.
struct Input {
    shown: String,
    taken: Result<Document>,
}

/// Runs the command.
pub async fn run(args: cli::Summarize) -> Result<ExitCode> {
    let asked = args.asked.layer().map_err(|error| anyhow!(error))?;
    let model = model::find(args.model.model.as_deref())?;
    let throw_away = tempfile::Builder::new().prefix("precis-").tempdir().context("no temporary folder")?;
    let data = args.data.clone().unwrap_or_else(|| throw_away.path().join("data"));
    let (local, ours) = open(&data).await?;
    let inputs = take_in(&local.stack, &args, throw_away.path()).await?;
    let watch = Watch::new(args.progress, inputs.len() as u64);
    for input in &inputs {
        if let Ok(document) = &input.taken {
            ask(&local.stack, document, &asked, args.fresh).await?;
        }
    }
    let mut pipeline = if ours {
        let options = Options { model, drain: Duration::from_secs(5) };
        Some(Pipeline::start(&local, options, Shutdown::on_signals()?).await?)
    } else {
        watch.say(&format!("precis: `precis up` is at work in {}; its workers do this", data.display()));
        None
    };
    let following = pipeline.as_ref().map(|pipeline| watch.follow(pipeline.in_flight()));
    let all_good = print_all(&local.stack, &inputs, &asked, args.format, &watch).await?;
    drop(following);
    watch.clear();
    if let Some(pipeline) = &mut pipeline {
        if args.data.is_some() {
            local.deliveries_done(DELIVERY_WAIT).await?;
        }
        pipeline.drain();
        pipeline.stopped().await;
    }
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Opens the folder to work in it, or beside the `precis up` that already does.
async fn open(data: &Path) -> Result<(Local, bool)> {
    match local::open(data, local::OpenOptions::exclusive()).await {
        Ok(local) => Ok((local, true)),
        Err(OpenError::Locked { .. }) => Ok((folder::shared(data).await?, false)),
        Err(error) => Err(error.into()),
    }
}

/// Uploads every input, in order. One that is missing does not stop the others.
async fn take_in(stack: &Stack, args: &cli::Summarize, scratch: &Path) -> Result<Vec<Input>> {
    let mut paths = args.files.clone();
    for folder in &args.recursive {
        walk(folder, &mut paths).with_context(|| format!("cannot list {}", folder.display()))?;
    }
    let mut inputs = Vec::with_capacity(paths.len());
    let mut seen: HashMap<String, PathBuf> = HashMap::new();
    for path in paths {
        let shown = clean(&path.to_string_lossy());
        let taken = take_one(stack, &path, scratch, &mut seen).await;
        inputs.push(Input { shown, taken });
    }
    Ok(inputs)
}

async fn take_one(
    stack: &Stack,
    path: &Path,
    scratch: &Path,
    seen: &mut HashMap<String, PathBuf>,
) -> Result<Document> {
    if path == Path::new("-") {
        let file = scratch.join("stdin");
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("standard input cannot be read")?;
        std::fs::write(&file, bytes).context("standard input cannot be kept")?;
        return Ok(stack.objects.upload("stdin", &file).await?);
    }
    let kind = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => anyhow!("there is no such file. Do: check the name"),
        std::io::ErrorKind::PermissionDenied => anyhow!("it may not be read. Do: chmod or chown it"),
        _ => anyhow!("it cannot be looked at: {error}"),
    })?;
    if kind.is_dir() {
        return Err(anyhow!("it is a folder. Do: `precis summarize -r {}`", clean(&path.to_string_lossy())));
    }
    if !kind.is_file() {
        return Err(anyhow!("it is no regular file. Do: copy its content into a file, or use `-`"));
    }
    // Two folders may hold the same relative name (`../a/x` and `a/x`): they are two documents.
    let mut key = key_of(path);
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut n = 2;
    while seen.get(&key).is_some_and(|other| *other != absolute) {
        key = format!("{n}/{}", key_of(path));
        n += 1;
    }
    seen.insert(key.clone(), absolute);
    stack.objects.upload(&key, path).await.map_err(Into::into)
}

/// The path as a key: its normal parts, seen from here when it lies here.
fn key_of(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let seen = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    let parts: Vec<_> = seen
        .as_deref()
        .unwrap_or(path)
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect();
    parts.join("/")
}

fn walk(folder: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<std::io::Result<_>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let kind = entry.file_type()?;
        if kind.is_dir() && !hidden {
            walk(&entry.path(), into)?;
        } else if kind.is_file() && !hidden {
            into.push(entry.path());
        }
    }
    Ok(())
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
    format: cli::Format,
    watch: &Watch,
) -> Result<bool> {
    let mut all_good = true;
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
        watch.finished(&id);
        let report = outcome::report(stack, &job).await?;
        if let Some(text) = outcome::print(&report, format)? {
            watch.print(&text)?;
        }
        if report.outcome != OutcomeKind::Summarized {
            all_good = false;
            watch.say(&outcome::complaint(&report));
        }
    }
    Ok(all_good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_is_normal_in_a_path() {
        assert_eq!(key_of(Path::new("../a/./b c.pdf")), "a/b c.pdf");
        assert_eq!(key_of(Path::new("/x/y.txt")), "x/y.txt");
    }
}
