//! Lost events: a bucket is listed now and then, and a document that should have a job by now and has none is announced
//! once more.
//!
//! Only documents of the last days are looked at. What lay in a bucket before anybody wanted summaries of it is no lost
//! event, and summarizing it costs: that is `precis backfill`'s, and an operator's to wish for.
//!
//! A listing costs a request for each thousand versions in the bucket, whatever it finds, so of all copies of a service one
//! lists in each interval: a claim in the store of content claims is who, and until when nobody else need. An announcement
//! is an event like S3's, in the queue and the place of its tenant; a document whose own event comes after all makes the
//! same job. While the queue is deep, events are late rather than lost, and nothing is listed.

use crate::config::random;
use crate::flow;
use crate::shutdown::Shutdown;
use domain::event::{ObjectEvent, encode_created};
use domain::{Document, JobId};
use jiff::Timestamp;
use ports::{Address, ContentClaim, Outgoing, QueueName, Stack};
use std::time::Duration;

/// Messages that wait at ingest from which on events are late.
const DEEP: u64 = 1000;
/// Documents that are announced by one look; the next look goes on.
const MOST: usize = 1000;
/// How long a look's claim lasts unless it turns a page.
const LEASE: Duration = Duration::from_secs(600);

/// When to look, and at what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// How often.
    pub every: Duration,
    /// A document is given so long for its event to come and make a job.
    pub after: Duration,
    /// Older documents are not looked at.
    pub within: Duration,
}

impl Default for Watch {
    /// Every six hours, twenty minutes, a week.
    fn default() -> Self {
        Self {
            every: Duration::from_secs(6 * 3600),
            after: Duration::from_secs(20 * 60),
            within: Duration::from_secs(7 * 86_400),
        }
    }
}

/// What one look saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Listed {
    /// Pages of the listing: requests, of a thousand versions each.
    pub pages: u64,
    /// Documents of the last days.
    pub looked_at: u64,
    /// Documents that had no job, and were announced.
    pub announced: u64,
}

/// Looks for documents whose event was lost.
pub struct Listing {
    stack: Stack,
    bucket: String,
    watch: Watch,
}

impl Listing {
    /// A listing of this bucket.
    #[must_use]
    pub fn new(stack: Stack, bucket: String, watch: Watch) -> Self {
        Self { stack, bucket, watch }
    }

    /// Works until the shutdown.
    pub async fn run(self, shutdown: impl Into<Shutdown>) {
        let shutdown = shutdown.into();
        loop {
            match self.look(self.stack.clock.now()).await {
                Ok(None) => {}
                Ok(Some(listed)) => tracing::info!(
                    pages = listed.pages,
                    documents = listed.looked_at,
                    announced = listed.announced,
                    "bucket listed for lost events"
                ),
                Err(error) => tracing::warn!(error = %error, "bucket not listed for lost events"),
            }
            tokio::select! {
                () = shutdown.draining() => return,
                () = tokio::time::sleep(self.watch.every) => {}
            }
        }
    }

    /// Looks once. `None`: another copy has looked in this interval, or events are late.
    ///
    /// # Errors
    /// If a port fails; the next look makes up for it.
    pub async fn look(&self, now: Timestamp) -> ports::Result<Option<Listed>> {
        let depth = self.stack.queue_admin.depth(QueueName::Ingest).await?;
        let is_late = depth.oldest.is_some_and(|age| age >= self.watch.after);
        if depth.waiting > DEEP || is_late {
            tracing::info!(waiting = depth.waiting, "events are late, the bucket is not listed");
            return Ok(None);
        }
        // A name of its own, so that two lookers never both hold the claim.
        let looker = JobId::of("listing", &random().to_string(), &random().to_string());
        let (name, jobs) = (format!("listing {}", self.bucket), &self.stack.jobs);
        let ContentClaim::Won = jobs.claim_content(&name, &looker, 1, LEASE).await? else { return Ok(None) };
        let (mut listed, mut after) = (Listed::default(), String::new());
        loop {
            let page = self.stack.objects.listing(&self.bucket, "", &after).await?;
            listed.pages += 1;
            self.announce_missing(page.documents, now, &mut listed).await?;
            match page.next {
                Some(next) if listed.announced < MOST as u64 => after = next,
                _ => break,
            }
            jobs.claim_content(&name, &looker, 1, LEASE).await?;
        }
        // The claim outlasts the look: nobody else looks in this interval.
        jobs.claim_content(&name, &looker, 1, self.watch.every.mul_f64(0.9)).await?;
        Ok(Some(listed))
    }

    async fn announce_missing(
        &self,
        mut documents: Vec<Document>,
        now: Timestamp,
        listed: &mut Listed,
    ) -> ports::Result<()> {
        documents.retain(|document| self.is_due(document, now));
        let ids: Vec<JobId> = documents.iter().map(ObjectEvent::job_id).collect();
        listed.looked_at += ids.len() as u64;
        let known = self.stack.jobs.known(&ids).await?;
        for (document, id) in documents.iter().zip(&ids).filter(|(_, id)| !known.contains(id)) {
            let event = Outgoing::now(encode_created(document)).of(document.tenant().to_string());
            flow::send(&*self.stack.queue, Address::live(QueueName::Ingest), event).await?;
            tracing::warn!(job.id = %id, "a document had no job: its event was lost");
            telemetry::metrics::event_repaired();
            listed.announced += 1;
        }
        Ok(())
    }

    /// Whether a document should have a job by now, and is not older than what is looked at. What consoles draw as a
    /// folder is none.
    fn is_due(&self, document: &Document, now: Timestamp) -> bool {
        let age = Duration::try_from(now.duration_since(document.uploaded_at)).unwrap_or_default();
        let is_folder = document.key.ends_with('/') && document.size == 0;
        (self.watch.after..=self.watch.within).contains(&age) && !is_folder
    }
}
