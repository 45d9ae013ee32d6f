//! OCR by Textract: one page at once, more as a job of Textract's that tells when it is done.
//!
//! What is asked of it always lies in our own results bucket, written once, so the same request means the same bytes
//! for ever. A start carries a token made of the job, its run, the pages and the generation: repeated, it answers with
//! the job that it started, and costs nothing. That job may be dead; only another generation has another token.
//!
//! No call is repeated by the SDK here: a throttle is the gate's to see. The one exception are the later answers about
//! a job that is done, whose pages of results would be asked for from the beginning again.

mod bundle;
mod image;
mod lines;

use crate::classify::port_error;
use async_trait::async_trait;
use aws_sdk_textract::Client;
use aws_sdk_textract::config::Builder;
use aws_sdk_textract::config::retry::RetryConfig;
use aws_sdk_textract::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_textract::operation::detect_document_text::DetectDocumentTextOutput;
use aws_sdk_textract::operation::get_document_text_detection::GetDocumentTextDetectionOutput;
use aws_sdk_textract::types::{Document, DocumentLocation, JobStatus, S3Object};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use domain::Artifact;
use lines::Collected;
use ports::{Fault, Objects, Ocr, PageImage, Part, PortError, Progress, Result};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// The largest artifact of a page image that is read to be bound or made smaller.
const MAX_IMAGE: u64 = 256 << 20;
/// The largest bundle: Textract takes 500 MB.
const MAX_BUNDLE: u64 = 499 << 20;
/// What a page takes in a bundle beside its image.
const PAGE_FRAME: u64 = 1024;
/// Throttles in a row on later answers before the gate is told after all.
const PATIENCE: u32 = 12;

/// The topic that Textract tells when it is done, and the role in which it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationChannel {
    /// The topic.
    pub topic_arn: String,
    /// The role, which Textract must be allowed to take on.
    pub role_arn: String,
}

/// Textract.
pub struct Textract {
    client: Client,
    objects: Arc<dyn Objects>,
    bucket: String,
    channel: Option<NotificationChannel>,
}

impl Textract {
    /// Reads page images from `bucket`, the one of the artifacts, which `objects` writes to. Without a channel nobody
    /// tells when a job is done, and it is found out by asking.
    #[must_use]
    pub fn new(
        client: Client,
        objects: Arc<dyn Objects>,
        bucket: String,
        channel: Option<NotificationChannel>,
    ) -> Self {
        Self { client, objects, bucket, channel }
    }

    fn object(&self, key: &str) -> S3Object {
        S3Object::builder().bucket(&self.bucket).name(key).build()
    }

    /// One page, at once. An image that is too large for Textract is sent again as a smaller one.
    async fn detect(&self, part: &Part, image: &PageImage) -> Result<Progress> {
        let answer = match self.detect_at(&image.key).await {
            Err(error) if matches!(error.fault, Fault::TooLarge | Fault::Permanent) => {
                match self.smaller(part, image).await? {
                    Some(key) => self.detect_at(&key).await?,
                    None => return Err(error),
                }
            }
            answer => answer?,
        };
        let mut collected = Collected::default();
        collected.add(answer.blocks.unwrap_or_default());
        Ok(Progress::Ready(collected.finish(std::slice::from_ref(image))))
    }

    async fn detect_at(&self, key: &str) -> Result<DetectDocumentTextOutput> {
        let document = Document::builder().s3_object(self.object(key)).build();
        let call = self.client.detect_document_text().document(document).customize();
        let answer = call.config_override(once()).send().await;
        answer.map_err(|error| judged("reading a page with Textract", &error))
    }

    /// Writes a smaller image of a page; `None` where the one there is small enough.
    async fn smaller(&self, part: &Part, image: &PageImage) -> Result<Option<String>> {
        let bytes = self.objects.read(&image.key, MAX_IMAGE).await?;
        let made = blocking(move || {
            (!image::is_fine(&bytes)).then(|| image::smaller(&bytes, image::MAX_BYTES)).transpose()
        });
        let Some(small) = made.await?.map_err(|error| unreadable(image.page, &error))? else {
            return Ok(None);
        };
        let key = Artifact::Bundle(image.page, "small".into()).key(&part.job, part.run);
        self.objects.write_once(&key, small).await?;
        Ok(Some(key))
    }

    /// Several pages, as a job of Textract's.
    async fn start_job(&self, part: &Part) -> Result<Progress> {
        let key = self.bundle(part).await?;
        let location = DocumentLocation::builder().s3_object(self.object(&key)).build();
        let call = self
            .client
            .start_document_text_detection()
            .document_location(location)
            .client_request_token(token(part))
            .job_tag(part.job.as_str())
            .set_notification_channel(self.channel()?);
        let started = call.customize().config_override(once()).send().await.map_err(|error| {
            let wrong = judged("starting Textract", &error);
            // The pages are not at fault: asked for one by one they would only cost as much again.
            let ours = error.code() == Some("InvalidParameterException");
            if ours { PortError::new(Fault::Denied, wrong.what) } else { wrong }
        })?;
        let nameless = || PortError::new(Fault::Transient, "starting Textract: the answer names no job");
        started.job_id.map(Progress::Pending).ok_or_else(nameless)
    }

    fn channel(&self) -> Result<Option<aws_sdk_textract::types::NotificationChannel>> {
        let Some(channel) = &self.channel else { return Ok(None) };
        let built = aws_sdk_textract::types::NotificationChannel::builder()
            .sns_topic_arn(&channel.topic_arn)
            .role_arn(&channel.role_arn)
            .build();
        built.map(Some).map_err(|error| PortError::new(Fault::Denied, error.to_string()))
    }

    /// Binds the part's images into one PDF, whose n-th page is the part's n-th, unless that was done before.
    async fn bundle(&self, part: &Part) -> Result<String> {
        let first = part.images.first().map_or(0, |image| image.page);
        let key = Artifact::Bundle(first, mark(part, 8)).key(&part.job, part.run);
        if self.objects.list(&key).await?.contains(&key) {
            return Ok(key);
        }
        let budget = MAX_BUNDLE / (part.images.len() as u64).max(1);
        let budget = usize::try_from(budget.saturating_sub(PAGE_FRAME)).unwrap_or(usize::MAX);
        let most = budget.min(image::MAX_BYTES);
        let file = blocking(tempfile::NamedTempFile::new).await?.map_err(|error| disk(&error))?;
        let writer = std::io::BufWriter::new(file.reopen().map_err(|error| disk(&error))?);
        let mut bundle = bundle::Bundle::new(writer).map_err(|error| disk(&error))?;
        for image in &part.images {
            let bytes = self.objects.read(&image.key, MAX_IMAGE).await?;
            let added = blocking(move || {
                let picture = image::for_bundle(&bytes, most)?;
                Ok((bundle.page(&picture), bundle))
            });
            let (written, same) = added.await?.map_err(|error| unreadable(image.page, &error))?;
            written.map_err(|error| disk(&error))?;
            bundle = same;
        }
        blocking(move || bundle.finish().map(drop)).await?.map_err(|error| disk(&error))?;
        self.objects.write_once_file(&key, file.path()).await?;
        Ok(key)
    }

    async fn answer(&self, token: &str, next: Option<String>) -> Result<GetDocumentTextDetectionOutput> {
        let call = self.client.get_document_text_detection().job_id(token).set_next_token(next);
        let answer = call.customize().config_override(once()).send().await;
        answer.map_err(|error| judged("asking Textract for a job", &error))
    }

    /// A later answer: what came before it is in hand, so a throttle is waited for.
    async fn later_answer(&self, token: &str, next: &str) -> Result<GetDocumentTextDetectionOutput> {
        let mut wait = Duration::from_secs(1);
        for _ in 0..PATIENCE {
            match self.answer(token, Some(next.to_owned())).await {
                Err(PortError { fault: Fault::Throttled(after), .. }) => {
                    tokio::time::sleep(after.unwrap_or(wait)).await;
                    wait = (wait * 2).min(Duration::from_secs(10));
                }
                answer => return answer,
            }
        }
        self.answer(token, Some(next.to_owned())).await
    }
}

#[async_trait]
impl Ocr for Textract {
    async fn version(&self) -> Result<String> {
        Ok("textract detect-document-text".into())
    }

    async fn start(&self, part: &Part) -> Result<Progress> {
        match part.images.as_slice() {
            [image] => self.detect(part, image).await,
            _ => self.start_job(part).await,
        }
    }

    async fn collect(&self, part: &Part, token: &str) -> Result<Progress> {
        let mut answer = self.answer(token, None).await?;
        match answer.job_status() {
            Some(JobStatus::Succeeded | JobStatus::PartialSuccess) => {}
            Some(JobStatus::Failed) => return Err(failed(answer.status_message().unwrap_or_default())),
            _ => return Ok(Progress::Pending(token.to_owned())),
        }
        let mut collected = Collected::default();
        loop {
            collected.warn(answer.warnings());
            collected.add(answer.blocks.take().unwrap_or_default());
            let Some(next) = answer.next_token.take() else { break };
            answer = self.later_answer(token, &next).await?;
        }
        Ok(Progress::Ready(collected.finish(&part.images)))
    }
}

fn once() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
}

/// As everywhere, but that Textract says "invalid object" of what it may not read, too.
fn judged<E>(doing: &str, error: &SdkError<E, HttpResponse>) -> PortError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let wrong = port_error(doing, error);
    match error.code() {
        Some("InvalidS3ObjectException" | "InvalidKMSKeyException") => PortError::new(
            Fault::Denied,
            format!(
                "{}. Textract reads the results bucket as whoever calls it: that role needs s3:GetObject and \
                 kms:Decrypt on it, and the bucket must be in Textract's region",
                wrong.what
            ),
        ),
        _ => wrong,
    }
}

/// What Textract says of a job that failed. AWS lists no words for it, so only those that name the document are taken
/// for its fault: starting anew costs little, and is bounded by the attempts of the job.
fn failed(said: &str) -> PortError {
    let word = said.to_uppercase().replace([' ', '-'], "_");
    let document = ["INVALID_IMAGE", "UNSUPPORTED", "BAD_DOCUMENT", "TOO_LARGE", "ENCRYPTED", "PASSWORD"];
    let fault =
        if document.iter().any(|sign| word.contains(sign)) { Fault::Permanent } else { Fault::NotFound };
    let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
    PortError::new(
        fault,
        format!("Textract's job failed: {}", if said.is_empty() { "no reason given" } else { &said }),
    )
}

/// What tells a part from all others of its job.
fn mark(part: &Part, bytes: usize) -> String {
    let pages: Vec<String> = part.images.iter().map(|image| image.page.to_string()).collect();
    let text = format!("{} {} {}", part.run, part.generation, pages.join(","));
    hex::encode(&Sha256::digest(text.as_bytes())[..bytes])
}

/// The part's `ClientRequestToken`: 32 + 1 + 24 of the 64 characters there may be.
fn token(part: &Part) -> String {
    format!("{}-{}", part.job, mark(part, 12))
}

fn unreadable(page: u32, error: &image::ImageError) -> PortError {
    let fault = match error {
        image::ImageError::Damaged(_) => Fault::Permanent,
        image::ImageError::TooLarge(_) => Fault::TooLarge,
    };
    PortError::new(fault, format!("page {page} cannot be sent to Textract: {error}"))
}

fn disk(error: &std::io::Error) -> PortError {
    let full = matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
    let fault = if full { Fault::Full } else { Fault::Transient };
    PortError::new(fault, format!("binding page images: {error}"))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| PortError::new(Fault::Transient, format!("preparing page images: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::JobId;

    fn part(run: u32, pages: &[u32], generation: u32) -> Part {
        let images = pages.iter().map(|&page| PageImage { page, key: String::new() }).collect();
        Part { job: JobId::of("b", "k", "1"), run, images, language: String::new(), generation }
    }

    #[test]
    fn a_token_is_the_same_for_the_same_part_alone_and_fits() {
        let of = |run, pages: &[u32], generation| token(&part(run, pages, generation));
        assert_eq!(of(1, &[1, 2], 0), of(1, &[1, 2], 0));
        let all =
            [of(1, &[1, 2], 0), of(2, &[1, 2], 0), of(1, &[1, 2], 1), of(1, &[12], 0), of(1, &[1, 2, 3], 0)];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
        assert!(all.iter().all(|token| {
            token.len() <= 64 && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        }));
    }

    #[test]
    fn a_failed_job_is_the_documents_fault_only_where_it_says_so() {
        for (said, fault) in [
            ("INVALID_IMAGE_TYPE", Fault::Permanent),
            ("Unsupported document", Fault::Permanent),
            ("BAD_DOCUMENT", Fault::Permanent),
            ("INTERNAL_SERVER_ERROR", Fault::NotFound),
            ("", Fault::NotFound),
        ] {
            assert_eq!(failed(said).fault, fault, "{said}");
        }
    }
}
