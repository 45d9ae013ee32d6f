//! The stack in memory, on which this crate's tests rest, keeps the contract that every adapter keeps.

use ports::GateName;
use ports::contract::{self, Fresh};
use ports::memory::Memory;
use std::time::Duration;

const LEASES: usize = 3;

async fn fresh() -> Fresh {
    let memory = Memory::new();
    memory.limit(GateName::Ocr, LEASES);
    Fresh {
        stack: memory.stack(),
        unit: Duration::from_millis(60),
        ocr_leases: LEASES,
        kept: Box::new(memory),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_keep_their_contract() {
    contract::queue(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_keep_their_contract() {
    contract::jobs(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_keep_their_contract() {
    contract::objects(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gates_keep_their_contract() {
    contract::gate(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_keep_their_contract() {
    contract::topic(fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_keep_their_contract() {
    contract::budget(fresh).await;
}
