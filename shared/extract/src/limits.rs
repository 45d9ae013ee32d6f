//! How much one document may cost.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Bounds for the reading of one document, attachments included. What they bound is rejected, never cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Pages.
    pub max_pages: u32,
    /// Address space of the child process, in bytes.
    pub memory_bytes: u64,
    /// Processor time of the child process, in seconds.
    pub cpu_seconds: u64,
    /// Time from start to answer.
    pub wall: Duration,
    /// Time without a finished page.
    pub stall: Duration,
    /// Bytes of the answer (the text with its boxes).
    pub output_bytes: u64,
    /// Bytes of all page images together.
    pub images_bytes: u64,
    /// Bytes that one part of a ZIP package may unpack to.
    pub unpacked_bytes: u64,
    /// Pixels of one picture, before it is scaled.
    pub pixels: u64,
    /// How deep mail may be attached to mail.
    pub attachment_depth: u32,
    /// Attachments altogether.
    pub attachments: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pages: 3000,
            memory_bytes: 2 << 30,
            cpu_seconds: 1800,
            wall: Duration::from_secs(1800),
            stall: Duration::from_secs(60),
            output_bytes: 128 << 20,
            images_bytes: 4 << 30,
            unpacked_bytes: 128 << 20,
            pixels: 200_000_000,
            attachment_depth: 3,
            attachments: 100,
        }
    }
}
