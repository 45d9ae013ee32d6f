//! `precis backfill`: documents that lay in a bucket before anybody wanted summaries of them.
//!
//! A document is sent by announcing it as its bucket would have: an event in the queue of ingest, in the place of its
//! tenant. Its job has the name that S3's own event would have given it, so what has a job is left out, and what is sent
//! twice is done once. What comes live meanwhile waits behind no more than a few hundred: the queues are looked at, and
//! nothing is sent while that many documents are on their way.
//!
//! How far it came is noted after each ten that the queue accepted. So a run that breaks off anywhere goes on there, and
//! sends again at most what was accepted and not noted.

mod checkpoint;
mod csv;
mod estimate;
mod inventory;
mod pace;
mod walk;

use super::place::Place;
use crate::cli;
use crate::show::{self, clean};
use anyhow::{Result, bail};
use checkpoint::Checkpoint;
use domain::Document;
use domain::event::{ObjectEvent, encode_created};
use estimate::Counted;
use pace::Pace;
use ports::queue::MAX_BATCH;
use ports::{Address, Outgoing, QueueName};
use serde_json::json;
use std::io::Write;
use std::time::{Duration, Instant};
use walk::{Step, Walk};

/// How often it says how far it is.
const SAY: Duration = Duration::from_secs(10);

/// Runs the command.
pub async fn run(place: &Place, args: &cli::Backfill, out: &mut dyn Write) -> Result<()> {
    let bucket = args.bucket.clone().unwrap_or_else(|| place.bucket());
    let mut walk = Walk::open(place, &bucket, args).await?;
    if args.yes {
        send(place, args, &bucket, walk, out).await
    } else {
        count(place, args, &bucket, &mut walk, out).await
    }
}

/// The documents of a step that have no job, each with its place among the step's. What consoles draw as a folder is none.
async fn missing(place: &Place, step: &Step) -> Result<Vec<(usize, Document)>> {
    let is_folder = |document: &Document| document.key.ends_with('/') && document.size == 0;
    let ids: Vec<_> = step.documents.iter().map(ObjectEvent::job_id).collect();
    let known = place.stack.jobs.known(&ids).await?;
    let all = step.documents.iter().zip(&ids).enumerate();
    let missing = all.filter(|(_, (document, id))| !known.contains(*id) && !is_folder(document));
    Ok(missing.map(|(at, (document, _))| (at, document.clone())).collect())
}

/// Says what there is and what it would cost.
async fn count(
    place: &Place,
    args: &cli::Backfill,
    bucket: &str,
    walk: &mut Walk,
    out: &mut dyn Write,
) -> Result<()> {
    let mut counted = Counted::default();
    let mut said = Instant::now();
    while let Some(step) = walk.next().await? {
        let missing = missing(place, &step).await?;
        counted.known += (step.documents.len() - missing.len()) as u64;
        for (_, document) in &missing {
            counted.add(document);
        }
        if said.elapsed() > SAY {
            said = Instant::now();
            eprintln!("{} documents without a job so far, up to {}", counted.documents(), clean(&step.last));
        }
    }
    let estimate = estimate::of(place, args, &counted).await?;
    if args.json {
        writeln!(out, "{}", estimate.json(bucket, &args.prefix, walk.requests))?;
        return Ok(());
    }
    writeln!(out, "{bucket}, keys that begin with {:?}", clean(&args.prefix))?;
    estimate.print(args, out)?;
    if place.aws().is_some() {
        let per_thousand = walk.requests as f64 * estimate.list_price;
        writeln!(out, "  (this look took {} requests to list, ${per_thousand:.4})", walk.requests)?;
    }
    if counted.documents() > 0 {
        writeln!(out, "Nothing was sent. Do: say it again with --yes")?;
    }
    Ok(())
}

/// What was done.
#[derive(Default)]
struct Done {
    sent: u64,
    known: u64,
}

async fn send(
    place: &Place,
    args: &cli::Backfill,
    bucket: &str,
    mut walk: Walk,
    out: &mut dyn Write,
) -> Result<()> {
    let checkpoint = Checkpoint::open(place, args, bucket)?;
    if let Some(cursor) = checkpoint.cursor().filter(|_| !args.restart) {
        eprintln!("Going on where it was: {} were sent before. --restart begins anew.", checkpoint.sent());
        walk.go_on(cursor)?;
    }
    let mut pace = Pace::new(args.rate, args.ahead);
    let (mut done, mut said, mut stopped) = (Done::default(), Instant::now(), false);
    let before = if args.restart { 0 } else { checkpoint.sent() };
    'all: while let Some(step) = walk.next().await? {
        let missing = missing(place, &step).await?;
        done.known += (step.documents.len() - missing.len()) as u64;
        for chunk in missing.chunks(MAX_BATCH) {
            let left = args.limit.map_or(u64::MAX, |limit| limit.saturating_sub(done.sent));
            let whole = chunk.len();
            let chunk = &chunk[..chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
            let Some((last, _)) = chunk.last() else {
                stopped = true;
                break 'all;
            };
            pace.wait(&place.stack, chunk.len()).await?;
            announce(place, chunk).await?;
            done.sent += chunk.len() as u64;
            checkpoint.note(&step.cursor(*last), before + done.sent)?;
            if chunk.len() < whole {
                stopped = true;
                break 'all;
            }
            if said.elapsed() > SAY {
                said = Instant::now();
                eprintln!("{} sent, {} had a job already; at {}", done.sent, done.known, clean(&step.last));
            }
        }
        checkpoint.note(&step.end(), before + done.sent)?;
    }
    let finished = walk.is_finished() && !stopped;
    if finished {
        checkpoint.remove()?;
    }
    if args.json {
        writeln!(out, "{}", json!({ "sent": done.sent, "known": done.known, "finished": finished }))?;
        return Ok(());
    }
    writeln!(out, "{} documents were sent, {} had a job already.", done.sent, done.known)?;
    if !finished {
        writeln!(out, "More are left. Do: the same command again")?;
    } else if place.local().is_some_and(|local| !local.somebody_works()) && done.sent > 0 {
        writeln!(out, "Nobody works there now: what was sent waits. Do: precis up{}", args.data.typed())?;
    } else if done.sent > 0 {
        writeln!(out, "Do: precis jobs --state waiting{} shows how far they are", args.data.typed())?;
    }
    Ok(())
}

/// Puts events of these documents into the queue, as their bucket would.
async fn announce(place: &Place, documents: &[(usize, Document)]) -> Result<()> {
    let event = |(_, document): &(usize, Document)| {
        Outgoing::now(encode_created(document)).of(document.tenant().to_string())
    };
    let events = documents.iter().map(event).collect();
    let results = place.stack.queue.send(Address::live(QueueName::Ingest), events).await?;
    for result in results {
        if let Err(error) = result {
            bail!(
                "the queue did not take a document: {error}. Do: the same command again goes on where it was"
            );
        }
    }
    Ok(())
}

/// A number of bytes for people.
fn bytes(bytes: u64) -> String {
    show::amount(bytes)
}
