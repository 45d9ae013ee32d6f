//! Gates as rows: leases with an end, the next pass that the rate allows, and until when all must wait.

use crate::body::random_hex;
use crate::db::Db;
use crate::fault::DbResult;
use crate::settings::SettingsFile;
use crate::time::{self, micros};
use async_trait::async_trait;
use jiff::Timestamp;
use ports::{Gate, GateName, Lease, Pass, Result};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;
use std::time::Duration;

/// How soon to ask again at a gate whose leases are all out: one may be given back long before it lapses.
const AGAIN: Duration = Duration::from_millis(50);
/// Of a lease that needed no row.
const UNLIMITED: &str = "unlimited";

/// What a gate lets through.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limit {
    /// Leases at once.
    pub concurrent: Option<u32>,
    /// Leases a second; as many may come at once after a quiet second.
    pub per_second: Option<f64>,
}

/// The gates of a data folder.
pub(crate) struct Gates {
    pub(crate) db: Db,
    pub(crate) settings: Arc<SettingsFile>,
}

#[async_trait]
impl Gate for Gates {
    async fn take(&self, gate: GateName, ttl: Duration) -> Result<Pass> {
        let limit = self.settings.gate(gate)?;
        if limit == Limit::default() {
            return Ok(match self.closed_until(gate).await? {
                Some(until) => Pass::Closed(until),
                None => Pass::Open(Lease { gate, id: UNLIMITED.to_owned() }),
            });
        }
        self.db.write("asking a gate", move |db| take(db, gate, limit, ttl)).await
    }

    async fn give_back(&self, lease: Lease) -> Result<()> {
        if lease.id == UNLIMITED {
            return Ok(());
        }
        self.db
            .write("giving a lease back", move |db| {
                db.prepare_cached("DELETE FROM leases WHERE id = ?1")?.execute([lease.id])?;
                Ok(())
            })
            .await
    }

    async fn close(&self, gate: GateName, until: Timestamp) -> Result<()> {
        self.db
            .write("closing a gate", move |db| {
                db.prepare_cached(
                    "INSERT INTO gates (gate, closed_until) VALUES (?1, ?2)
                     ON CONFLICT (gate) DO UPDATE SET closed_until = max(closed_until, ?2)",
                )?
                .execute(params![gate.as_str(), micros(until)])?;
                Ok(())
            })
            .await
    }

    async fn closed_until(&self, gate: GateName) -> Result<Option<Timestamp>> {
        self.db.read("looking at a gate", move |db| Ok(state(db, gate)?.closed(time::now()))).await
    }
}

struct State {
    closed_until: i64,
    next_at: i64,
}

impl State {
    fn closed(&self, now: i64) -> Option<Timestamp> {
        (self.closed_until > now).then(|| time::timestamp(self.closed_until))
    }
}

fn state(db: &Connection, gate: GateName) -> DbResult<State> {
    let found = db
        .prepare_cached("SELECT closed_until, next_at FROM gates WHERE gate = ?1")?
        .query_row([gate.as_str()], |row| Ok(State { closed_until: row.get(0)?, next_at: row.get(1)? }))
        .optional()?;
    Ok(found.unwrap_or(State { closed_until: 0, next_at: 0 }))
}

fn take(db: &Connection, gate: GateName, limit: Limit, ttl: Duration) -> DbResult<Pass> {
    let now = time::now();
    let state = state(db, gate)?;
    if let Some(until) = state.closed(now) {
        return Ok(Pass::Closed(until));
    }
    if let Some(concurrent) = limit.concurrent {
        db.prepare_cached("DELETE FROM leases WHERE gate = ?1 AND until <= ?2")?
            .execute(params![gate.as_str(), now])?;
        let out: u32 = db
            .prepare_cached("SELECT count(*) FROM leases WHERE gate = ?1")?
            .query_row([gate.as_str()], |row| row.get(0))?;
        if out >= concurrent {
            return Ok(Pass::Closed(time::timestamp(now + time::span(AGAIN))));
        }
    }
    if let Some(rate) = limit.per_second {
        // Passes are due one interval apart; a quiet second saves up as many as a second has.
        let interval = time::span(Duration::from_secs_f64(1.0 / rate));
        let due = state.next_at.max(now - 1_000_000 + interval.min(1_000_000));
        if due > now {
            return Ok(Pass::Closed(time::timestamp(due)));
        }
        db.prepare_cached(
            "INSERT INTO gates (gate, next_at) VALUES (?1, ?2) ON CONFLICT (gate) DO UPDATE SET next_at = ?2",
        )?
        .execute(params![gate.as_str(), due + interval])?;
    }
    let id = random_hex();
    if limit.concurrent.is_none() {
        return Ok(Pass::Open(Lease { gate, id: UNLIMITED.to_owned() }));
    }
    db.prepare_cached("INSERT INTO leases (id, gate, until) VALUES (?1, ?2, ?3)")?.execute(params![
        id,
        gate.as_str(),
        now + time::span(ttl)
    ])?;
    Ok(Pass::Open(Lease { gate, id }))
}
