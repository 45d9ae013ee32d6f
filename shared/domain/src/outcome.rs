//! How a job ended, and the report that programs read.

use crate::ids::{ContentHash, JobId};
use crate::reason::{Audience, Reason};
use crate::settings::Settings;
use crate::summary::{Coverage, PageReport, Summary};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The four ends of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// There is a summary.
    Summarized,
    /// The document is not one that can be summarized.
    Rejected,
    /// It should have worked and did not.
    Failed,
    /// The document was replaced or deleted meanwhile.
    Superseded,
}

impl OutcomeKind {
    /// The word used in JSON, metrics and filters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Summarized => "summarized",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
        }
    }
}

/// How a job ended, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which end.
    pub kind: OutcomeKind,
    /// Why, unless it is a summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What was seen in this one case ("the file ends in the middle of page 3").
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Outcome {
    /// A summary was made.
    #[must_use]
    pub fn summarized() -> Self {
        Self { kind: OutcomeKind::Summarized, reason: None, detail: None }
    }

    /// The document cannot be summarized.
    #[must_use]
    pub fn rejected(reason: Reason, detail: impl Into<String>) -> Self {
        Self { kind: OutcomeKind::Rejected, reason: Some(reason), detail: Some(detail.into()) }
    }

    /// It should have worked.
    #[must_use]
    pub fn failed(reason: Reason, detail: impl Into<String>) -> Self {
        Self { kind: OutcomeKind::Failed, reason: Some(reason), detail: Some(detail.into()) }
    }

    /// The document is no longer the current one.
    #[must_use]
    pub fn superseded(reason: Reason) -> Self {
        Self { kind: OutcomeKind::Superseded, reason: Some(reason), detail: None }
    }

    /// Whose it is to mend; `None` for a summary.
    #[must_use]
    pub fn audience(&self) -> Option<Audience> {
        self.reason.map(Reason::audience)
    }
}

/// What the summarizer leaves as the `result` artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The summary.
    pub summary: Summary,
    /// How much was read.
    pub coverage: Coverage,
    /// A line for each page.
    pub pages: Vec<PageReport>,
    /// The document's language (BCP 47).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The title that the file states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Versions of reader, ranking and model that made it.
    pub made_by: String,
}

/// The document in a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentReport {
    /// Its name (the last part of its key).
    pub name: String,
    /// Its whole key.
    pub key: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Number of pages, once known.
    pub pages: Option<u32>,
    /// `pdf`, `docx`, `html`, `markdown`, `text`, `mail`, `png`, `jpeg`, `tiff`, once known.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its language (BCP 47), once known.
    pub language: Option<String>,
    /// The sha-256 of its bytes, once read.
    pub sha256: Option<ContentHash>,
}

/// What a run cost, as far as it is known. Counts are facts, dollars are what they cost at the price of that day.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// Pages that need OCR.
    pub ocr_pages: u32,
    /// US dollars paid for OCR; 0 where everything runs on one machine.
    pub usd: f64,
    /// Pages that OCR was asked for, those that were asked for twice counted twice.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ocr_paid: u32,
    /// Requests sent while this document was worked on. Polls, and what is sent and deleted when a stage is done, are
    /// not among them.
    #[serde(default, skip_serializing_if = "Calls::is_none")]
    pub calls: Calls,
}

impl Cost {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Requests by service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Calls {
    /// Amazon S3.
    #[serde(skip_serializing_if = "is_zero")]
    pub s3: u32,
    /// Amazon SQS.
    #[serde(skip_serializing_if = "is_zero")]
    pub sqs: u32,
    /// Amazon SNS.
    #[serde(skip_serializing_if = "is_zero")]
    pub sns: u32,
    /// Amazon DynamoDB.
    #[serde(skip_serializing_if = "is_zero")]
    pub dynamodb: u32,
    /// Amazon Textract.
    #[serde(skip_serializing_if = "is_zero")]
    pub textract: u32,
}

impl Calls {
    /// Whether none was sent.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Counts one request to the service that AWS calls so; others are not counted.
    pub fn count(&mut self, service: &str) {
        let counted = match service {
            "S3" => &mut self.s3,
            "SQS" => &mut self.sqs,
            "SNS" => &mut self.sns,
            "DynamoDB" => &mut self.dynamodb,
            "Textract" => &mut self.textract,
            _ => return,
        };
        *counted = counted.saturating_add(1);
    }
}

impl std::ops::AddAssign for Calls {
    fn add_assign(&mut self, more: Self) {
        let pairs = [
            (&mut self.s3, more.s3),
            (&mut self.sqs, more.sqs),
            (&mut self.sns, more.sns),
            (&mut self.dynamodb, more.dynamodb),
            (&mut self.textract, more.textract),
        ];
        for (sum, more) in pairs {
            *sum = sum.saturating_add(more);
        }
    }
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, more: Self) {
        self.ocr_pages = self.ocr_pages.saturating_add(more.ocr_pages);
        self.ocr_paid = self.ocr_paid.saturating_add(more.ocr_paid);
        self.usd += more.usd;
        self.calls += more.calls;
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The report of one run, for programs: one JSON object. `docs/outcome.schema.json` is made from this type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Precis outcome")]
pub struct Report {
    /// Version of this shape; fields may be added within a version.
    pub schema: u32,
    /// The job.
    pub job: JobId,
    /// Which pass over the job, from 1.
    pub run: u32,
    /// The document.
    pub document: DocumentReport,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// Why there is no summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The same for people, with what was seen in this case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// Whose it is to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    /// The summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// How much was read.
    pub coverage: Coverage,
    /// A line for each page.
    pub pages: Vec<PageReport>,
    /// The settings that held, each with its source.
    pub settings: Settings,
    /// Milliseconds spent in each stage, waiting not counted.
    pub timings_ms: BTreeMap<String, u64>,
    /// What it cost.
    pub cost: Cost,
}

impl Report {
    /// The present version of the shape.
    pub const SCHEMA: u32 = 1;
}
