//! Dead letters by the cause that brought them there: shown, or sent again.
//!
//! A letter says little itself; its job says what became of it. To look is to receive: each letter is in our hands until
//! all were seen, and goes back untouched. A service that looks after the dead letters has each of them in hand for a
//! while too, so those are waited for.

use super::place::Place;
use crate::show;
use anyhow::Result;
use domain::event::ObjectEvent;
use domain::message::{DecodeError, Message};
use domain::{Job, JobId, Reason};
use jiff::Timestamp;
use ports::{Address, Delivery, Disposition, Outgoing, QueueName, Stack};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

/// How long letters are in our hands.
const HELD: Duration = Duration::from_secs(600);
/// How long letters that others have in hand are waited for, beyond what those take.
const MARGIN: Duration = Duration::from_secs(15);

/// The letters of one queue and cause.
struct Found {
    count: u64,
    oldest: Timestamp,
    job: Option<JobId>,
}

/// Shows the dead letters of all queues.
pub async fn list(place: &Place, json: bool, out: &mut dyn Write) -> Result<()> {
    let mut any = false;
    if !json {
        writeln!(out, "{:<14} {:<20} {:>6}  {:>8}  example", "queue", "cause", "dead", "oldest")?;
    }
    for queue in QueueName::ALL {
        let mut found: BTreeMap<String, Found> = BTreeMap::new();
        let letters = hold(&place.stack, queue).await?;
        for letter in &letters {
            let (cause, job) = cause(&place.stack, &letter.body).await?;
            let entry = found.entry(cause).or_insert(Found { count: 0, oldest: letter.sent_at, job });
            entry.count += 1;
            entry.oldest = entry.oldest.min(letter.sent_at);
        }
        give_back(&place.stack, queue, letters).await?;
        let now = place.stack.clock.now();
        for (cause, found) in found {
            any = true;
            let age = Duration::try_from(now.duration_since(found.oldest)).unwrap_or_default();
            let (queue, job) = (queue.as_str(), found.job.as_ref().map(JobId::short));
            if json {
                let row = json!({ "queue": queue, "cause": cause, "dead": found.count, "oldest_s": age.as_secs(),
                    "job": found.job });
                writeln!(out, "{row}")?;
                continue;
            }
            let row = format!(
                "{queue:<14} {cause:<20} {:>6}  {:>8}  {}",
                found.count,
                show::age(age),
                job.unwrap_or_default()
            );
            writeln!(out, "{}", row.trim_end())?;
        }
    }
    if !json {
        let line = if any {
            "Do: precis queues --redrive QUEUE --cause CAUSE sends them again, once the cause is mended"
        } else {
            "No dead letters."
        };
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Sends the dead letters of a queue again, of one cause or of any. Gives their number.
pub async fn redrive(stack: &Stack, queue: QueueName, only: Option<&str>) -> Result<u64> {
    let (mut moved, mut others) = (0, Vec::new());
    for letter in hold(stack, queue).await? {
        let meant = match only {
            None => true,
            Some(only) => cause(stack, &letter.body).await?.0 == only,
        };
        if !meant {
            others.push(letter);
            continue;
        }
        // Sent on before it is deleted: a break in between repeats, and loses nothing.
        let again = Outgoing::now(letter.body).of(letter.group);
        worker::flow::send(&*stack.queue, Address::live(queue), again).await?;
        stack.queue.settle(Address::dead(queue), letter.receipt, Disposition::Delete).await?;
        moved += 1;
    }
    give_back(stack, queue, others).await?;
    Ok(moved)
}

/// Takes every dead letter of a queue in hand.
async fn hold(stack: &Stack, queue: QueueName) -> Result<Vec<Delivery>> {
    let dead = Address::dead(queue);
    let (begun, mut letters) = (Instant::now(), Vec::new());
    loop {
        let wait = if letters.is_empty() { Duration::ZERO } else { Duration::from_secs(1) };
        let more = stack.queue.receive(dead, ports::queue::MAX_BATCH, HELD, wait).await?;
        if !more.is_empty() {
            letters.extend(more);
            continue;
        }
        let there = stack.queue_admin.depth(queue).await?.dead;
        if letters.len() as u64 >= there || begun.elapsed() > worker::KEPT + MARGIN {
            return Ok(letters);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn give_back(stack: &Stack, queue: QueueName, letters: Vec<Delivery>) -> Result<()> {
    for letter in letters {
        let release = Disposition::Release(Duration::ZERO);
        stack.queue.settle(Address::dead(queue), letter.receipt, release).await?;
    }
    Ok(())
}

/// What brought a letter here, and the job that it is about.
async fn cause(stack: &Stack, body: &str) -> Result<(String, Option<JobId>)> {
    let id = match Message::decode(body) {
        Err(DecodeError::Newer(_)) => return Ok(("NEWER".into(), None)),
        Err(DecodeError::Malformed(_)) => return Ok(("UNREADABLE".into(), None)),
        Ok(Message::Digest(_)) => return Ok(("DIGEST".into(), None)),
        Ok(Message::Nudge(nudge)) => nudge.job,
        Ok(Message::Completion(completion)) => completion.job,
        Ok(Message::Events(events)) => match job_of(stack, &events).await? {
            Some(id) => id,
            None => return Ok(("NO_JOB".into(), None)),
        },
    };
    let job = stack.jobs.get(&id).await?;
    Ok((standing(job.as_ref()).to_owned(), Some(id)))
}

/// The job of the first event that has one.
async fn job_of(stack: &Stack, events: &[ObjectEvent]) -> Result<Option<JobId>> {
    for event in events {
        match event {
            ObjectEvent::Created(document) => return Ok(Some(ObjectEvent::job_id(document))),
            ObjectEvent::Removed { bucket, key, .. } => {
                return Ok(stack.jobs.newest_of_key(bucket, key).await?.map(|job| job.id));
            }
            ObjectEvent::Test | ObjectEvent::Other(_) => {}
        }
    }
    Ok(None)
}

fn standing(job: Option<&Job>) -> &'static str {
    match job {
        None => "NO_JOB",
        Some(job) if job.is_erased() => "ERASED",
        Some(job) => match &job.outcome {
            Some(outcome) => outcome.reason.map_or("SUMMARIZED", Reason::code),
            None => "UNFINISHED",
        },
    }
}
