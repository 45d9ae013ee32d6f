//! A service: its handlers, each with the dead letters of its queue, run together until a shutdown.

use crate::config::Config;
use crate::dead::DeadLetters;
use crate::handler::Handler;
use crate::reconcile::Reconciler;
use crate::runtime::Runtime;
use crate::shutdown::Shutdown;
use ports::{QueueName, Stack};
use std::sync::Arc;
use tokio::task::JoinSet;

/// What one process works on.
pub struct Service {
    stack: Stack,
    config: Config,
    handlers: Vec<Arc<dyn Handler>>,
    reconciles: bool,
}

impl Service {
    /// A service that does nothing yet.
    #[must_use]
    pub fn new(stack: Stack, config: Config) -> Self {
        Self { stack, config, handlers: Vec::new(), reconciles: false }
    }

    /// The same with another handler.
    #[must_use]
    pub fn with(mut self, handler: impl Handler + 'static) -> Self {
        self.handlers.push(Arc::new(handler));
        self
    }

    /// The same, which also looks after jobs that have been still for too long. Any number of copies may.
    #[must_use]
    pub fn reconciling(mut self) -> Self {
        self.reconciles = true;
        self
    }

    /// Works until the shutdown, and then as long as a drain takes.
    pub async fn run(self, shutdown: Shutdown) {
        let mut tasks = JoinSet::new();
        let queues: Vec<QueueName> = self.handlers.iter().map(|handler| handler.queue().queue).collect();
        for handler in self.handlers {
            tasks.spawn(Runtime::new(self.stack.clone(), handler, self.config.clone()).run(shutdown.clone()));
        }
        let one = Config { concurrency: 1, ..self.config };
        tasks.spawn(DeadLetters::new(self.stack.clone()).of(queues).with_config(one).run(shutdown.clone()));
        if self.reconciles {
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
