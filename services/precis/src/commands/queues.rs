//! `precis queues`.

use super::place::Place;
use super::{find, letters};
use crate::cli;
use crate::show::{self, clean};
use anyhow::{Result, bail};
use aws::{Aws, Limit};
use domain::{Stage, State};
use local::Local;
use ports::{Address, Filter, GateName, QueueName, Stack};
use std::io::Write;
use std::time::Duration;

/// Shows how full the queues are, and redrives dead letters.
pub async fn queues(place: &Place, args: &cli::Queues, out: &mut dyn Write) -> Result<()> {
    let stack = &place.stack;
    if args.dead {
        return letters::list(place, args.json, out).await;
    }
    if let Some(name) = &args.redrive {
        return redrive(place, name, args.cause.as_deref(), out).await;
    }
    if !args.json {
        writeln!(
            out,
            "{:<14} {:>7}  {:>7}  {:>7}  {:>7}  {:>5}  note",
            "queue", "waiting", "working", "delayed", "oldest", "dead"
        )?;
    }
    for queue in QueueName::ALL {
        let depth = stack.queue_admin.depth(queue).await?;
        let note = note(stack, queue, depth.dead).await?;
        if args.json {
            let row = serde_json::json!({ "queue": queue.as_str(), "waiting": depth.waiting, "working": depth.in_flight,
                "delayed": depth.delayed, "dead": depth.dead, "oldest_s": depth.oldest.map(|age| age.as_secs()), "note": note });
            writeln!(out, "{row}")?;
            continue;
        }
        let oldest = depth.oldest.map_or_else(|| "-".to_owned(), show::age);
        let (waiting, working, delayed, dead) = (depth.waiting, depth.in_flight, depth.delayed, depth.dead);
        let row = format!(
            "{:<14} {waiting:>7}  {working:>7}  {delayed:>7}  {oldest:>7}  {dead:>5}  {note}",
            queue.as_str()
        );
        writeln!(out, "{}", row.trim_end())?;
    }
    match (place.local(), place.aws()) {
        (Some(local), _) => deliveries(local, args.json, out).await,
        (None, Some(aws)) => gates(aws, args.json, out).await,
        (None, None) => Ok(()),
    }
}

/// Sends dead letters again.
async fn redrive(place: &Place, name: &str, cause: Option<&str>, out: &mut dyn Write) -> Result<()> {
    if name == cli::DELIVERIES {
        if cause.is_some() {
            bail!("--cause is of dead letters, and deliveries are none. Do: leave it out");
        }
        let Some(local) = place.local() else {
            bail!(
                "SNS makes the deliveries of a deployment, and tries them again by itself: there is nothing to redrive"
            )
        };
        writeln!(out, "{} deliveries are tried again.", local.retry_deliveries().await?)?;
    }
    let queue = QueueName::ALL.into_iter().find(|queue| queue.as_str() == name);
    if let Some(queue) = queue {
        let moved = match (cause, place.local()) {
            (None, Some(_)) => place.stack.queue_admin.redrive(queue).await?,
            // SQS shows no letter that a service has in hand at the moment: those are waited for.
            _ => letters::redrive(&place.stack, queue, cause).await?,
        };
        let of = cause.map(|cause| format!(" of the cause {cause}")).unwrap_or_default();
        writeln!(out, "{moved} dead letters of {name}{of} are sent again.")?;
    }
    Ok(())
}

/// Deletes all messages of a queue, or of its dead letters.
pub async fn purge(place: &Place, args: &cli::Purge, out: &mut dyn Write) -> Result<()> {
    let found = QueueName::ALL.into_iter().find(|queue| queue.as_str() == args.queue);
    let Some(queue) = found else { bail!("there is no queue {}", args.queue) };
    let depth = place.stack.queue_admin.depth(queue).await?;
    let there = if args.dead { depth.dead } else { depth.waiting + depth.in_flight + depth.delayed };
    let what = if args.dead { "dead letters" } else { "messages" };
    if !args.yes {
        bail!("this deletes {there} {what} of {}. Do: say it again with --yes", args.queue);
    }
    let purged = place.stack.queue_admin.purge(Address { queue, dead: args.dead }).await?;
    writeln!(out, "{purged} {what} of {} are deleted.", args.queue)?;
    Ok(())
}

/// What each gate lets through now, and when the pages that wait for OCR will have been read.
async fn gates(aws: &Aws, json: bool, out: &mut dyn Write) -> Result<()> {
    if !json {
        writeln!(out, "\n{:<14} {:>7}  {:>7}  {:>7}", "gate", "rate/s", "places", "in use")?;
    }
    let (mut singles, mut parts) = (Limit::default(), Limit::default());
    for gate in GateName::ALL {
        let (limit, in_use) = aws.gates.present(gate).await?;
        match gate {
            GateName::Ocr => singles = limit,
            GateName::OcrDocument => parts = limit,
            GateName::OcrCollect | GateName::Publish => {}
        }
        if json {
            let (per_second, concurrent) = (limit.per_second, limit.concurrent);
            let row = serde_json::json!({ "gate": gate.as_str(), "per_second": per_second, "concurrent": concurrent,
                "in_use": in_use });
            writeln!(out, "{row}")?;
            continue;
        }
        let rate = limit.per_second.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.2}"));
        // Where places are not limited none are counted.
        let (places, in_use) = limit
            .concurrent
            .map_or_else(|| ("-".to_owned(), "-".to_owned()), |most| (most.to_string(), in_use.to_string()));
        writeln!(out, "{:<14} {rate:>7}  {places:>7}  {in_use:>7}", gate.as_str())?;
    }
    let filter = Filter { state: Some(State::At(Stage::Ocr)), ..Filter::default() };
    let waiting: Vec<usize> =
        find::all(aws.stack.jobs.as_ref(), &filter).await?.iter().map(|job| job.ocr_pages.len()).collect();
    let pages: usize = waiting.iter().sum();
    let eta = eta(&waiting, singles, parts);
    if json {
        let row = serde_json::json!({ "ocr_pages_waiting": pages, "eta_s": eta.map(|eta| eta.as_secs()) });
        writeln!(out, "{row}")?;
    } else if pages > 0 {
        let eta = eta.map_or_else(|| "no rate is set".to_owned(), |eta| format!("about {}", show::age(eta)));
        writeln!(out, "OCR: {pages} pages of {} documents wait; at the present rate {eta}", waiting.len())?;
    }
    Ok(())
}

/// How long the documents with so many pages each will take to get past the gates: one page is one call, more are one
/// start. Both go on beside each other. `None` where no rate limits them.
fn eta(waiting: &[usize], singles: Limit, parts: Limit) -> Option<Duration> {
    let seconds = |count: usize, limit: Limit| {
        let rate = limit.per_second.filter(|rate| *rate > 0.0)?;
        Some(f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / rate)
    };
    let single = waiting.iter().filter(|pages| **pages == 1).count();
    let more = waiting.iter().filter(|pages| **pages > 1).count();
    let longest = seconds(single, singles)?.max(seconds(more, parts)?);
    Duration::try_from_secs_f64(longest.ceil()).ok()
}

/// Names what could not be told yet, or was given up, with the cause. One that was never tried is only on its way.
async fn deliveries(local: &Local, json: bool, out: &mut dyn Write) -> Result<()> {
    let mut failed = local.delivery_list().await?;
    failed.retain(|delivery| delivery.dead || delivery.attempts > 0);
    for delivery in &failed {
        if json {
            writeln!(out, "{}", serde_json::to_string(delivery)?)?;
            continue;
        }
        let state = if delivery.dead {
            "given up".to_owned()
        } else {
            format!("waits until {}", show::clock(delivery.due_at))
        };
        let cause = delivery.last_error.as_deref().unwrap_or("not known");
        let (kind, to) = (&delivery.kind, clean(&delivery.to));
        writeln!(out, "{kind:<14} {to}: {state} after {} attempts: {}", delivery.attempts, clean(cause))?;
    }
    if !failed.is_empty() && !json {
        writeln!(out, "Do: mend the cause, then `precis queues --redrive {}`", cli::DELIVERIES)?;
    }
    Ok(())
}

async fn note(stack: &Stack, queue: QueueName, dead: u64) -> Result<String> {
    let gate = match queue {
        QueueName::Ocr | QueueName::OcrCompleted => Some(GateName::Ocr),
        QueueName::Notify => Some(GateName::Publish),
        QueueName::Ingest | QueueName::Summarize => None,
    };
    let mut notes = Vec::new();
    if let Some(gate) = gate
        && let Some(until) = stack.gate.closed_until(gate).await?
    {
        notes.push(format!("{} gate closed until {}", gate.as_str(), show::clock(until)));
    }
    if dead > 0 {
        notes.push(format!("precis queues --redrive {}", queue.as_str()));
    }
    Ok(notes.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eta_is_that_of_the_slower_gate() {
        let rate = |rate: f64| Limit { concurrent: None, per_second: Some(rate) };
        assert_eq!(eta(&[1, 1, 1, 1, 20, 3], rate(2.0), rate(0.5)), Some(Duration::from_secs(4)));
        assert_eq!(eta(&[1; 10], rate(0.7), rate(1.0)), Some(Duration::from_secs(15)));
        assert_eq!(eta(&[], rate(1.0), rate(1.0)), Some(Duration::ZERO));
        assert_eq!(eta(&[1], Limit::default(), rate(1.0)), None);
    }
}
