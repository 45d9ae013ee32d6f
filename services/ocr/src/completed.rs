//! The engine's own word that a part is done: go on with its job.
//!
//! A completion is a nudge like any other, only that it comes from outside: it names a job and a token, and the
//! job says whether it waits for that token. It has a queue of its own so that it never stands behind documents
//! which wait at the gate for exactly what it brings.

use crate::OcrStep;
use async_trait::async_trait;
use domain::message::{Completion, Message, Nudge};
use domain::{Job, Stage};
use ports::{Address, QueueName, Stack};
use std::time::Duration;
use worker::{Context, Handler, Settlement, StageHandler};

/// A completion may overtake what it completes: the start is written down a moment later.
const EARLY: Duration = Duration::from_secs(5);
/// Receives after which a token that no job waits for is nobody's.
const PATIENCE: u32 = 4;

/// Handles completions by going on with their job at ocr.
pub struct Completed {
    stack: Stack,
    stage: StageHandler<OcrStep>,
}

impl Completed {
    /// Over these ports, going on by `stage`.
    #[must_use]
    pub fn new(stack: Stack, stage: StageHandler<OcrStep>) -> Self {
        Self { stack, stage }
    }

    /// Whether the job waits for that token.
    fn waits(job: &Job, completion: &Completion) -> bool {
        job.ocr_pending.iter().any(|part| part.token == completion.token)
    }
}

#[async_trait]
impl Handler for Completed {
    fn queue(&self) -> Address {
        Address::live(QueueName::OcrCompleted)
    }

    async fn handle(&self, message: Message, cx: &Context) -> Settlement {
        let now = self.stack.clock.now();
        let completion = match message {
            Message::Completion(completion) => completion,
            Message::Nudge(_) | Message::Events(_) | Message::Digest(_) => {
                return Settlement::Malformed("this queue is for completions of OCR".into());
            }
        };
        let job = match self.stack.jobs.get(&completion.job).await {
            Ok(job) => job.filter(|job| job.stage() == Some(Stage::Ocr)),
            Err(error) => return Settlement::of_error(&error, now),
        };
        match job {
            Some(job) if Self::waits(&job, &completion) => {
                let nudge = Nudge::new(job.id.clone(), job.run, Stage::Ocr, job.trace.clone());
                self.stage.handle(Message::Nudge(nudge), cx).await
            }
            Some(_) if cx.receives < PATIENCE => Settlement::Release(EARLY),
            // Told twice, too late, or by somebody who may not: it changes nothing.
            _ => {
                telemetry::metrics::completion_ignored();
                tracing::info!(job.id = %completion.job, "completion that no job waits for");
                Settlement::Done
            }
        }
    }
}
