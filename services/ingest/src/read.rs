//! From what the reader found to the artifacts that the next step needs.

use domain::text::{Origin, Page, Pages};
use domain::{Artifact, Job, Outcome, Reason};
use extract::{PageReading, Reading};
use ports::{Objects, Result};
use std::path::Path;

/// Writes the artifacts of a reading and gives the pages that need OCR; or the outcome if there is nothing
/// on any page.
pub async fn store(
    objects: &dyn Objects,
    job: &Job,
    reading: Reading,
    folder: &Path,
) -> Result<std::result::Result<Vec<u32>, Outcome>> {
    let blank = reading
        .pages
        .iter()
        .all(|page| matches!(page, PageReading::Read(page) if page.origin == Origin::Blank));
    if reading.pages.is_empty() {
        return Ok(Err(Outcome::rejected(Reason::NoPages, "")));
    }
    if blank {
        let detail = match reading.pages.len() {
            1 => "its one page is blank".to_owned(),
            pages => format!("all {pages} pages are blank"),
        };
        return Ok(Err(Outcome::rejected(Reason::BlankPages, detail)));
    }
    let mut ocr_pages = Vec::new();
    let mut pages = Vec::with_capacity(reading.pages.len());
    for page in reading.pages {
        match page {
            PageReading::Read(page) => pages.push(page),
            PageReading::NeedsOcr { number, image, why, text_layer: _, attachment } => {
                objects
                    .write_once_file(&Artifact::Part(number).key(&job.id, job.run), &folder.join(image))
                    .await?;
                ocr_pages.push(number);
                let note = Some(why.as_str().to_owned());
                pages.push(Page { number, origin: Origin::Unread, lines: Vec::new(), attachment, note });
            }
        }
    }
    // With nothing left to read, what ingest read is the whole.
    let name = if ocr_pages.is_empty() { Artifact::Pages } else { Artifact::Read };
    let pages = Pages { pages, title: reading.title };
    let body = serde_json::to_vec(&pages).map_err(|error| {
        ports::PortError::new(
            ports::Fault::Permanent,
            format!("the pages cannot be written as JSON: {error}"),
        )
    })?;
    objects.write_once(&name.key(&job.id, job.run), body).await?;
    Ok(Ok(ocr_pages))
}
