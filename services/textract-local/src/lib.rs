//! Textract's wire protocol over the Tesseract of this machine, for stacks without AWS.
//!
//! It is the protocol and not a mock of it: the same JSON 1.1 calls, errors, quotas, tokens and completions, so that
//! a client written for AWS finds out here what it will live through there. What is read is what is on the page.
//! Signatures are not checked, and PDF is parsed within the process: it belongs into test stacks, on a private network.

mod api;
mod blocks;
mod cloud;
mod config;
mod error;
mod jobs;
mod paging;
mod quotas;
mod reading;
pub mod server;
mod store;
mod wire;

pub use api::Api;
pub use cloud::Cloud;
pub use config::{Config, Quotas};
pub use error::{ApiError, Code};

use anyhow::Context;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When it cannot start, in words for people.
pub async fn run(config: Config) -> anyhow::Result<()> {
    telemetry::init(telemetry::Format::Auto, "info")?;
    let cloud = Cloud::new(&aws::client::sdk_config(&aws::client::Choice::default()).await);
    let api = Api::open(&config, cloud)
        .with_context(|| format!("the state folder {} cannot be opened", config.state.display()))?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("nobody can listen on {}", config.listen))?;
    tracing::info!(address = %listener.local_addr()?, state = %config.state.display(), "listening");
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let end = async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    server::serve(listener, Arc::new(api), end).await?;
    tracing::info!("ended");
    Ok(())
}
