//! What the host gives: time, and protection from being stopped in the middle.

use crate::error::Result;
use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;

/// The time of day. Waiting is tokio's, so that tests can pause it.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The host's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Asks whoever scales the service in to spare this task while it holds work (ECS task protection). On one
/// machine nobody scales in, so there the calls have nothing to do.
#[async_trait]
pub trait TaskProtection: Send + Sync {
    /// Protects this task for a time, counted from now.
    async fn protect(&self, duration: Duration) -> Result<()>;

    /// Lets it go.
    async fn release(&self) -> Result<()>;
}
