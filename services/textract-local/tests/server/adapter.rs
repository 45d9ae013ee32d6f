//! Our own adapter of Textract (`aws::Textract`) against the server that speaks Textract's protocol.

use crate::common::{BUCKET, Emulated, ROLE, TOPIC, letter, pngs, serve, skipped};
use async_trait::async_trait;
use aws::textract::{NotificationChannel, Textract};
use domain::{Document, JobId};
use ports::{Fault, Listing, Objects, Ocr, PageImage, PageLines, Part, PortError, Progress, Result, Written};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Artifacts in the emulated bucket.
struct Artifacts(Emulated);

fn unused<T>() -> Result<T> {
    Err(PortError::new(Fault::Permanent, "not asked here"))
}

#[async_trait]
impl Objects for Artifacts {
    async fn fetch(&self, _: &Document, _: u64, _: &Path) -> Result<()> {
        unused()
    }

    async fn documents(&self, _: &str, _: &str) -> Result<Vec<Document>> {
        unused()
    }

    async fn listing(&self, _: &str, _: &str, _: &str) -> Result<Listing> {
        unused()
    }

    async fn versions(&self, _: &str, _: &str) -> Result<Vec<Document>> {
        unused()
    }

    async fn erase(&self, _: &Document) -> Result<bool> {
        unused()
    }

    async fn erase_artifacts(&self, _: &str) -> Result<u64> {
        unused()
    }

    async fn resume(&self, _: &Document, _: &Path) -> Result<()> {
        unused()
    }

    async fn sha256(&self, _: &Document) -> Result<Option<String>> {
        unused()
    }

    async fn tags(&self, _: &Document) -> Result<BTreeMap<String, String>> {
        unused()
    }

    async fn is_current(&self, _: &Document) -> Result<bool> {
        unused()
    }

    async fn upload(&self, _: &str, _: &Path) -> Result<Document> {
        unused()
    }

    async fn read(&self, key: &str, _: u64) -> Result<Vec<u8>> {
        let found = self.0.objects.lock().unwrap().get(key).cloned();
        found.ok_or_else(|| PortError::new(Fault::NotFound, key))
    }

    async fn write_once(&self, key: &str, body: Vec<u8>) -> Result<Written> {
        let mut objects = self.0.objects.lock().unwrap();
        if objects.contains_key(key) {
            return Ok(Written::AlreadyThere);
        }
        objects.insert(key.to_owned(), body);
        Ok(Written::New)
    }

    async fn write_once_file(&self, key: &str, file: &Path) -> Result<Written> {
        self.write_once(key, std::fs::read(file).unwrap()).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let objects = self.0.objects.lock().unwrap();
        Ok(objects.keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }

    async fn delete(&self, _: &str) -> Result<()> {
        unused()
    }
}

/// A server, the adapter over it, and the cloud under both.
struct World {
    cloud: Emulated,
    ocr: Textract,
    _state: tempfile::TempDir,
}

async fn world(flags: &[&str]) -> World {
    let (cloud, state) = (Emulated::start().await, tempfile::tempdir().unwrap());
    let client = serve(&cloud, state.path(), flags).await;
    let channel = NotificationChannel { topic_arn: TOPIC.into(), role_arn: ROLE.into() };
    let objects = Arc::new(Artifacts(cloud.clone()));
    let ocr = Textract::new(client, objects, BUCKET.into(), Some(channel));
    World { cloud, ocr, _state: state }
}

impl World {
    /// A part of these pages, whose images are in the bucket.
    fn part(&self, pages: &[(u32, Vec<u8>)]) -> Part {
        let job = JobId::of("uploads", "letters.pdf", "1");
        let images = pages.iter().map(|(page, image)| {
            let key = domain::Artifact::Part(*page).key(&job, 1);
            self.cloud.put(&key, image.clone());
            PageImage { page: *page, key }
        });
        let images = images.collect();
        Part { job, run: 1, images, language: "en".into(), generation: 0 }
    }

    async fn collected(&self, part: &Part, token: &str) -> Result<Vec<PageLines>> {
        for _ in 0..600 {
            match self.ocr.collect(part, token).await {
                Ok(Progress::Pending(same)) => assert_eq!(same, token),
                Ok(Progress::Ready(pages)) => return Ok(pages),
                // One look a second is what the quota of a test allows.
                Err(PortError { fault: Fault::Throttled(_), .. }) => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("not done in two minutes");
    }
}

fn pending(progress: Progress) -> String {
    match progress {
        Progress::Pending(token) => token,
        Progress::Ready(pages) => panic!("ready at once: {pages:?}"),
    }
}

fn three_pages() -> Vec<(u32, Vec<u8>)> {
    let images = pngs(&[&letter("red", 3), &letter("green", 2), &letter("blue", 1)]);
    [4, 9, 12].into_iter().zip(images).collect()
}

#[tokio::test]
async fn one_page_is_read_at_once() {
    if skipped() {
        return;
    }
    let world = world(&[]).await;
    let part = world.part(&[(7, pngs(&[&letter("red", 3)]).remove(0))]);
    let Progress::Ready(pages) = world.ocr.start(&part).await.unwrap() else { panic!("not ready") };
    assert_eq!((pages.len(), pages[0].page, pages[0].lines.len()), (1, 7, 3));
    let line = &pages[0].lines[1];
    assert_eq!(line.text, "The red letter was signed in line 2");
    assert!(line.confidence.is_some_and(|confidence| (0.5..=1.0).contains(&confidence)));
    assert!(line.bbox.is_some_and(|bbox| bbox.width < 1.0 && bbox.top > 0.05));
    assert!(world.cloud.published.lock().unwrap().is_empty());
}

#[tokio::test]
async fn several_pages_are_bound_read_as_a_job_and_come_back_under_their_own_numbers() {
    if skipped() {
        return;
    }
    let world = world(&[]).await;
    let part = world.part(&three_pages());
    let token = pending(world.ocr.start(&part).await.unwrap());
    // A start that comes twice costs nothing: the same job, the same bundle.
    let bundles = || -> Vec<Vec<u8>> {
        let objects = world.cloud.objects.lock().unwrap();
        objects.iter().filter(|(key, _)| key.contains("/bundle-")).map(|(_, body)| body.clone()).collect()
    };
    let first = bundles();
    assert_eq!(pending(world.ocr.start(&part).await.unwrap()), token);
    assert_eq!((bundles().len(), bundles() == first), (1, true));
    let told = world.cloud.completions(1).await;
    assert_eq!((told.len(), &told[0]["JobTag"]), (1, &part.job.as_str().into()));
    assert_eq!(told[0]["JobId"], token.as_str());
    let pages = world.collected(&part, &token).await.unwrap();
    let seen: Vec<_> = pages.iter().map(|page| (page.page, page.lines.len())).collect();
    assert_eq!(seen, [(4, 3), (9, 2), (12, 1)]);
    assert_eq!(pages[1].lines[0].text, "The green letter was signed in line 1");
}

#[tokio::test]
async fn a_bundle_whose_writing_was_not_remembered_has_the_same_bytes() {
    if skipped() {
        return;
    }
    let world = world(&[]).await;
    let part = world.part(&three_pages());
    let take = || {
        let mut objects = world.cloud.objects.lock().unwrap();
        let key = objects.keys().find(|key| key.contains("/bundle-")).cloned().unwrap();
        (key.clone(), objects.remove(&key).unwrap())
    };
    let token = pending(world.ocr.start(&part).await.unwrap());
    world.collected(&part, &token).await.unwrap();
    let first = take();
    world.ocr.start(&part).await.unwrap();
    assert_eq!(take(), first);
}

#[tokio::test]
async fn work_that_died_is_not_found_and_another_generation_starts_it_anew() {
    if skipped() {
        return;
    }
    // The first run fails, the second does not.
    let world = world(&["--fail-every", "1000"]).await;
    let failing = self::world(&["--fail-every", "1"]).await;
    let part = failing.part(&three_pages());
    let token = pending(failing.ocr.start(&part).await.unwrap());
    assert_eq!(failing.collected(&part, &token).await.unwrap_err().fault, Fault::NotFound);
    assert_eq!(pending(failing.ocr.start(&part).await.unwrap()), token, "the token names the dead job");
    let next = Part { generation: 1, ..part.clone() };
    assert_ne!(pending(failing.ocr.start(&next).await.unwrap()), token);
    let error = world.ocr.collect(&part, &token).await.unwrap_err();
    assert_eq!(error.fault, Fault::NotFound, "results that expired");
}

#[tokio::test]
async fn throttles_reach_the_gate_and_later_answers_are_waited_for() {
    if skipped() {
        return;
    }
    let world =
        world(&["--starts-per-second", "2", "--concurrent-jobs", "1", "--gets-per-second", "1"]).await;
    let dense = letter("red", 34);
    let images = pngs(&[&dense, &dense, &dense, &dense]);
    // More blocks than one answer holds.
    let part = world.part(&(1..).zip(images).collect::<Vec<_>>());
    let token = pending(world.ocr.start(&part).await.unwrap());
    let mut other = part.clone();
    other.images.truncate(2);
    let error = world.ocr.start(&other).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Throttled(_)) && error.what.contains("LimitExceeded"), "{error}");
    let error = world.ocr.start(&other).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Throttled(_)) && error.what.contains("Provisioned"), "{error}");
    let pages = world.collected(&part, &token).await.unwrap();
    let lines: Vec<_> = pages.iter().map(|page| page.lines.len()).collect();
    assert_eq!(lines, [34; 4]);
}

#[tokio::test]
async fn pages_that_nobody_can_read_are_the_documents_fault() {
    if skipped() {
        return;
    }
    let world = world(&[]).await;
    let part = world.part(&[(1, b"no picture".to_vec())]);
    assert_eq!(world.ocr.start(&part).await.unwrap_err().fault, Fault::Permanent);
    let part = world.part(&[(1, b"no picture".to_vec()), (2, b"nor this".to_vec())]);
    assert_eq!(world.ocr.start(&part).await.unwrap_err().fault, Fault::Permanent);
    let gone = Part { images: vec![PageImage { page: 1, key: "jobs/gone".into() }], ..part };
    let error = world.ocr.start(&gone).await.unwrap_err();
    assert!(error.fault == Fault::Denied && error.what.contains("s3:GetObject"), "{error}");
}

#[tokio::test]
async fn a_page_too_large_for_textract_is_sent_as_a_smaller_picture() {
    if skipped() {
        return;
    }
    let world = world(&[]).await;
    // A letter on noise that no compression makes small.
    let letter = image::load_from_memory(&pngs(&[&letter("red", 3)]).remove(0)).unwrap();
    let mut large =
        image::imageops::resize(&letter.into_luma8(), 4000, 5176, image::imageops::FilterType::Triangle);
    let mut state = 1_u32;
    for pixel in large.pixels_mut() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        pixel.0[0] = pixel.0[0].saturating_sub((state >> 27) as u8);
    }
    let mut png = std::io::Cursor::new(Vec::new());
    large.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let png = png.into_inner();
    assert!(png.len() > 10 << 20, "{}", png.len());
    let part = world.part(&[(1, png.clone())]);
    let Progress::Ready(pages) = world.ocr.start(&part).await.unwrap() else { panic!("not ready") };
    assert_eq!(pages[0].lines.len(), 3, "{pages:?}");
    // Among others, too; and what is a JPEG already stays one.
    let jpeg = as_jpeg(&pngs(&[&crate::common::letter("green", 2)]).remove(0));
    let part = world.part(&[(1, jpeg), (2, png)]);
    let token = pending(world.ocr.start(&part).await.unwrap());
    let pages = world.collected(&part, &token).await.unwrap();
    assert_eq!(pages.iter().map(|page| page.page).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(pages[0].lines.len(), 2, "{:?}", pages[0]);
    let objects = world.cloud.objects.lock().unwrap();
    let bundle = objects.iter().find(|(key, _)| key.contains("/bundle-1-") && !key.ends_with("small"));
    assert!(bundle.is_some_and(|(_, body)| body.len() < 12 << 20));
}

/// The same picture as a JPEG.
fn as_jpeg(png: &[u8]) -> Vec<u8> {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    image::load_from_memory(png).unwrap().write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    jpeg.into_inner()
}
