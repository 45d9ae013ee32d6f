//! Where settings come from.

use crate::error::Result;
use async_trait::async_trait;
use domain::settings::{Layer, Source};

/// The layers that hold for a key, weakest first: file, then prefixes from short to long. Built-in defaults,
/// tags and the run's own layer are the caller's.
#[async_trait]
pub trait SettingsSource: Send + Sync {
    /// The layers of a key. `Permanent` says what in the file cannot be understood, and where.
    async fn layers(&self, bucket: &str, key: &str) -> Result<Vec<(Source, Layer)>>;
}
