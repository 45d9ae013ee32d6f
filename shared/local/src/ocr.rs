//! OCR on one machine: the page image is laid into a temporary file, and an engine reads it there.

use crate::objects::ObjectStore;
use async_trait::async_trait;
use ports::{Fault, Ocr, Part, PortError, Progress, Result};
use std::path::PathBuf;
use std::sync::Arc;

/// The engine of this machine.
pub(crate) struct Engine {
    #[expect(dead_code, reason = "read by the engine's adapter, which lands with the engine")]
    objects: Arc<ObjectStore>,
    #[expect(dead_code, reason = "read by the engine's adapter, which lands with the engine")]
    scratch: PathBuf,
}

impl Engine {
    pub(crate) fn new(objects: Arc<ObjectStore>, scratch: PathBuf) -> Self {
        Self { objects, scratch }
    }
}

fn missing() -> PortError {
    PortError::new(Fault::Denied, "no OCR engine could be run: this build has none")
}

#[async_trait]
impl Ocr for Engine {
    async fn version(&self) -> Result<String> {
        Err(missing())
    }

    async fn start(&self, _part: &Part) -> Result<Progress> {
        Err(missing())
    }

    async fn collect(&self, _token: &str) -> Result<Progress> {
        Err(missing())
    }
}
