//! How many durable commits this machine makes a second: one writer, and many whose commits are combined.
//!
//! `cargo run --release -p precis-local --example commits [FOLDER]` (the folder decides which disk is measured).
//! The pipeline's throughput is compared with these figures.

use ports::{Address, Outgoing, QueueName};
use precis_local::{self as local, OpenOptions};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const TIME: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parent = match std::env::args().nth(1) {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let local = Arc::new(local::open(&parent.path().join("data"), OpenOptions::exclusive()).await?);
    println!("{:<58} {:>10.0}/s", "append 100 bytes to a file and fsync", fsyncs(parent.path())?);
    for writers in [1, 8, 32, 128] {
        let rate = measure(writers, |_| {
            let queue = local.stack.queue.clone();
            async move {
                let message = Outgoing::now("x".repeat(100));
                let _ = queue.send(Address::live(QueueName::Notify), vec![message]).await;
            }
        });
        println!("{:<58} {:>10.0}/s", format!("durable sends, {writers} at once"), rate.await);
    }
    for (size, place) in
        [(4, "in the database"), (32, "in the database"), (64, "in the database"), (65, "a file each")]
    {
        let round = format!("{size}");
        let rate = measure(32, |number| {
            let (objects, key) = (local.stack.objects.clone(), format!("bench/{round}/{number}"));
            async move {
                let _ = objects.write_once(&key, vec![7; size * 1024]).await;
            }
        });
        println!("{:<58} {:>10.0}/s", format!("artifacts of {size} KiB ({place}), 32 at once"), rate.await);
    }
    Ok(())
}

fn fsyncs(folder: &Path) -> std::io::Result<f64> {
    let mut file = File::create(folder.join("fsyncs"))?;
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < TIME {
        file.write_all(&[7; 100])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

/// Calls again and again from `writers` tasks; calls a second.
async fn measure<C, F>(writers: usize, call: C) -> f64
where
    C: Fn(u64) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let (start, count) = (Instant::now(), AtomicU64::new(0));
    let tasks = (0..writers).map(|_| async {
        while start.elapsed() < TIME {
            let number = count.fetch_add(1, Ordering::Relaxed);
            call(number).await;
        }
    });
    futures::future::join_all(tasks).await;
    f64::from(u32::try_from(count.into_inner()).unwrap_or(u32::MAX)) / start.elapsed().as_secs_f64()
}
