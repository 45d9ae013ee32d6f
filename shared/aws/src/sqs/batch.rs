//! Calls that come together travel together.

use async_trait::async_trait;
use ports::queue::MAX_BATCH;
use ports::{Fault, PortError, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long the first of a batch waits for others: what it adds to a call that takes several times as long.
const LINGER: Duration = Duration::from_millis(5);

/// A call that takes up to ten items.
#[async_trait]
pub(super) trait Call: Send + Sync + 'static {
    /// What it takes.
    type Item: Send + 'static;
    /// The most bytes that all items of one call may have together.
    const MAX_BYTES: usize;

    /// The bytes of an item.
    fn bytes(item: &Self::Item) -> usize;

    /// Makes the call; one result for each item, or one failure for all.
    async fn call(&self, items: Vec<Self::Item>) -> Result<Vec<Result<()>>>;
}

struct Waiting<T> {
    item: T,
    answer: oneshot::Sender<Result<()>>,
}

/// Gathers single items into calls. The calls run in tasks of their own, so that nobody who breaks off takes the
/// others' answers with him.
pub(super) struct Batcher<C: Call> {
    call: Arc<C>,
    waiting: Arc<Mutex<Vec<Waiting<C::Item>>>>,
}

impl<C: Call> Batcher<C> {
    pub(super) fn new(call: C) -> Self {
        Self { call: Arc::new(call), waiting: Arc::default() }
    }

    /// Makes the call for this item, with those that come at the same time.
    pub(super) async fn call(&self, item: C::Item) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        let count = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push(Waiting { item, answer });
            waiting.len()
        };
        if count == 1 || count % MAX_BATCH == 0 {
            let (call, waiting) = (Arc::clone(&self.call), Arc::clone(&self.waiting));
            let linger = if count == 1 { LINGER } else { Duration::ZERO };
            tokio::spawn(async move {
                tokio::time::sleep(linger).await;
                flush(&*call, &waiting).await;
            });
        }
        let lost = || PortError::new(Fault::Transient, "a batch of messages was broken off");
        answered.await.unwrap_or_else(|_| Err(lost()))
    }
}

/// Sends everything that waits, in as many calls as it takes.
async fn flush<C: Call>(call: &C, waiting: &Mutex<Vec<Waiting<C::Item>>>) {
    let mut all = std::mem::take(&mut *waiting.lock().unwrap_or_else(PoisonError::into_inner));
    while !all.is_empty() {
        let rest = all.split_off(fitting::<C>(&all));
        let (items, answers): (Vec<_>, Vec<_>) = all.into_iter().map(|w| (w.item, w.answer)).unzip();
        let count = items.len();
        let results = call.call(items).await.unwrap_or_else(|error| vec![Err(error); count]);
        for (answer, result) in answers.into_iter().zip(results) {
            // Who broke off does not want to know.
            let _ = answer.send(result);
        }
        all = rest;
    }
}

/// How many of the first fit into one call; at least one.
fn fitting<C: Call>(waiting: &[Waiting<C::Item>]) -> usize {
    let mut bytes = 0_usize;
    let fits = waiting.iter().take(MAX_BATCH).take_while(|waiting| {
        bytes = bytes.saturating_add(C::bytes(&waiting.item));
        bytes <= C::MAX_BYTES
    });
    fits.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes the size of each call; the item 13 fails alone, 99 fails its whole call.
    struct Noted(Mutex<Vec<usize>>);

    #[async_trait]
    impl Call for Noted {
        type Item = usize;
        const MAX_BYTES: usize = 100;

        fn bytes(item: &usize) -> usize {
            *item
        }

        async fn call(&self, items: Vec<usize>) -> Result<Vec<Result<()>>> {
            self.0.lock().unwrap().push(items.len());
            let failed = || PortError::new(Fault::Transient, "failed");
            if items.contains(&99) {
                return Err(failed());
            }
            Ok(items.into_iter().map(|item| if item == 13 { Err(failed()) } else { Ok(()) }).collect())
        }
    }

    async fn run(items: Vec<usize>) -> (Vec<Result<()>>, Vec<usize>) {
        let batcher = Batcher::new(Noted(Mutex::default()));
        let results = futures::future::join_all(items.into_iter().map(|item| batcher.call(item))).await;
        let sizes = batcher.call.0.lock().unwrap().clone();
        (results, sizes)
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_together_travels_together_ten_at_a_time() {
        let (results, sizes) = run(vec![1; 25]).await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(sizes.iter().sum::<usize>(), 25);
        assert!(sizes.len() == 3 && sizes.iter().all(|size| *size <= 10), "{sizes:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_keeps_its_bound_of_bytes() {
        let (results, sizes) = run(vec![60, 60, 30]).await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(sizes, [1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_fails_alone_fails_alone_and_a_failed_call_fails_for_all_of_it() {
        let (results, _) = run(vec![1, 13, 2]).await;
        assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        let (results, _) = run(vec![1, 99]).await;
        assert!(results.iter().all(Result::is_err));
    }
}
