//! Promises of gates.

use super::{FAR, Fresh};
use crate::{GateName, Lease, Pass};

const OCR: GateName = GateName::Ocr;

async fn take(fresh: &Fresh, ttl: std::time::Duration) -> Option<Lease> {
    match fresh.stack.gate.take(OCR, ttl).await.expect("take works") {
        Pass::Open(lease) => Some(lease),
        Pass::Closed(_) => None,
    }
}

pub(super) async fn no_more_leases_live_than_the_limit(fresh: Fresh) {
    let takers: Vec<_> = (0..fresh.ocr_leases * 4)
        .map(|_| {
            let gate = fresh.stack.gate.clone();
            tokio::spawn(async move { gate.take(OCR, FAR).await })
        })
        .collect();
    let mut leases = Vec::new();
    for taker in takers {
        if let Pass::Open(lease) = taker.await.expect("a taker does not panic").expect("take works") {
            leases.push(lease);
        }
    }
    assert_eq!(leases.len(), fresh.ocr_leases, "as many leases live as the gate gives");
    let mut names: Vec<_> = leases.iter().map(|lease| lease.id.clone()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), leases.len(), "each has its own name");
    let Pass::Closed(until) = fresh.stack.gate.take(OCR, FAR).await.expect("take works") else {
        panic!("one lease too many")
    };
    assert!(
        until.duration_since(fresh.stack.clock.now()) <= jiff::SignedDuration::try_from(FAR).expect("short")
    );
    let given_back = leases.pop().expect("there are some");
    fresh.stack.gate.give_back(given_back).await.expect("give_back works");
    assert!(take(&fresh, FAR).await.is_some(), "what is given back is free");
    assert!(take(&fresh, FAR).await.is_none(), "once");
}

pub(super) async fn a_lease_that_ends_is_free_again(fresh: Fresh) {
    let mut lapsed = Vec::new();
    for _ in 0..fresh.ocr_leases {
        lapsed.push(take(&fresh, fresh.unit).await.expect("there is one left"));
    }
    tokio::time::sleep(fresh.unit * 2).await;
    let mut held = 0;
    while take(&fresh, FAR).await.is_some() {
        held += 1;
    }
    assert_eq!(held, fresh.ocr_leases, "whoever had them may be dead");
    for lease in lapsed {
        fresh.stack.gate.give_back(lease).await.expect("giving back what lapsed is no failure");
    }
    assert!(take(&fresh, FAR).await.is_none(), "and frees nobody else's");
}

pub(super) async fn a_closed_gate_is_closed_for_all(fresh: Fresh) {
    let gate = &fresh.stack.gate;
    assert_eq!(gate.closed_until(OCR).await.expect("closed_until works"), None);
    let until = fresh.stack.clock.now() + FAR;
    gate.close(OCR, until).await.expect("close works");
    let told = gate.closed_until(OCR).await.expect("closed_until works").expect("it is closed");
    assert!(told.duration_since(until).abs() < jiff::SignedDuration::from_secs(1), "{told} is not {until}");
    assert!(matches!(gate.take(OCR, FAR).await.expect("take works"), Pass::Closed(_)));
    gate.close(OCR, fresh.stack.clock.now()).await.expect("close works");
    assert!(take(&fresh, FAR).await.is_none(), "an earlier end opens nothing");
    let other = gate.take(GateName::Publish, FAR).await.expect("take works");
    assert!(matches!(other, Pass::Open(_)), "gates are apart");
    gate.close(GateName::Publish, fresh.stack.clock.now() + fresh.unit).await.expect("close works");
    tokio::time::sleep(fresh.unit * 3).await;
    assert_eq!(
        gate.closed_until(GateName::Publish).await.expect("closed_until works"),
        None,
        "it opens by itself"
    );
}
