//! Erasing a document: what is left of its job says only that there was one.
//!
//! A tombstone must stay: messages about the job may be on their way for days, and a worker may be at it this very
//! moment. It is made in two writes, so that an erasure which breaks off can be gone on with. The first says that the
//! document *is being* erased; whoever is at work loses his claim by it, and whoever comes finds nothing owed. The key
//! still stands there, since without it nobody would find what else is to be deleted. The second, when all of that is
//! gone, takes the key and the version away too.
//!
//! The same document may come again later (somebody uploads it once more): that is a new run, numbered on, because
//! what was published under the old number must not be taken for the new.

use crate::ids::Document;
use crate::job::{Job, State};
use jiff::Timestamp;

impl Job {
    /// Whether its document was erased, or is being erased.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.erased.is_some()
    }

    /// Whether nothing of its document is left in it.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        self.is_erased() && self.document.key.is_empty() && self.document.version.is_empty()
    }

    /// Nothing is owed any more and nothing that the document brought is kept, but for its key and version. When it
    /// was erased first stays.
    #[must_use]
    pub fn erase(&self, now: Timestamp) -> Self {
        let bare = Self::new(self.document.clone(), self.created_at);
        Self {
            schema: self.schema,
            id: self.id.clone(),
            run: self.run,
            revision: self.revision + 1,
            state: State::Ended,
            erased: self.erased.or(Some(now)),
            // What was spent says nothing of the document.
            cost: self.total_cost(),
            updated_at: now,
            ..bare
        }
    }

    /// The same without key and version: the tombstone. The bucket stays.
    #[must_use]
    pub fn forget(&self, now: Timestamp) -> Self {
        let mut job = self.erase(now);
        let bucket = job.document.bucket;
        job.document = Document {
            bucket,
            key: String::new(),
            version: String::new(),
            size: 0,
            sequencer: None,
            uploaded_at: job.created_at,
        };
        job
    }

    /// The document came once more after it was erased: a new run of it. `None` if it was not erased, or what came
    /// was uploaded before.
    #[must_use]
    pub fn revive(&self, document: Document, now: Timestamp) -> Option<Self> {
        let erased = self.erased?;
        (document.uploaded_at > erased).then(|| Self {
            schema: self.schema,
            id: self.id.clone(),
            run: self.run + 1,
            revision: self.revision + 1,
            ..Self::new(document, now)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Stage};
    use std::time::Duration;

    fn at(second: i64) -> Timestamp {
        Timestamp::new(1_800_000_000 + second, 0).unwrap()
    }

    fn document(uploaded: i64) -> Document {
        Document {
            bucket: "uploads".into(),
            key: "private/ann.pdf".into(),
            version: "secret-version".into(),
            size: 7,
            sequencer: Some("0A".into()),
            uploaded_at: at(uploaded),
        }
    }

    #[test]
    fn a_tombstone_says_nothing_of_its_document() {
        let mut job = Job::new(document(0), at(0));
        job.last_failure = Some("private cause".into());
        job.asked.focus = Some("private question".into());
        job.reuse = Some("private name".into());
        let job = job.decide(None, Outcome::summarized(), at(1), Duration::ZERO).unwrap();
        let tombstone = job.erase(at(2)).forget(at(3));
        let text = serde_json::to_string(&tombstone).unwrap();
        assert!(!text.contains("private") && !text.contains("secret"), "{text}");
        assert!(tombstone.is_forgotten() && tombstone.id == job.id);
        assert_eq!((tombstone.revision, tombstone.erased), (job.revision + 2, Some(at(2))));
    }

    #[test]
    fn what_is_being_erased_is_owed_nothing_and_can_be_found_again() {
        let job = Job::new(document(0), at(0)).erase(at(2));
        assert!(job.is_erased() && !job.is_forgotten());
        assert_eq!((job.stage(), job.document.key.as_str()), (None, "private/ann.pdf"));
        assert!(job.restart(Default::default(), false, at(3)).is_err());
        assert!(job.claim(Stage::Ingest, 1, "x", at(3), Duration::from_secs(1), 5).is_err());
    }

    #[test]
    fn the_same_document_uploaded_later_is_a_new_run_and_an_old_event_is_none() {
        let tombstone = Job::new(document(0), at(0)).erase(at(2)).forget(at(2));
        assert_eq!(tombstone.revive(document(1), at(3)), None);
        let again = tombstone.revive(document(5), at(6)).unwrap();
        assert_eq!((again.run, again.revision, again.is_erased()), (2, 3, false));
        assert_eq!((again.stage(), &again.document), (Some(Stage::Ingest), &document(5)));
        assert_eq!(Job::new(document(0), at(0)).revive(document(5), at(6)), None);
    }
}
