//! Requests by the work that they were sent for.
//!
//! What a client sends is counted where it is sent, far below whoever knows the document. So the counter travels with the
//! task: whoever works on a document does it within [`Counted::of`], and every request of that task lands there. What
//! other tasks send on its behalf (a batch of messages, a heartbeat) does not.

use domain::outcome::Calls;
use std::sync::{Arc, Mutex, PoisonError};

tokio::task_local! {
    static COUNTED: Counted;
}

/// A counter of requests; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Counted(Arc<Mutex<Calls>>);

impl Counted {
    /// Does this work, counting what it sends.
    pub async fn of<F: Future>(&self, work: F) -> F::Output {
        COUNTED.scope(self.clone(), work).await
    }

    /// What was sent so far.
    #[must_use]
    pub fn so_far(&self) -> Calls {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one request to a service, called as AWS calls it, for whoever works in this task.
pub(crate) fn count(service: &str) {
    // Outside of any work nobody counts.
    let _ =
        COUNTED.try_with(|counted| counted.0.lock().unwrap_or_else(PoisonError::into_inner).count(service));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_counts_for_the_work_around_it_and_no_other() {
        let (one, other) = (Counted::default(), Counted::default());
        count("S3");
        let work = |counted: &Counted, times: usize| {
            let counted = counted.clone();
            async move {
                for _ in 0..times {
                    counted.of(async { count("S3") }).await;
                    tokio::task::yield_now().await;
                }
                counted.of(async { count("STS") }).await;
            }
        };
        tokio::join!(work(&one, 2), work(&other, 3));
        assert_eq!((one.so_far().s3, other.so_far().s3), (2, 3));
        assert_eq!(one.so_far(), Calls { s3: 2, ..Calls::default() });
    }
}
