//! A service: its handlers, each with the dead letters of its queue, run together until a shutdown. One of the four
//! programs has one step or two; `precis up` has them all.

use crate::config::Config;
use crate::dead::DeadLetters;
use crate::handler::Handler;
use crate::in_flight::InFlight;
use crate::listing::Listing;
use crate::reconcile::Reconciler;
use crate::resume::Resume;
use crate::runtime::Runtime;
use crate::shutdown::Shutdown;
use crate::stage::StageHandler;
use crate::step::Step;
use ports::{QueueName, Stack};
use std::sync::Arc;
use tokio::task::JoinSet;

/// What one process works on.
pub struct Service {
    stack: Stack,
    config: Config,
    queues: Vec<QueueName>,
    runtimes: Vec<Runtime>,
    reconciles: bool,
    listing: Option<Listing>,
}

impl Service {
    /// A service that does nothing yet.
    #[must_use]
    pub fn new(stack: Stack, config: Config) -> Self {
        Self { stack, config, queues: Vec::new(), runtimes: Vec::new(), reconciles: false, listing: None }
    }

    /// The same with a step of a job's way.
    #[must_use]
    pub fn step(self, step: impl Step + 'static) -> Self {
        let concurrency = self.config.concurrency;
        self.step_at_once(step, concurrency)
    }

    /// The same with a step that has so many messages in hand at once.
    #[must_use]
    pub fn step_at_once(self, step: impl Step + 'static, concurrency: usize) -> Self {
        let config = Config { concurrency, ..self.config.clone() };
        let handler = StageHandler::new(self.stack.clone(), step, config.clone());
        self.add(Arc::new(handler), config)
    }

    /// The same with a handler that is no step.
    #[must_use]
    pub fn with(self, handler: impl Handler + 'static) -> Self {
        let config = self.config.clone();
        self.add(Arc::new(handler), config)
    }

    fn add(mut self, handler: Arc<dyn Handler>, config: Config) -> Self {
        self.queues.push(handler.queue().queue);
        self.runtimes.push(Runtime::new(self.stack.clone(), handler, config));
        self
    }

    /// The same, which also looks for documents whose event was lost. Any number of copies may.
    #[must_use]
    pub fn listing(mut self, listing: Option<Listing>) -> Self {
        self.listing = listing;
        self
    }

    /// The same, which also looks after jobs that have been still for too long, and after those that wait for a new
    /// month of OCR. Any number of copies may.
    #[must_use]
    pub fn reconciling(mut self) -> Self {
        self.reconciles = true;
        self
    }

    /// What its handlers have in hand, now and later.
    #[must_use]
    pub fn in_flight(&self) -> Vec<InFlight> {
        self.runtimes.iter().map(Runtime::in_flight).collect()
    }

    /// Works until the shutdown, and then as long as a drain takes.
    pub async fn run(self, shutdown: Shutdown) {
        let mut tasks = JoinSet::new();
        for runtime in self.runtimes {
            tasks.spawn(runtime.run(shutdown.clone()));
        }
        let one = Config { concurrency: 1, ..self.config };
        let dead = DeadLetters::new(self.stack.clone()).of(self.queues).with_config(one);
        tasks.spawn(dead.run(shutdown.clone()));
        if let Some(listing) = self.listing {
            tasks.spawn(listing.run(shutdown.clone()));
        }
        if self.reconciles {
            tasks.spawn(Resume::new(self.stack.clone()).run(shutdown.clone()));
            tasks.spawn(Reconciler::new(self.stack).run(shutdown));
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "a worker ended by a panic");
            }
        }
        tracing::info!("stopped");
    }
}
