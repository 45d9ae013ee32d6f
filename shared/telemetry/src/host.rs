//! What every service does around its work: logs, metrics, and answering whoever asks how it is.

use crate::emf::Emf;
use crate::health::{self, Health};
use crate::{Format, LogError, logs, metrics, serve};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// What a service is told about that.
#[derive(Debug, Clone)]
pub struct Options {
    /// The service's name.
    pub name: &'static str,
    /// Where `/healthz`, `/readyz` and `/metrics` are answered.
    pub listen: SocketAddr,
    /// Write metrics to standard output for CloudWatch, too, as those of this stack.
    pub emf: Option<String>,
}

/// Why a service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its logs.
    #[error(transparent)]
    Logs(#[from] LogError),
    /// Its metrics.
    #[error(transparent)]
    Metrics(#[from] metrics::RecorderError),
    /// Its address.
    #[error("cannot listen on {address}: {cause}. Free that port, or set PRECIS_LISTEN to another")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
}

/// Starts logs, metrics and answers. They go on until the process ends, so that a drain can be watched too.
///
/// # Errors
/// [`StartError`].
pub async fn start(options: &Options) -> Result<Health, StartError> {
    logs::init(Format::Auto, "info")?;
    let handle = metrics::recorder()?;
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|cause| StartError::Listen { address: options.listen, cause })?;
    let health = Health::new();
    if let Some(stack) = &options.emf {
        tokio::spawn(Emf::new(stack).run(options.name, handle.clone()));
    }
    let answers = health.clone();
    tokio::spawn(async move {
        if let Err(error) = serve::serve(listener, handle, answers).await {
            tracing::error!(error = %error, "health and metrics are no longer served");
        }
    });
    tracing::info!(service = options.name, listen = %options.listen, version = env!("CARGO_PKG_VERSION"), "started");
    Ok(health)
}

/// Asks the service that listens there whether it is ready, and ends the process with the answer.
pub async fn check_and_exit(address: SocketAddr) -> ! {
    match health::check(address).await {
        Ok(()) => std::process::exit(0),
        Err(why) => {
            eprintln!("not ready: {why}");
            std::process::exit(1)
        }
    }
}
