//! The two wishes to stop: the first lets held work finish, the second does not.

use tokio_util::sync::CancellationToken;

/// Both wishes; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    pub(crate) drain: CancellationToken,
    pub(crate) now: CancellationToken,
}

impl From<CancellationToken> for Shutdown {
    /// The token is the first wish; the second is never made.
    fn from(drain: CancellationToken) -> Self {
        Self { drain, now: CancellationToken::new() }
    }
}

impl Shutdown {
    /// Nobody wishes to stop yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stop receiving; what is held may finish, for as long as the drain lasts.
    pub fn drain(&self) {
        self.drain.cancel();
    }

    /// Stop at once: what is held is given back.
    pub fn stop(&self) {
        self.drain.cancel();
        self.now.cancel();
    }

    /// Waits for the first wish.
    pub async fn draining(&self) {
        self.drain.cancelled().await;
    }

    /// Waits for the second wish.
    pub async fn stopping(&self) {
        self.now.cancelled().await;
    }

    /// Whether the first wish was made.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// SIGTERM or Ctrl-C is the first wish, a second one the second. Ends with the process.
    ///
    /// # Errors
    /// If the signals cannot be listened to.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let shutdown = Self::new();
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let wishes = shutdown.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
                if wishes.is_draining() { wishes.stop() } else { wishes.drain() }
            }
        });
        Ok(shutdown)
    }
}
