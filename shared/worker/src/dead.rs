//! The consumer of the dead letters: a nudge that was received too often ends its job, so that nobody waits for
//! it for ever. Letters that nobody understands stay for operators, who see them and may redrive them.

use crate::config::Config;
use crate::delivery::KEPT;
use crate::flow::{self, is_claimed};
use crate::handler::{Context, Handler};
use crate::runtime::Runtime;
use crate::settlement::{Settlement, Why};
use crate::shutdown::Shutdown;
use async_trait::async_trait;
use domain::message::{Message, Nudge};
use domain::{Outcome, Reason};
use ports::{Address, QueueName, Stack};
use std::sync::Arc;
use tokio::task::JoinSet;

/// The consumers of dead letters: of every queue, unless some are chosen.
pub struct DeadLetters {
    stack: Stack,
    queues: Vec<QueueName>,
    config: Config,
}

impl DeadLetters {
    /// Consumers with the usual numbers, one letter at a time.
    #[must_use]
    pub fn new(stack: Stack) -> Self {
        Self {
            stack,
            queues: QueueName::ALL.to_vec(),
            config: Config { concurrency: 1, ..Config::default() },
        }
    }

    /// The same with other numbers.
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The same for these queues only.
    #[must_use]
    pub fn of(mut self, queues: Vec<QueueName>) -> Self {
        self.queues = queues;
        self
    }

    /// Works until the shutdown.
    pub async fn run(self, shutdown: impl Into<Shutdown>) {
        let shutdown = shutdown.into();
        let mut runtimes = JoinSet::new();
        for queue in self.queues {
            let letters = Letters { stack: self.stack.clone(), queue };
            let runtime = Runtime::new(self.stack.clone(), Arc::new(letters), self.config.clone());
            runtimes.spawn(runtime.run(shutdown.clone()));
        }
        while runtimes.join_next().await.is_some() {}
    }
}

/// The dead letters of one queue.
struct Letters {
    stack: Stack,
    queue: QueueName,
}

#[async_trait]
impl Handler for Letters {
    fn queue(&self) -> Address {
        Address::dead(self.queue)
    }

    async fn handle(&self, message: Message, cx: &Context) -> Settlement {
        match message {
            Message::Nudge(nudge) => match self.end(&nudge, cx).await {
                Ok(settlement) => settlement,
                Err(error) => Settlement::of_error(&error, self.stack.clock.now()),
            },
            // What started the part looks after it as well.
            Message::Completion(_) => Settlement::Done,
            // Nobody but an operator can say whether the cause is gone.
            Message::Events(_) | Message::Digest(_) => Settlement::Release(KEPT),
        }
    }
}

impl Letters {
    async fn end(&self, nudge: &Nudge, cx: &Context) -> ports::Result<Settlement> {
        let job = flow::change(&self.stack, &nudge.job, |job, now| {
            let owed = job.run == nudge.run && job.stage() == Some(nudge.stage);
            if !owed || is_claimed(job, now) {
                return None;
            }
            let cause = job.last_failure.clone().unwrap_or_else(|| "its message was never settled".into());
            flow::abandon(job, Outcome::failed(Reason::WorkerDied, cause), now).ok()
        })
        .await?;
        let Some(job) = job else { return Ok(Settlement::Done) };
        cx.about(&job);
        match &job.claim {
            // Somebody is at it after all: look again when that has ended.
            Some(claim) if job.stage() == Some(nudge.stage) && is_claimed(&job, self.stack.clock.now()) => {
                Ok(Settlement::Defer { until: claim.until, why: Why::Claimed })
            }
            _ => {
                tracing::error!("the job of a dead letter has ended or gone on");
                Ok(Settlement::Done)
            }
        }
    }
}
