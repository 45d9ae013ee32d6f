//! Gates: leases that end, and closing for all.

use super::{Memory, lock};
use crate::error::Result;
use crate::gate::{Gate, GateName, Lease, Pass};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// Leases at once where the test says nothing.
const LEASES: usize = 4;
/// Who finds no lease free asks again after so long at the latest.
const SOON: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Gates {
    next: u64,
    limits: BTreeMap<GateName, usize>,
    leases: BTreeMap<GateName, BTreeMap<String, Timestamp>>,
    closed: BTreeMap<GateName, Timestamp>,
}

impl Gates {
    pub(super) fn limit(&mut self, gate: GateName, leases: usize) {
        self.limits.insert(gate, leases);
    }

    fn closed_until(&self, gate: GateName, now: Timestamp) -> Option<Timestamp> {
        self.closed.get(&gate).copied().filter(|until| *until > now)
    }
}

#[async_trait]
impl Gate for Memory {
    async fn take(&self, gate: GateName, ttl: Duration) -> Result<Pass> {
        let now = self.now();
        let mut gates = lock(&self.0.gates);
        if let Some(until) = gates.closed_until(gate, now) {
            return Ok(Pass::Closed(until));
        }
        gates.next += 1;
        let id = gates.next.to_string();
        let limit = gates.limits.get(&gate).copied().unwrap_or(LEASES);
        let leases = gates.leases.entry(gate).or_default();
        leases.retain(|_, until| *until > now);
        if leases.len() >= limit {
            let first = leases.values().min().copied();
            return Ok(Pass::Closed(first.map_or(now + SOON, |first| first.min(now + SOON))));
        }
        leases.insert(id.clone(), now + ttl);
        Ok(Pass::Open(Lease { gate, id }))
    }

    async fn give_back(&self, lease: Lease) -> Result<()> {
        if let Some(leases) = lock(&self.0.gates).leases.get_mut(&lease.gate) {
            leases.remove(&lease.id);
        }
        Ok(())
    }

    async fn close(&self, gate: GateName, until: Timestamp) -> Result<()> {
        let mut gates = lock(&self.0.gates);
        let closed = gates.closed.entry(gate).or_insert(until);
        *closed = until.max(*closed);
        Ok(())
    }

    async fn closed_until(&self, gate: GateName) -> Result<Option<Timestamp>> {
        let now = self.now();
        Ok(lock(&self.0.gates).closed_until(gate, now))
    }
}
