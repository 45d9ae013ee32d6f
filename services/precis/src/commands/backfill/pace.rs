//! How fast documents are sent: no faster than a rate, and not while too many are on their way.

use anyhow::Result;
use ports::{QueueName, Stack};
use std::time::{Duration, Instant};

/// How often the queues are looked at, at most: a look is ten requests on AWS.
const LOOK: Duration = Duration::from_secs(5);
/// How soon to look again where too many are on their way.
const AGAIN: Duration = Duration::from_secs(2);

/// The pace of one run.
pub struct Pace {
    interval: Duration,
    next: Instant,
    ahead: u64,
    /// Documents on their way at the last look, and those that were sent since.
    known: Option<(Instant, u64)>,
}

impl Pace {
    /// At most `rate` documents a second, and `ahead` on their way.
    pub fn new(rate: f64, ahead: u64) -> Self {
        Self { interval: Duration::from_secs_f64(1.0 / rate), next: Instant::now(), ahead, known: None }
    }

    /// Waits until so many more may be sent.
    pub async fn wait(&mut self, stack: &Stack, count: usize) -> Result<()> {
        let now = Instant::now();
        if self.next > now {
            tokio::time::sleep(self.next - now).await;
        }
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        // What was not sent in time is not caught up with.
        self.next = self.next.max(now) + self.interval * count;
        loop {
            let way = self.on_their_way(stack).await?;
            if way == 0 || way.saturating_add(count.into()) <= self.ahead {
                self.known = self.known.map(|(at, way)| (at, way.saturating_add(count.into())));
                return Ok(());
            }
            self.known = None;
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Messages of all stages: of each document there is one.
    async fn on_their_way(&mut self, stack: &Stack) -> Result<u64> {
        if let Some((at, way)) = self.known
            && at.elapsed() < LOOK
            && way < self.ahead
        {
            return Ok(way);
        }
        let mut way: u64 = 0;
        for queue in [QueueName::Ingest, QueueName::Ocr, QueueName::Summarize, QueueName::Notify] {
            let depth = stack.queue_admin.depth(queue).await?;
            way = way.saturating_add(depth.waiting + depth.in_flight + depth.delayed);
        }
        self.known = Some((Instant::now(), way));
        Ok(way)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use local::OpenOptions;
    use ports::{Address, Outgoing};

    #[tokio::test]
    async fn nothing_is_sent_while_too_many_are_on_their_way() {
        let folder = tempfile::tempdir().unwrap();
        let local = local::open(&folder.path().join("data"), OpenOptions::exclusive()).await.unwrap();
        let stack = local.stack.clone();
        let to = Address::live(QueueName::Summarize);
        let messages = (0..5).map(|_| Outgoing::now("x".into())).collect();
        stack.queue.send(to, messages).await.unwrap();
        let mut pace = Pace::new(1000.0, 6);
        pace.wait(&stack, 1).await.unwrap();
        let purging = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            stack.queue_admin.purge(to).await.unwrap();
            Instant::now()
        };
        let waiting = async {
            pace.wait(&stack, 2).await.unwrap();
            Instant::now()
        };
        let (purged, went_on) = tokio::join!(purging, waiting);
        assert!(went_on >= purged, "two more would be seven");
    }
}
