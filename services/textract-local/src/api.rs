//! The three operations.

use crate::blocks::uuid;
use crate::cloud::Cloud;
use crate::config::Config;
use crate::error::{ApiError, Code};
use crate::jobs::Jobs;
use crate::paging;
use crate::quotas::{Operation, Rates};
use crate::reading::{Reader, SMALL};
use crate::store::Status;
use crate::wire::{Detect, Document, Get, Start};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

/// What the answers say that they were made by.
const MODEL: &str = "1.0";

/// Everything that answers.
pub struct Api {
    jobs: Arc<Jobs>,
    reader: Arc<Reader>,
    cloud: Cloud,
    rates: Rates,
}

impl Api {
    /// Opens the state folder and takes up again what was not finished there.
    ///
    /// # Errors
    /// The disk's.
    pub fn open(config: &Config, cloud: Cloud) -> std::io::Result<Self> {
        let scratch = config.state.join("scratch");
        // What a process that was killed has left.
        let _ = std::fs::remove_dir_all(&scratch);
        std::fs::create_dir_all(&scratch)?;
        let reader = Arc::new(Reader::new(&config.languages, &scratch, config.pages()));
        let jobs = Jobs::open(config, cloud.clone(), Arc::clone(&reader))?;
        Ok(Self { jobs, reader, cloud, rates: Rates::new(&config.quotas, Instant::now()) })
    }

    /// Forgets old jobs.
    pub async fn sweep(&self) {
        self.jobs.sweep().await;
    }

    /// Answers a call. `request` is what the request is called, `target` the value of `X-Amz-Target`.
    ///
    /// # Errors
    /// As the API's model says.
    pub async fn call(&self, request: &str, target: &str, body: &[u8]) -> Result<Value, ApiError> {
        match target {
            "Textract.DetectDocumentText" => {
                self.rates.take(Operation::Detect, Instant::now())?;
                self.detect(request, parsed(body)?).await
            }
            "Textract.StartDocumentTextDetection" => {
                self.rates.take(Operation::Start, Instant::now())?;
                let call: Start = parsed(body)?;
                Ok(json!({"JobId": self.jobs.start(call).await?}))
            }
            "Textract.GetDocumentTextDetection" => {
                self.rates.take(Operation::Get, Instant::now())?;
                self.get(parsed(body)?).await
            }
            other => {
                let what = format!("{other:?} is none of the operations that are here");
                Err(ApiError::new(Code::UnknownOperation, what))
            }
        }
    }

    async fn detect(&self, request: &str, call: Detect) -> Result<Value, ApiError> {
        let bytes = self.document(call.document).await?;
        let read = self.reader.read(bytes, 1).await?;
        let blocks: Vec<Value> = read.pages.iter().flat_map(|page| page.to_blocks(request)).collect();
        Ok(json!({
            "DocumentMetadata": {"Pages": read.total},
            "Blocks": blocks,
            "DetectDocumentTextModelVersion": MODEL,
        }))
    }

    async fn document(&self, document: Document) -> Result<Vec<u8>, ApiError> {
        match (document.bytes, document.s3) {
            (Some(text), None) => {
                let bytes = aws_smithy_types::base64::decode(text)
                    .map_err(|_| ApiError::new(Code::Serialization, "Document.Bytes is no base64"))?;
                match bytes.len() as u64 {
                    0 => Err(ApiError::parameter("Document.Bytes is empty")),
                    length if length > SMALL => {
                        Err(ApiError::new(Code::DocumentTooLarge, "the document has more than 10 MB"))
                    }
                    _ => Ok(bytes),
                }
            }
            (None, Some(object)) => {
                object.check()?;
                self.cloud.read(&object, SMALL).await
            }
            _ => Err(ApiError::parameter("Document must have Bytes or S3Object, and not both")),
        }
    }

    async fn get(&self, call: Get) -> Result<Value, ApiError> {
        let most = call.most()?;
        let job = self.jobs.get(&call)?;
        let mut answer = json!({"JobStatus": job.status, "DetectDocumentTextModelVersion": MODEL});
        if let Some(message) = &job.message {
            answer["StatusMessage"] = json!(message);
        }
        if matches!(job.status, Status::InProgress | Status::Failed) {
            return Ok(answer);
        }
        let from = paging::position(&job, call.next_token.as_deref())?;
        answer["DocumentMetadata"] = json!({"Pages": job.total});
        if !job.warnings.is_empty() {
            answer["Warnings"] = json!(job.warnings);
        }
        let store = self.jobs.store.clone();
        let cut = tokio::task::spawn_blocking(move || {
            paging::blocks(&job, from, most, |place| store.page(&job.id, place))
        });
        let (blocks, next) = cut
            .await
            .map_err(|error| ApiError::internal(&error))?
            .map_err(|error| ApiError::internal(&error))?;
        answer["Blocks"] = json!(blocks);
        if let Some(next) = next {
            answer["NextToken"] = json!(next);
        }
        Ok(answer)
    }
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| ApiError::new(Code::Serialization, format!("the body is no JSON ({error})")))?;
    serde_json::from_value(value)
        .map_err(|error| ApiError::parameter(format!("Request has invalid parameters: {error}")))
}

/// A name for a request.
pub(crate) fn request_id() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    uuid(&format!("{} {} {count}", jiff::Timestamp::now(), std::process::id()))
}
