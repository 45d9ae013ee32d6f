//! The numbers of a worker, each with its reason.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// How long to wait before the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub base: Duration,
    /// Never longer than this.
    pub cap: Duration,
}

impl Backoff {
    /// The wait after the `attempt`-th failure (from 1): doubled each time, then a random part of its upper
    /// half, so that those who failed together do not come back together.
    #[must_use]
    pub fn delay(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(20);
        let whole = self.base.saturating_mul(1 << doublings).min(self.cap);
        whole.mul_f64(0.5 + 0.5 * random_fraction())
    }
}

/// A number in 0..1. Spreads waits; nothing secret rests on it.
fn random_fraction() -> f64 {
    f64::from(u32::try_from(random() >> 32).unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
}

/// 64 random bits, from the seed that the standard library gives its hash maps.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The numbers of one worker.
#[derive(Debug, Clone)]
pub struct Config {
    /// Messages in hand at once.
    pub concurrency: usize,
    /// How long a delivery stays invisible unless the heartbeat extends it: how late the work of a dead worker
    /// is taken up again.
    pub visibility: Duration,
    /// How long a claim lasts unless the heartbeat renews it.
    pub lease: Duration,
    /// Claims that one stage of one run may use up before the job fails.
    pub max_attempts: u32,
    /// Waits between the attempts of one job.
    pub backoff: Backoff,
    /// Waits between the deliveries of a message whose failures only the queue counts: long enough that ten of
    /// them outlast an outage of a quarter of an hour.
    pub uncounted: Backoff,
    /// Waits of the whole queue while something that every job needs is out of order.
    pub pause: Backoff,
    /// How long one receive waits for a message. Each costs a call where calls are paid, and an idle worker
    /// takes so long to stop, since an open poll is awaited.
    pub wait: Duration,
    /// How long held work may go on after the first wish to stop.
    pub drain: Duration,
    /// How long handlers may take to give back what they hold once they must stop.
    pub grace: Duration,
    /// How long a message of a newer release waits for a worker that can read it.
    pub newer: Duration,
}

impl Default for Config {
    /// Fits ECS with a stop time-out of 30 s.
    fn default() -> Self {
        Self {
            concurrency: 4,
            visibility: Duration::from_secs(30),
            lease: Duration::from_secs(30),
            max_attempts: 5,
            backoff: Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(300) },
            uncounted: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(900) },
            pause: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) },
            wait: Duration::from_secs(1),
            drain: Duration::from_secs(20),
            grace: Duration::from_secs(3),
            newer: Duration::from_secs(60),
        }
    }
}

impl Config {
    /// Numbers for a queue whose polls are paid for and whose workers are orchestrated: polls as long as SQS takes,
    /// and a drain that ends, with the open poll, before ECS' longest stop time-out of 120 s.
    #[must_use]
    pub fn polling(concurrency: usize, drain: Duration) -> Self {
        Self {
            concurrency,
            visibility: Duration::from_secs(60),
            lease: Duration::from_secs(60),
            wait: Duration::from_secs(20),
            drain,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_are_never_shorter_than_half() {
        let backoff = Backoff { base: Duration::from_secs(2), cap: Duration::from_secs(60) };
        for (attempt, whole) in [(0, 2), (1, 2), (2, 4), (3, 8), (6, 60), (4_000_000_000, 60)] {
            let delay = backoff.delay(attempt).as_secs_f64();
            let whole = f64::from(whole);
            assert!((whole / 2.0..=whole).contains(&delay), "{attempt}: {delay}");
        }
        let different: std::collections::BTreeSet<_> = (0..20).map(|_| backoff.delay(9)).collect();
        assert!(different.len() > 10, "those who failed together come back apart");
    }
}
