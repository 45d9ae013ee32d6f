//! A document whose event was lost is found by a listing of its bucket, announced once, and cheaply.
#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use domain::event::ObjectEvent;
use domain::message::Message;
use domain::{Document, Job};
use ports::memory::{BUCKET, Memory};
use ports::{Address, Jobs, Outgoing, Queue, QueueAdmin, QueueName};
use precis_worker::{Listed, Listing, Watch};
use std::time::Duration;

const INGEST: Address = Address { queue: QueueName::Ingest, dead: false };

fn listing(memory: &Memory) -> Listing {
    Listing::new(memory.stack(), BUCKET.into(), Watch::default())
}

async fn hours(hours: u64) {
    tokio::time::advance(Duration::from_secs(hours * 3600)).await;
}

/// Uploads a document whose event never comes.
async fn unheard(memory: &Memory, key: &str) -> Document {
    let document = memory.put(key, key);
    memory.purge(INGEST).await.unwrap();
    document
}

fn announced(memory: &Memory) -> Vec<Document> {
    let bodies = memory.bodies(INGEST);
    let events = bodies.iter().flat_map(|body| match Message::decode(body) {
        Ok(Message::Events(events)) => events,
        other => panic!("{other:?}"),
    });
    let created = |event| match event {
        ObjectEvent::Created(document) => document,
        other => panic!("{other:?}"),
    };
    events.map(created).collect()
}

async fn look(memory: &Memory) -> Option<Listed> {
    listing(memory).look(memory.now()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn only_documents_of_the_last_days_without_a_job_are_announced_in_their_tenants_place() {
    let memory = Memory::new();
    unheard(&memory, "old/before.txt").await;
    hours(9 * 24).await;
    let mut lost = Vec::new();
    for number in 0..25 {
        lost.push(unheard(&memory, &format!("in/{number:02}.txt")).await);
    }
    let heard = unheard(&memory, "in/heard.txt").await;
    memory.create(&Job::new(heard, memory.now())).await.unwrap();
    memory.put("in/folder/", "");
    memory.purge(INGEST).await.unwrap();
    hours(1).await;
    unheard(&memory, "in/just-now.txt").await;
    let listed = look(&memory).await.unwrap();
    assert_eq!((listed.pages, listed.looked_at, listed.announced), (3, 26, 25));
    let told = announced(&memory);
    let ids = |documents: &[Document]| documents.iter().map(ObjectEvent::job_id).collect::<Vec<_>>();
    assert_eq!(ids(&told), ids(&lost), "each makes the job that its own event would have made");
    let got = memory.receive(INGEST, 1, Duration::from_secs(1), Duration::ZERO).await.unwrap();
    assert_eq!(got[0].group, format!("{BUCKET}/in"));
}

#[tokio::test(start_paused = true)]
async fn of_all_copies_one_looks_in_an_interval() {
    let memory = Memory::new();
    unheard(&memory, "a.txt").await;
    hours(1).await;
    let looks = futures::future::join_all((0..5).map(|_| look(&memory))).await;
    assert_eq!(looks.iter().flatten().count(), 1);
    hours(5).await;
    assert_eq!(look(&memory).await, None, "its interval is not over");
    // Somebody has taken what was announced: while it waits, nothing is listed.
    memory.purge(INGEST).await.unwrap();
    hours(1).await;
    assert!(look(&memory).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn while_events_are_late_nothing_is_listed() {
    let memory = Memory::new();
    unheard(&memory, "a.txt").await;
    hours(1).await;
    for _ in 0..101 {
        let late = (0..10).map(|_| Outgoing::now("{}".into())).collect();
        memory.send(INGEST, late).await.unwrap();
    }
    assert_eq!(look(&memory).await, None);
    memory.purge(INGEST).await.unwrap();
    assert_eq!(look(&memory).await.unwrap().announced, 1, "and it costs no interval");
}
