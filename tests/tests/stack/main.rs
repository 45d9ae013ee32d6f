//! The four services on an emulator of AWS, end to end: S3 in, e-mails and JSON out.
//!
//! Run by `docker/host/emulators run …`; without emulators each test is skipped and says so. `make soak`
//! (`PRECIS_SOAK=1`) makes the storm and the burst of scans as large as a bad day: 1,000 documents, 200 scans.

mod between;
mod burst;
mod calls;
mod canaries;
mod cap;
mod documents;
mod faults;
mod outage;
mod restart;
mod rolling;
mod storm;
mod throttle;

use precis_tests::deployment::Deployment;
use serde_json::Value;
use std::collections::BTreeMap;

/// Whether the long forms are asked for.
fn soak() -> bool {
    std::env::var("PRECIS_SOAK").is_ok_and(|value| value == "1")
}

/// Each job was told to programs once, and gives its outcome by key.
fn told_once(outcomes: &[Value]) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    for outcome in outcomes {
        let field =
            |pointer: &str| outcome.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let before = told.insert(field("/document/key"), field("/outcome"));
        assert_eq!(before, None, "{} was told twice", field("/document/key"));
    }
    told
}

/// Nothing is left in any queue, and nothing became a dead letter. Waits for as long as they grow shorter.
async fn queues_are_empty(deployment: &Deployment) {
    let (mut least, mut patience) = (u64::MAX, 60);
    while patience > 0 {
        let (live, dead) = deployment.messages().await;
        if (live, dead) == (0, 0) {
            return;
        }
        patience = if live < least { 60 } else { patience - 1 };
        least = least.min(live);
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    panic!("messages and dead letters are left: {:?}", deployment.messages().await);
}
