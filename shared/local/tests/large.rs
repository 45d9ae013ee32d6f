//! Alone in its process, because it measures the process.

use ports::contract::{self, Fresh};
use precis_local::{self as local, OpenOptions};
use std::time::Duration;

#[tokio::test]
async fn large_bodies_are_streamed() {
    let fresh = async || {
        let folder = tempfile::tempdir().unwrap();
        let local = local::open(folder.path(), OpenOptions::exclusive()).await.unwrap();
        Fresh { stack: local.stack, unit: Duration::from_millis(100), ocr_leases: 2, kept: Box::new(folder) }
    };
    match contract::large_objects(fresh).await {
        Some(risen) => println!("resident memory rose by {} KiB", risen / 1024),
        None => println!("skipped: this system does not tell how much memory was used"),
    }
}
