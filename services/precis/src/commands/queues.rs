//! `precis queues`.

use crate::cli;
use crate::show;
use anyhow::Result;
use ports::{GateName, QueueName, Stack};
use std::io::Write;

/// Shows how full the queues are, and redrives dead letters.
pub async fn queues(stack: &Stack, args: &cli::Queues, out: &mut dyn Write) -> Result<()> {
    if let Some(name) = &args.redrive {
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
