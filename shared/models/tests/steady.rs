//! A service that runs for weeks: batches of every shape, one after the other, and no more memory at the end than near the
//! beginning.
//!
//! `PRECIS_BATCHES=200000` runs as many as a service does in a week, some minutes long; otherwise it is a few thousand.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

mod common;

use common::{WORDS, model};
use precis_models::{MiniLm, Options, Ran, Watch};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use summarizer::Backend;

/// What allocators keep for themselves, and caches that fill slowly.
const SLACK: u64 = 24 << 20;

/// Bytes of this process that are in memory, where the system tells.
fn resident() -> Option<u64> {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    /// No words, some, or more than the model reads.
    fn text(&mut self) -> String {
        let length = [0, 1, 5, 20, 60, 300][usize::try_from(self.below(6)).unwrap()];
        let words = (0..self.below(length + 1)).map(|_| WORDS[4 + usize::try_from(self.below(9)).unwrap()]);
        words.collect::<Vec<_>>().join(" ")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_of_batches_takes_no_more_memory_than_an_hour_of_them() {
    let wanted: u64 = std::env::var("PRECIS_BATCHES").map_or(3_000, |told| told.parse().unwrap());
    let (folder, _) = model();
    let batches = Arc::new(AtomicU64::new(0));
    let largest = Arc::new(AtomicU64::new(0));
    let watch = Watch::new({
        let (batches, largest) = (Arc::clone(&batches), Arc::clone(&largest));
        move |ran: &Ran| {
            batches.fetch_add(1, Ordering::Relaxed);
            largest.fetch_max(ran.bytes, Ordering::Relaxed);
        }
    });
    let model = MiniLm::load_as(folder.path(), &Options { watch, ..Options::default() }).unwrap();
    let mut random = Random(7);
    let (mut early, mut most, mut at) = (0, 0, 0);
    while batches.load(Ordering::Relaxed) < wanted {
        let asked: Vec<Vec<String>> =
            (0..=random.below(6)).map(|_| (0..=random.below(120)).map(|_| random.text()).collect()).collect();
        let calls = asked.into_iter().enumerate().map(|(tenant, texts)| {
            let (model, count, tenant) = (&model, texts.len(), tenant.to_string());
            async move { assert_eq!(model.embed(&tenant, texts).await.unwrap().len(), count) }
        });
        all_at_once(calls).await;
        let (ran, now) = (batches.load(Ordering::Relaxed), resident().unwrap_or_default());
        if ran < wanted / 10 {
            early = early.max(now);
        }
        most = most.max(now);
        if ran * 10 / wanted > at {
            at = ran * 10 / wanted;
            println!("{ran} batches: {} MiB", now >> 20);
        }
    }
    assert!(most <= early + SLACK, "{} MiB after a tenth, {} MiB at most", early >> 20, most >> 20);
    let largest = largest.load(Ordering::Relaxed);
    assert!(largest > 0 && largest < 64 << 20, "{largest} bytes were planned for one batch");
}

/// All of them at once.
async fn all_at_once(calls: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        calls.retain_mut(|call| call.as_mut().poll(context).is_pending());
        if calls.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}
