//! The whole pipeline in one process: every worker, the dead-letter consumers, the reconciler, the deliveries.
//!
//! This is the composition root: the only place where adapters, models and services meet.

use anyhow::{Context, Result};
use domain::Stage;
use local::Local;
use ports::{QueueName, Stack};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use summarizer::Head;
use telemetry::metrics::{self, Place};
use tokio::task::JoinSet;
use worker::{Config, Held, InFlight, Listing, Service, Shutdown, Watch};

/// When lost events are looked for. Here a listing costs nothing, and only a queue that was emptied by hand loses any.
const LISTING: Watch = Watch {
    every: Duration::from_secs(600),
    after: Duration::from_secs(60),
    within: Duration::from_secs(7 * 86_400),
};

/// What the pipeline is started with.
pub struct Options {
    /// The model's folder.
    pub model: PathBuf,
    /// The folder or file of the model that writes, if there is one.
    pub writer: Option<PathBuf>,
    /// How both run; who is told of it is the pipeline's to say.
    pub runs: models::Options,
    /// The learnt ranking in use.
    pub head: Option<Arc<Head>>,
    /// How long a drain may take.
    pub drain: Duration,
    /// How long one poll of a queue waits; the end of everything waits for open polls.
    pub wait: Duration,
    /// Hears of every document that is done, for a person who looks on.
    pub echo: Option<notify::Echo>,
}

/// A pipeline at work.
pub struct Pipeline {
    tasks: JoinSet<()>,
    in_flight: Vec<InFlight>,
    shutdown: Shutdown,
}

/// Documents of one stage that are worked on at the same time.
fn concurrency(stage: Stage, cores: usize) -> usize {
    match stage {
        // Each reads in a process of its own.
        Stage::Ingest => cores * 2,
        // The gate bounds the pages; documents only wait here.
        Stage::Ocr => 4,
        // Enough that a batch forms while the model is busy with the one before.
        Stage::Summarize => cores * 8,
        Stage::Notify => 16,
    }
}

impl Pipeline {
    /// Starts every worker over an opened data folder.
    pub async fn start(local: &Local, options: Options, shutdown: Shutdown) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let stack = local.stack.clone();
        let models = summarize::watched(options.runs);
        let backend = models::open(&options.model, options.writer.as_deref(), &models)?;
        let writer = backend.generator().map(|writer| format!(" writer {}", writer.name()));
        let reader = extract::ReaderProgram::current().context("the reader cannot be started")?;
        // An engine that is missing is found out page by page; documents without scans need none.
        let ocr_version = stack.ocr.version().await.unwrap_or_else(|_| "no ocr".to_owned());
        let made_by = format!(
            "{ocr_version} {} {}{}",
            summarizer::ranker(options.head.as_deref()),
            backend.name(),
            writer.unwrap_or_default()
        );
        let scratch = local.layout.scratch();

        let numbers = Config { drain: options.drain, wait: options.wait, ..Config::default() };
        let ingest = ingest::Config { scratch, reader, made_by };
        let ocr = ocr::Config { parts_at_once: cores, pages_a_part: 1, usd_a_page: 0.0 };
        let notify =
            notify::NotifyStep::new(stack.clone(), links(&local.layout.folder)).with_echo(options.echo);
        let summarize = summarize::Summarize::new(stack.clone(), backend).with_head(options.head);
        let at_once = |stage| concurrency(stage, cores);
        let service = Service::new(stack.clone(), numbers)
            .step_at_once(ingest::Ingest::new(stack.clone(), ingest), at_once(Stage::Ingest))
            .step_at_once(ocr::OcrStep::new(stack, ocr), at_once(Stage::Ocr))
            .step_at_once(summarize, at_once(Stage::Summarize))
            .step_at_once(notify, at_once(Stage::Notify))
            .reconciling()
            .listing(Some(Listing::new(local.stack.clone(), local::UPLOADS.to_owned(), LISTING)));
        let mut pipeline = Self { tasks: JoinSet::new(), in_flight: service.in_flight(), shutdown };
        pipeline.tasks.spawn(service.run(pipeline.shutdown.clone()));
        let stop = pipeline.shutdown.clone();
        let deliveries = local.deliveries();
        pipeline.tasks.spawn(async move { deliveries.run(stop.draining()).await });
        Ok(pipeline)
    }

    /// Takes in files from a folder.
    pub fn watch_inbox(&mut self, inbox: local::InboxWatcher) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move { inbox.run(shutdown.draining()).await });
    }

    /// Sets the queue gauges now and then.
    pub fn gauges(&mut self, stack: Stack, every: Duration) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = shutdown.draining() => return,
                    () = tokio::time::sleep(every) => set_gauges(&stack).await,
                }
            }
        });
    }

    /// Serves `/metrics`.
    pub fn serve_metrics(&mut self, listener: tokio::net::TcpListener, handle: telemetry::Handle) {
        let shutdown = self.shutdown.clone();
        let health = telemetry::Health::new();
        health.set_ready(true);
        self.tasks.spawn(async move {
            tokio::select! {
                () = shutdown.draining() => {}
                served = telemetry::serve::serve(listener, handle, health) => {
                    if let Err(error) = served {
                        tracing::error!(error = %error, "metrics are no longer served");
                    }
                }
            }
        });
    }

    /// What is being worked on; clones share it.
    pub fn in_flight(&self) -> Vec<InFlight> {
        self.in_flight.clone()
    }

    /// What is being worked on now.
    pub fn held(&self) -> Vec<Held> {
        self.in_flight.iter().flat_map(InFlight::list).collect()
    }

    /// Stops receiving; what is held is finished or, at the end of the drain, given back.
    pub fn drain(&self) {
        self.shutdown.drain();
    }

    /// Waits until everything has stopped.
    pub async fn stopped(&mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "a worker ended by a panic");
            }
        }
    }
}

async fn set_gauges(stack: &Stack) {
    for queue in QueueName::ALL {
        let Ok(depth) = stack.queue_admin.depth(queue).await else { continue };
        metrics::queue_oldest(queue.as_str(), depth.oldest.unwrap_or_default());
        let places = [
            (Place::Waiting, depth.waiting),
            (Place::InFlight, depth.in_flight),
            (Place::Delayed, depth.delayed),
            (Place::Dead, depth.dead),
        ];
        for (place, messages) in places {
            metrics::queue_messages(queue.as_str(), place, messages);
        }
    }
}

/// How e-mails say where a result lies.
fn links(folder: &Path) -> notify::Links {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    notify::Links::folder(&folder.join("results"))
}
