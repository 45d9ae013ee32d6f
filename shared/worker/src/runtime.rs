//! The loop around a handler: a permit, then a receive; a drain at the end.

use crate::config::Config;
use crate::delivery::{Handling, release};
use crate::handler::Handler;
use crate::in_flight::InFlight;
use crate::protection;
use crate::shutdown::Shutdown;
use jiff::Timestamp;
use ports::queue::MAX_BATCH;
use ports::{Address, Delivery, Stack};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Runs one handler over its queue.
pub struct Runtime {
    stack: Stack,
    handler: Arc<dyn Handler>,
    config: Config,
    in_flight: InFlight,
}

impl Runtime {
    /// A runtime that does nothing yet.
    pub fn new(stack: Stack, handler: Arc<dyn Handler>, config: Config) -> Self {
        Self { stack, handler, config, in_flight: InFlight::default() }
    }

    /// What it has in hand, now and later: what a drain waits for.
    #[must_use]
    pub fn in_flight(&self) -> InFlight {
        self.in_flight.clone()
    }

    /// Works until the shutdown, then lets what is held finish, for [`Config::drain`] at most; what is left
    /// then is given back. A second wish to stop ends the drain at once.
    pub async fn run(self, shutdown: impl Into<Shutdown>) {
        let shutdown = shutdown.into();
        let from = self.handler.queue();
        let _protection = protection::guard(&self.stack, &self.in_flight);
        let stop = CancellationToken::new();
        let (paused, gate) = watch::channel(None);
        let handling = Arc::new(Handling {
            stack: self.stack.clone(),
            handler: Arc::clone(&self.handler),
            config: self.config.clone(),
            in_flight: self.in_flight.clone(),
            stop: stop.clone(),
            paused,
        });
        let mut poll = Poll {
            stack: &self.stack,
            config: &self.config,
            from,
            permits: Arc::new(Semaphore::new(self.config.concurrency.max(1))),
            gate,
            failures: 0,
        };
        let mut tasks = JoinSet::new();
        while let Some(received) = poll.next(&shutdown).await {
            for (delivery, permit) in received {
                let handling = Arc::clone(&handling);
                tasks.spawn(async move {
                    handling.handle(from, delivery).await;
                    drop(permit);
                });
            }
            while tasks.try_join_next().is_some() {}
        }
        self.finish(tasks, &stop, &shutdown).await;
    }

    async fn finish(&self, mut tasks: JoinSet<()>, stop: &CancellationToken, shutdown: &Shutdown) {
        let drained = tokio::select! {
            () = all(&mut tasks) => true,
            () = tokio::time::sleep(self.config.drain) => false,
            () = shutdown.stopping() => false,
        };
        if drained {
            return;
        }
        stop.cancel();
        // What does not return now is dropped; its visibility and claim end by themselves.
        if tokio::time::timeout(self.config.grace, all(&mut tasks)).await.is_err() {
            tracing::warn!(in_flight = tasks.len(), "handlers did not stop in time");
            tasks.shutdown().await;
        }
    }
}

async fn all(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// The receiving side.
struct Poll<'a> {
    stack: &'a Stack,
    config: &'a Config,
    from: Address,
    permits: Arc<Semaphore>,
    gate: watch::Receiver<Option<Timestamp>>,
    failures: u32,
}

type Received = Vec<(Delivery, OwnedSemaphorePermit)>;

impl Poll<'_> {
    /// The next messages, each with its permit; `None` once a shutdown is wished.
    async fn next(&mut self, shutdown: &Shutdown) -> Option<Received> {
        let mut permits = tokio::select! {
            biased;
            () = shutdown.draining() => return None,
            permits = self.ready() => permits,
        };
        // Not cancelled by a shutdown: what a cancelled receive had taken would be invisible for nothing.
        let received =
            self.stack.queue.receive(self.from, permits.len(), self.config.visibility, self.config.wait);
        match received.await {
            Ok(deliveries) => {
                self.failures = 0;
                if shutdown.is_draining() {
                    for delivery in deliveries {
                        release(&*self.stack.queue, self.from, delivery.receipt, Duration::ZERO).await;
                    }
                    return None;
                }
                permits.truncate(deliveries.len());
                Some(deliveries.into_iter().zip(permits).collect())
            }
            Err(error) => {
                drop(permits);
                self.failures = self.failures.saturating_add(1);
                tracing::warn!(queue = self.from.queue.as_str(), error = %error, "receive failed");
                let wait = self.config.pause.delay(self.failures);
                tokio::select! {
                    () = shutdown.draining() => return None,
                    () = tokio::time::sleep(wait) => {}
                }
                Some(Vec::new())
            }
        }
    }

    /// Waits until the queue may be polled, then for one permit, and takes those that are free beside it.
    async fn ready(&mut self) -> Vec<OwnedSemaphorePermit> {
        loop {
            self.opened().await;
            let permits = Arc::clone(&self.permits);
            let Ok(first) = permits.acquire_owned().await else { std::future::pending().await };
            // The gate may have closed while we waited for the permit.
            if self.closed_for().is_some() {
                continue;
            }
            let mut all = vec![first];
            while all.len() < MAX_BATCH
                && let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned()
            {
                all.push(permit);
            }
            return all;
        }
    }

    async fn opened(&self) {
        while let Some(wait) = self.closed_for() {
            tokio::time::sleep(wait).await;
        }
    }

    /// How long polling still pauses.
    fn closed_for(&self) -> Option<Duration> {
        let until = (*self.gate.borrow())?;
        let left = until.duration_since(self.stack.clock.now());
        Duration::try_from(left).ok().filter(|left| !left.is_zero())
    }
}
