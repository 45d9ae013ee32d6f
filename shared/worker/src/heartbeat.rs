//! Something done again and again while somebody holds the guard. Dropping the guard ends it.

use std::future::Future;
use tokio::task::JoinHandle;

/// The guard. It is a task of its own, so that a step that blocks its thread still shows signs of life.
pub(crate) struct Heartbeat(JoinHandle<()>);

impl Heartbeat {
    pub(crate) fn start(beat: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(beat))
    }

    /// Ends it and waits until no beat is under way any more.
    pub(crate) async fn stop(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}
