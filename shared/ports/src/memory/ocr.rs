//! OCR of "images" that are text: each line is recognised as it stands.

use super::{Memory, fail, lock};
use crate::error::{Fault, Result};
use crate::objects::Objects;
use crate::ocr::{Ocr, Part, Progress};
use async_trait::async_trait;
use domain::text::{Line, Role};
use std::collections::BTreeMap;

/// The largest image.
const LIMIT: u64 = 64 << 20;

#[derive(Default)]
pub(super) struct Engine {
    pub(super) pending: u32,
    pub(super) started: Vec<String>,
    /// By token: the image's key and the answers still to be `Pending`.
    running: BTreeMap<String, (String, u32)>,
}

impl Memory {
    async fn recognise(&self, image: &str) -> Result<Progress> {
        let image = self.read(image, LIMIT).await?;
        let Ok(text) = String::from_utf8(image) else {
            return fail(Fault::Permanent, "the image cannot be read");
        };
        let line = |(paragraph, text): (usize, &str)| Line {
            text: text.to_owned(),
            role: Role::Body,
            paragraph: u32::try_from(paragraph).unwrap_or(u32::MAX),
            bbox: None,
            confidence: Some(0.9),
        };
        Ok(Progress::Ready(text.lines().enumerate().map(line).collect()))
    }
}

#[async_trait]
impl Ocr for Memory {
    async fn version(&self) -> Result<String> {
        Ok("memory 1".into())
    }

    async fn start(&self, part: &Part) -> Result<Progress> {
        let token = {
            let mut engine = lock(&self.0.ocr);
            engine.started.push(part.image.clone());
            let token = format!("ocr-{}", engine.started.len());
            let pending = engine.pending;
            engine.running.insert(token.clone(), (part.image.clone(), pending));
            token
        };
        self.collect(&token).await
    }

    async fn collect(&self, token: &str) -> Result<Progress> {
        let image = {
            let mut engine = lock(&self.0.ocr);
            let Some((image, pending)) = engine.running.get_mut(token) else {
                return fail(Fault::NotFound, "there is no such part at work");
            };
            if *pending > 0 {
                *pending -= 1;
                return Ok(Progress::Pending(token.to_owned()));
            }
            image.clone()
        };
        self.recognise(&image).await
    }
}
