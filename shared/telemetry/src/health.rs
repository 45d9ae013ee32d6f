//! Whether a service is alive and ready, for whoever starts and stops it.
//!
//! Alive is a process that answers at all. Ready is one that has reached what it works on and has not been asked to
//! stop: an orchestrator waits for it after a start and looks away from it during a drain.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The health of this process; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<AtomicBool>);

impl Health {
    /// Alive, and not ready yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ready from now on, or no longer.
    pub fn set_ready(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }

    /// Ready until that happens: a drain, during which nothing new should come here.
    pub async fn until(&self, end: impl Future<Output = ()>) {
        self.set_ready(true);
        end.await;
        self.set_ready(false);
    }

    /// Whether it is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Asks the service that listens at `address` on this machine whether it is ready: what a container without a shell
/// checks itself with. Gives its answer's first line if it is not.
///
/// # Errors
/// Says what the service answered, or why it cannot be reached.
pub async fn check(address: SocketAddr) -> Result<(), String> {
    let ip = if address.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { address.ip() };
    let ask = async {
        let mut stream = TcpStream::connect((ip, address.port())).await?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    match tokio::time::timeout(PATIENCE, ask).await {
        Ok(Ok(answer)) if answer.starts_with("HTTP/1.1 200") => Ok(()),
        Ok(Ok(answer)) => Err(answer.lines().next().unwrap_or("it said nothing").to_owned()),
        Ok(Err(error)) => Err(format!("nothing answers at {ip}:{}: {error}", address.port())),
        Err(_) => Err(format!("no answer from {ip}:{} in time", address.port())),
    }
}
