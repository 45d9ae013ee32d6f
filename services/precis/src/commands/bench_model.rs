//! `precis bench-model`: how fast this machine summarizes, and what that costs.
//!
//! Four measurements of the same length: the model alone, one document at a time, as many at once as a service has in hand,
//! and twice as many as come through. The third is what a deployment does; the first two say why it is what it is, and the
//! last what happens when too much comes.

mod documents;
mod report;

use crate::cli::bench_model::BenchModel;
use crate::model;
use anyhow::{Context, Result};
use models::{MiniLm, Options, Ran, Watch};
use report::{Alone, Flooded, Loaded, Measured, Sentences, Together};
use std::io::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use summarizer::Backend;

/// Sentences of one call, where the model is measured alone: several batches, as a busy service has them.
const CALL: usize = 256;

/// Runs the command.
pub async fn run(args: &BenchModel, out: &mut dyn Write) -> Result<()> {
    let documents = match &args.files[..] {
        [] => documents::made_up(args.pages),
        files => documents::read(files).await?,
    };
    let documents = Arc::new(documents);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let at_once = args.at_once.map_or(cores * 8, usize::from);
    let seen = Arc::<Seen>::default();
    let watch = Watch::new({
        let seen = Arc::clone(&seen);
        move |ran| seen.add(ran)
    });
    let options = Options { watch, ..args.runs.options() };
    let folder = model::find(args.model.as_deref())?;
    let begun = Instant::now();
    let backend = tokio::task::spawn_blocking(move || MiniLm::load_as(&folder, &options)).await??;
    backend.warm_up().await.context("the model does not run")?;
    let backend = Arc::new(backend);
    let loaded = Loaded { seconds: begun.elapsed().as_secs_f64(), model: backend.name() };

    let long = Duration::from_secs(args.seconds);
    tell("the model alone", args);
    let sentences = sentences(&backend, &documents, &seen, long).await?;
    tell("one document at a time", args);
    let alone = alone(&backend, &documents, long).await?;
    tell("many documents at once", args);
    let together = together(&backend, &documents, at_once, long).await?;
    tell("twice as many as it can take", args);
    let flooded = flooded(&backend, &documents, at_once, together.a_second, long).await?;
    let measured = Measured {
        loaded,
        cores,
        device: args.runs.device.to_string(),
        pages: documents.iter().map(|one| one.pages.pages.len()).sum::<usize>() / documents.len(),
        words: documents.iter().map(|one| one.words()).sum::<usize>() / documents.len(),
        made_up: args.files.is_empty(),
        sentences,
        alone,
        together,
        flooded,
        peak: memory("VmHWM:"),
        price: args.price,
    };
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&measured)?)?;
    } else {
        write!(out, "{measured}")?;
    }
    Ok(())
}

/// What is being measured; the results are for standard output.
fn tell(what: &str, args: &BenchModel) {
    eprintln!("precis: measuring {what} ({} s)", args.seconds);
}

/// What the model's thread says of its batches.
#[derive(Default)]
struct Seen {
    tokens: AtomicU64,
    nanos: AtomicU64,
}

impl Seen {
    fn add(&self, ran: &Ran) {
        let nanos = u64::try_from(ran.took.as_nanos()).unwrap_or(u64::MAX);
        self.tokens.fetch_add(ran.tokens, Ordering::Relaxed);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Tokens, and seconds of the device, since the last call.
    fn take(&self) -> (u64, f64) {
        let nanos = self.nanos.swap(0, Ordering::Relaxed);
        (self.tokens.swap(0, Ordering::Relaxed), Duration::from_nanos(nanos).as_secs_f64())
    }
}

/// The sentences that summaries ask the model about, over and over.
async fn sentences(
    backend: &MiniLm,
    documents: &[documents::Document],
    seen: &Seen,
    long: Duration,
) -> Result<Sentences> {
    let mut texts = Vec::new();
    for document in documents.iter().cycle().take(documents.len().max(64)) {
        if texts.len() >= CALL {
            break;
        }
        texts.extend(document.analyse()?.texts());
    }
    texts.truncate(CALL);
    seen.take();
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < long {
        backend.embed("", texts.clone()).await?;
        count += texts.len();
    }
    let (took, (tokens, busy)) = (start.elapsed().as_secs_f64(), seen.take());
    Ok(Sentences { a_second: real(count) / took, tokens_a_second: whole(tokens) / busy.max(1e-9) })
}

/// One document after the other.
async fn alone(backend: &MiniLm, documents: &[documents::Document], long: Duration) -> Result<Alone> {
    let (start, mut count, mut phases) = (Instant::now(), 0, [0.0; 3]);
    for document in documents.iter().cycle() {
        if count > 0 && start.elapsed() >= long {
            break;
        }
        for (sum, phase) in phases.iter_mut().zip(document.summarize(backend).await?) {
            *sum += phase.as_secs_f64();
        }
        count += 1;
    }
    let [rank, embed, choose] = phases.map(|sum| sum / real(count));
    Ok(Alone { seconds: start.elapsed().as_secs_f64() / real(count), rank, embed, choose })
}

/// As a service with so many permits.
async fn together(
    backend: &Arc<MiniLm>,
    documents: &Arc<Vec<documents::Document>>,
    at_once: usize,
    long: Duration,
) -> Result<Together> {
    let (next, took) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let start = Instant::now();
    let mut permits = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let (backend, documents) = (Arc::clone(backend), Arc::clone(documents));
        let (next, took) = (Arc::clone(&next), Arc::clone(&took));
        permits.spawn(async move {
            while start.elapsed() < long {
                let begun = Instant::now();
                let at = next.fetch_add(1, Ordering::Relaxed) % documents.len();
                documents[at].summarize(&*backend).await?;
                let mut took = took.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                took.push(begun.elapsed().as_secs_f64());
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = permits.join_next().await {
        ended??;
    }
    let seconds = start.elapsed().as_secs_f64();
    let took = std::mem::take(&mut *took.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    let (documents, [p50, p99]) = (took.len(), shares(took));
    Ok(Together { at_once, documents, a_second: real(documents) / seconds, p50, p99 })
}

/// Documents come twice as fast as they went through. Those for which there is no permit wait outside, as numbers, as they do
/// in SQS as messages.
async fn flooded(
    backend: &Arc<MiniLm>,
    documents: &Arc<Vec<documents::Document>>,
    at_once: usize,
    a_second: f64,
    long: Duration,
) -> Result<Flooded> {
    let pause = Duration::from_secs_f64((0.5 / a_second.max(1e-3)).clamp(1e-6, 60.0));
    let (sender, queue) = tokio::sync::mpsc::unbounded_channel::<usize>();
    let queue = Arc::new(tokio::sync::Mutex::new(queue));
    let (before, start) = (memory("VmRSS:"), Instant::now());
    let mut permits = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let (backend, documents, queue) = (Arc::clone(backend), Arc::clone(documents), Arc::clone(&queue));
        permits.spawn(async move {
            let mut took = Vec::new();
            while start.elapsed() < long {
                let Some(number) = queue.lock().await.recv().await else { break };
                let begun = Instant::now();
                documents[number % documents.len()].summarize(&*backend).await?;
                took.push(begun.elapsed().as_secs_f64());
            }
            anyhow::Ok(took)
        });
    }
    let (mut came, mut clock) = (0, tokio::time::interval(pause));
    while start.elapsed() < long {
        clock.tick().await;
        sender.send(came)?;
        came += 1;
    }
    drop(sender);
    let mut took = Vec::new();
    while let Some(ended) = permits.join_next().await {
        took.extend(ended??);
    }
    let grown = before.zip(memory("VmRSS:")).map(|(before, after)| after.saturating_sub(before));
    let (done, [p50, p99]) = (took.len(), shares(took));
    Ok(Flooded { came, done, waiting: came - done, p50, p99, grown })
}

/// The time that half of them took at most, and that 99 of 100 did.
fn shares(mut took: Vec<f64>) -> [f64; 2] {
    took.sort_by(f64::total_cmp);
    [50, 99].map(|hundredths| {
        let at = (took.len() * hundredths / 100).min(took.len().saturating_sub(1));
        took.get(at).copied().unwrap_or_default()
    })
}

fn real(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::INFINITY, f64::from)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn whole(n: u64) -> f64 {
    n as f64
}

/// Memory of this process in bytes, now (`VmRSS:`) or at most (`VmHWM:`), where the system tells (Linux).
fn memory(which: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(which))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
