//! What the host gives on one machine.

use async_trait::async_trait;
use ports::{Result, TaskProtection};
use std::time::Duration;

/// Nobody scales one machine in, so there is nothing to protect from.
pub(crate) struct Unscaled;

#[async_trait]
impl TaskProtection for Unscaled {
    async fn protect(&self, _duration: Duration) -> Result<()> {
        Ok(())
    }

    async fn release(&self) -> Result<()> {
        Ok(())
    }
}
