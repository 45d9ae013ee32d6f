//! OCR of "images" that are text: each line is recognised as it stands.

use super::{Memory, fail, lock};
use crate::error::{Fault, Result};
use crate::objects::Objects;
use crate::ocr::{Ocr, PageImage, PageLines, Part, Progress};
use async_trait::async_trait;
use domain::text::{Line, Role};
use std::collections::BTreeMap;

/// The largest image.
const LIMIT: u64 = 64 << 20;

#[derive(Default)]
pub(super) struct Engine {
    pub(super) pending: u32,
    pub(super) started: Vec<String>,
    /// By token (the same for the same part): the answers still to be `Pending`.
    running: BTreeMap<String, u32>,
}

impl Memory {
    async fn recognise(&self, image: &PageImage) -> Result<PageLines> {
        let page = image.page;
        let image = self.read(&image.key, LIMIT).await?;
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
        Ok(PageLines { page, lines: text.lines().enumerate().map(line).collect() })
    }
}

#[async_trait]
impl Ocr for Memory {
    async fn version(&self) -> Result<String> {
        Ok("memory 1".into())
    }

    async fn start(&self, part: &Part) -> Result<Progress> {
        let token = token(part);
        {
            let mut engine = lock(&self.0.ocr);
            let pending = engine.pending;
            if engine.running.insert(token.clone(), pending).is_none_or(|_| pending == 0) {
                engine.started.extend(part.images.iter().map(|image| image.key.clone()));
            }
        }
        self.collect(part, &token).await
    }

    async fn collect(&self, part: &Part, token: &str) -> Result<Progress> {
        {
            let mut engine = lock(&self.0.ocr);
            let Some(pending) = engine.running.get_mut(token) else {
                return fail(Fault::NotFound, "there is no such part at work");
            };
            if *pending > 0 {
                *pending -= 1;
                return Ok(Progress::Pending(token.to_owned()));
            }
        }
        let mut pages = Vec::new();
        for image in &part.images {
            pages.push(self.recognise(image).await?);
        }
        Ok(Progress::Ready(pages))
    }
}

/// Names the work on a part: an engine that works between visits answers for the same work when it is started again.
fn token(part: &Part) -> String {
    let pages: Vec<_> = part.images.iter().map(|image| image.page.to_string()).collect();
    format!("{}-{}-{}-{}", part.job, part.run, pages.join("+"), part.generation)
}
