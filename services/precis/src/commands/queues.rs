//! `precis queues`.

use crate::cli;
use crate::show::{self, clean};
use anyhow::Result;
use local::Local;
use ports::{GateName, QueueName, Stack};
use std::io::Write;

/// Shows how full the queues are, and redrives dead letters.
pub async fn queues(local: &Local, args: &cli::Queues, out: &mut dyn Write) -> Result<()> {
    let stack = &local.stack;
    if let Some(name) = &args.redrive {
        if name == cli::DELIVERIES {
            writeln!(out, "{} deliveries are tried again.", local.retry_deliveries().await?)?;
        }
        let queue = QueueName::ALL.into_iter().find(|queue| queue.as_str() == name);
        if let Some(queue) = queue {
            let moved = stack.queue_admin.redrive(queue).await?;
            writeln!(out, "{moved} dead letters of {name} are sent again.")?;
        }
        return Ok(());
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
    deliveries(local, args.json, out).await
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
