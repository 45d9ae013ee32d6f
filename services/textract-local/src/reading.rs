//! A document's bytes to its pages: painted one by one, read side by side.
//!
//! A thread of its own paints, with a stack for formats that nest, and never more than a few pages ahead; it stops
//! when nobody wants its pages any more.

use crate::blocks::ReadPage;
use crate::error::{ApiError, Code};
use extract::{Kind, Limits, Picture, ReadError};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tesseract::{Engine, OcrError};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

/// Stack of the thread that parses.
const STACK: usize = 64 << 20;
/// Images in one part and sync calls: 10 MB.
pub(crate) const SMALL: u64 = 10 << 20;
/// PDF and TIFF in jobs: 500 MB.
pub(crate) const LARGE: u64 = 500 << 20;
/// Pages of a job.
pub(crate) const PAGES: u32 = 3000;

/// What a document turned out to be.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Read {
    /// Its pages, read or not.
    pub total: u32,
    /// Those that were read, in order.
    pub pages: Vec<ReadPage>,
    /// Those that could not be.
    pub unread: Vec<u32>,
}

/// Reads documents with the machine's Tesseract.
pub struct Reader {
    languages: String,
    scratch: PathBuf,
    room: Arc<Semaphore>,
    found: OnceCell<Engine>,
}

impl Reader {
    /// A reader that has `pages` pages at work at most, and lays their pictures below `scratch`.
    #[must_use]
    pub fn new(languages: &str, scratch: &Path, pages: usize) -> Self {
        let room = Arc::new(Semaphore::new(pages.max(1)));
        Self { languages: languages.to_owned(), scratch: scratch.to_owned(), room, found: OnceCell::new() }
    }

    /// Reads a document of at most `pages` pages.
    ///
    /// # Errors
    /// When nothing of it can be read.
    pub async fn read(&self, bytes: Vec<u8>, pages: u32) -> Result<Read, ApiError> {
        check(&bytes)?;
        // Looked for until it is there: installing it mends a running server.
        let engine = self.found.get_or_try_init(Engine::find).await?;
        let folder = tempfile::Builder::new()
            .prefix("pages-")
            .tempdir_in(&self.scratch)
            .map_err(|error| ApiError::internal(&error))?;
        let (send, mut painted) = mpsc::channel(2);
        paint(bytes, folder.path().to_owned(), pages, send)?;
        let (mut read, mut at_work) = (Read::default(), JoinSet::new());
        loop {
            let picture = match painted.recv().await {
                Some(Ok(Some(picture))) => picture,
                Some(Ok(None)) => break,
                Some(Err(error)) => return Err(error.into()),
                None => return Err(ApiError::new(Code::BadDocument, "the document made the reader stop")),
            };
            read.total = read.total.max(picture.number).max(picture.total);
            match picture.image {
                Ok(Some(image)) => {
                    let place = Arc::clone(&self.room).acquire_owned().await;
                    let place = place.map_err(|error| ApiError::internal(&error))?;
                    let (engine, languages) = (engine.clone(), self.languages.clone());
                    at_work.spawn(one(engine, languages, picture.number, image, place));
                }
                Ok(None) => read.pages.push(ReadPage { number: picture.number, lines: Vec::new() }),
                Err(_) => read.unread.push(picture.number),
            }
        }
        while let Some(done) = at_work.join_next().await {
            match done.map_err(|error| ApiError::internal(&error))? {
                (_, Ok(page)) => read.pages.push(page),
                (number, Err(OcrError::Image(_) | OcrError::TimedOut(_))) => read.unread.push(number),
                (_, Err(error)) => return Err(error.into()),
            }
        }
        read.pages.sort_by_key(|page| page.number);
        read.unread.sort_unstable();
        if read.pages.is_empty() {
            return Err(ApiError::new(Code::BadDocument, "none of its pages can be read"));
        }
        Ok(read)
    }
}

/// A page, or at the end nothing: a channel that closes without that is a thread that died.
type Painted = Result<Option<Picture>, ReadError>;

/// What is refused before anything is parsed.
fn check(bytes: &[u8]) -> Result<(), ApiError> {
    match extract::detect(bytes, "")? {
        Kind::Pdf | Kind::Tiff => Ok(()),
        Kind::Png | Kind::Jpeg if bytes.len() as u64 > SMALL => {
            Err(ApiError::new(Code::DocumentTooLarge, "an image may have 10 MB"))
        }
        Kind::Png | Kind::Jpeg => Ok(()),
        other => {
            let what = format!("PDF, TIFF, PNG and JPEG are read, and this is {}", other.as_str());
            Err(ApiError::new(Code::UnsupportedDocument, what))
        }
    }
}

fn paint(bytes: Vec<u8>, folder: PathBuf, pages: u32, to: mpsc::Sender<Painted>) -> Result<(), ApiError> {
    let work = move || {
        let limits = Limits { max_pages: pages, ..Limits::default() };
        let done = extract::paint_pages(bytes, &folder, &limits, &mut |picture| match to
            .blocking_send(Ok(Some(picture)))
        {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
        // When nobody listens any more, the call was broken off.
        let _ = to.blocking_send(done.map(|()| None));
    };
    let thread = std::thread::Builder::new().name("paint".into()).stack_size(STACK).spawn(work);
    thread.map(drop).map_err(|error| ApiError::internal(&error))
}

async fn one(
    engine: Engine,
    languages: String,
    number: u32,
    image: PathBuf,
    place: OwnedSemaphorePermit,
) -> (u32, Result<ReadPage, OcrError>) {
    let lines = engine.recognise_words(&image, &languages).await;
    drop(place);
    // The pictures of a long document would fill the disk.
    let _ = tokio::fs::remove_file(image).await;
    (number, lines.map(|lines| ReadPage::new(number, lines)))
}
