//! OCR on one machine: the page image is laid into a temporary file, and Tesseract reads it there.
//!
//! The program is looked for at the first page that needs it and then remembered; as long as it is missing it
//! is looked for again, so that `apt-get install` mends a running `precis up`.

use crate::objects::ObjectStore;
use async_trait::async_trait;
use ports::{Fault, Objects, Ocr, PageImage, PageLines, Part, PortError, Progress, Result};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use tesseract::OcrError;
use tokio::sync::OnceCell;

/// The largest page image: 200 dpi of A0, uncompressed, is less.
const MAX_IMAGE: u64 = 256 << 20;

/// The engine of this machine.
pub(crate) struct Engine {
    objects: Arc<ObjectStore>,
    scratch: PathBuf,
    found: OnceCell<tesseract::Engine>,
}

impl Engine {
    pub(crate) fn new(objects: Arc<ObjectStore>, scratch: PathBuf) -> Self {
        Self { objects, scratch, found: OnceCell::new() }
    }

    async fn engine(&self) -> Result<&tesseract::Engine> {
        self.found.get_or_try_init(tesseract::Engine::find).await.map_err(|error| classify(&error))
    }
}

/// What a caller can do about it: a missing engine or language is an operator's to mend, a bad image nobody's.
fn classify(error: &OcrError) -> PortError {
    let fault = match error {
        OcrError::NotInstalled | OcrError::LanguageMissing { .. } => Fault::Denied,
        // The same page takes as long the next time.
        OcrError::TimedOut(_) | OcrError::Image(_) => Fault::Permanent,
        OcrError::Failed(_) => Fault::Transient,
    };
    PortError::new(fault, error.to_string())
}

#[async_trait]
impl Ocr for Engine {
    async fn version(&self) -> Result<String> {
        Ok(format!("tesseract {}", self.engine().await?.version()))
    }

    async fn start(&self, part: &Part) -> Result<Progress> {
        let mut pages = Vec::new();
        for image in &part.images {
            pages.push(self.recognise(image, &part.language).await?);
        }
        Ok(Progress::Ready(pages))
    }

    async fn collect(&self, _: &Part, token: &str) -> Result<Progress> {
        // Every page is ready when `start` returns, so nobody holds a token.
        Err(PortError::new(Fault::NotFound, format!("no page is pending under {token}")))
    }
}

impl Engine {
    async fn recognise(&self, image: &PageImage, language: &str) -> Result<PageLines> {
        let engine = self.engine().await?;
        let page = image.page;
        let body = self.objects.read(&image.key, MAX_IMAGE).await?;
        let scratch = self.scratch.clone();
        let laid = tokio::task::spawn_blocking(move || {
            let mut file = tempfile::Builder::new().prefix("ocr-").suffix(".png").tempfile_in(scratch)?;
            file.write_all(&body)?;
            Ok(file)
        });
        let image = laid
            .await
            .map_err(|error| PortError::new(Fault::Transient, format!("laying out a page image: {error}")))?
            .map_err(|error: std::io::Error| crate::fault::io("laying out a page image", &error))?;
        let lines = engine.recognise(image.path(), language).await.map_err(|error| classify(&error))?;
        Ok(PageLines { page, lines })
    }
}
