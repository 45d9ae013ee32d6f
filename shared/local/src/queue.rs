//! Queues as rows: a message is a row, and a delivery is the name that its row has for a while.
//!
//! Receivers of this process are woken when a message is sent here. What another process sends, and what becomes
//! visible by the passing of time, is found by looking: at the next time that is due, and every now and then.

use crate::db::{Db, refuse};
use crate::fault::DbResult;
use crate::time;
use async_trait::async_trait;
use ports::Result;
use ports::queue::{MAX_BATCH, MAX_DELAY, MAX_RECEIVES};
use ports::{
    Address, Delivery, Depth, Disposition, Fault, Outgoing, PortError, Queue, QueueAdmin, QueueName, Receipt,
};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The largest body, in bytes, as SQS has it.
const MAX_BODY: usize = 256 * 1024;
/// How long a message of another process may stay unseen.
const LOOK: Duration = Duration::from_millis(500);

/// Wakes receivers, lane by lane.
#[derive(Clone, Default)]
pub(crate) struct Bells {
    lanes: Arc<[Notify; 10]>,
}

impl Bells {
    fn of(&self, address: Address) -> &Notify {
        &self.lanes[address.queue as usize * 2 + usize::from(address.dead)]
    }

    /// Says that there may be something to receive.
    pub(crate) fn ring(&self, address: Address) {
        self.of(address).notify_waiters();
    }
}

/// All queues of a data folder.
pub(crate) struct Queues {
    pub(crate) db: Db,
    pub(crate) bells: Bells,
}

/// Puts one message into a queue, within a transaction.
pub(crate) fn insert(connection: &Connection, to: Address, message: &Outgoing, now: i64) -> DbResult<()> {
    let visible_at = now + time::span(message.delay.min(MAX_DELAY));
    connection
        .prepare_cached(
            "INSERT INTO messages (queue, dead, visible_at, sent_at, body, whose)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![to.queue.as_str(), to.dead, visible_at, now, message.body, message.group])?;
    Ok(())
}

#[async_trait]
impl Queue for Queues {
    async fn send(&self, to: Address, messages: Vec<Outgoing>) -> Result<Vec<Result<()>>> {
        if messages.len() > MAX_BATCH {
            let what = format!("sending {} messages at once: at most {MAX_BATCH}", messages.len());
            return Err(PortError::new(Fault::Permanent, what));
        }
        let results = self.db.write("sending messages", move |db| {
            let now = time::now();
            messages.iter().map(|message| send_one(db, to, message, now)).collect::<DbResult<Vec<_>>>()
        });
        let results = results.await?;
        self.bells.ring(to);
        Ok(results)
    }

    async fn receive(
        &self,
        from: Address,
        max: usize,
        visibility: Duration,
        wait: Duration,
    ) -> Result<Vec<Delivery>> {
        let max = max.clamp(1, MAX_BATCH);
        let until = Instant::now() + wait;
        loop {
            // Listening begins before looking, so that nothing can be sent unheard in between.
            let rung = self.bells.of(from).notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            let taken =
                self.db.write("receiving messages", move |db| take(db, from, max, visibility)).await?;
            let left = until.saturating_duration_since(Instant::now());
            if !taken.deliveries.is_empty() || left.is_zero() {
                return Ok(taken.deliveries);
            }
            let pause = left.min(LOOK).min(taken.next_in.unwrap_or(LOOK)).max(Duration::from_millis(1));
            // Either way there may be something now.
            let _ = tokio::time::timeout(pause, rung).await;
        }
    }

    async fn extend(&self, of: Address, receipt: &Receipt, visibility: Duration) -> Result<()> {
        let (id, receipt) = parse(receipt)?;
        let extended = self.db.write("extending a delivery", move |db| {
            Ok(db
                .prepare_cached(
                    "UPDATE messages SET visible_at = ?1
                     WHERE id = ?2 AND receipt = ?3 AND queue = ?4 AND dead = ?5",
                )?
                .execute(params![
                    time::now() + time::span(visibility),
                    id,
                    receipt,
                    of.queue.as_str(),
                    of.dead
                ])?)
        });
        match extended.await? {
            0 => Err(PortError::new(Fault::NotFound, "extending a delivery: it is not (or no longer) held")),
            _ => Ok(()),
        }
    }

    async fn settle(&self, of: Address, receipt: Receipt, disposition: Disposition) -> Result<()> {
        let (id, receipt) = parse(&receipt)?;
        self.db.write("settling a delivery", move |db| settle(db, of, id, &receipt, disposition)).await?;
        if matches!(disposition, Disposition::Release(_)) {
            self.bells.ring(of);
        }
        Ok(())
    }
}

fn send_one(db: &Connection, to: Address, message: &Outgoing, now: i64) -> DbResult<Result<()>> {
    let size = message.body.len();
    if size > MAX_BODY {
        let what = format!("sending a message of {size} bytes: at most {MAX_BODY}");
        return Ok(Err(PortError::new(Fault::TooLarge, what)));
    }
    insert(db, to, message, now)?;
    Ok(Ok(()))
}

struct Taken {
    deliveries: Vec<Delivery>,
    /// When the lane's next message becomes visible, if none is.
    next_in: Option<Duration>,
}

/// The next messages of a lane: of each group as many as may be wanted, those of the group with the least in hand
/// first. Groups are found by jumping from one to the next in the index, however many messages each has.
const NEXT: &str = "WITH RECURSIVE
    groups (name) AS (
        SELECT min(whose) FROM messages WHERE queue = ?1 AND dead = ?2
        UNION ALL
        SELECT (SELECT min(whose) FROM messages WHERE queue = ?1 AND dead = ?2 AND whose > name)
        FROM groups WHERE name IS NOT NULL),
    turns (id, visible_at, turn) AS (
        SELECT m.id, m.visible_at,
               row_number() OVER (PARTITION BY g.name ORDER BY m.visible_at, m.id)
               + (SELECT count(*) FROM messages h WHERE h.queue = ?1 AND h.dead = ?2 AND h.whose = g.name
                  AND h.visible_at > ?3 AND h.receipt IS NOT NULL)
        FROM groups g JOIN messages m ON m.id IN (
            SELECT id FROM messages WHERE queue = ?1 AND dead = ?2 AND whose = g.name AND visible_at <= ?3
            ORDER BY visible_at, id LIMIT ?4))
    SELECT id FROM turns ORDER BY turn, visible_at, id LIMIT ?4";

fn take(db: &Connection, from: Address, max: usize, visibility: Duration) -> DbResult<Taken> {
    let now = time::now();
    let (queue, dead) = (from.queue.as_str(), from.dead);
    if !dead {
        // What was received too often waits for an operator from now on.
        db.prepare_cached(
            "UPDATE messages SET dead = 1, receives = 0, receipt = NULL, visible_at = ?1
             WHERE queue = ?2 AND dead = 0 AND visible_at <= ?1 AND receives >= ?3",
        )?
        .execute(params![now, queue, MAX_RECEIVES])?;
    }
    let mut taking = db.prepare_cached(&format!(
        "UPDATE messages SET visible_at = ?5, receives = receives + 1, receipt = lower(hex(randomblob(8)))
         WHERE id IN ({NEXT}) RETURNING id, receipt, body, receives, sent_at, whose"
    ))?;
    let limit = i64::try_from(max).unwrap_or(i64::MAX);
    let rows = taking.query_map(params![queue, dead, now, limit, now + time::span(visibility)], |row| {
        let (id, receipt): (i64, String) = (row.get(0)?, row.get(1)?);
        let delivery = Delivery {
            receipt: Receipt(format!("{id}.{receipt}")),
            body: row.get(2)?,
            receives: row.get(3)?,
            sent_at: time::timestamp(row.get(4)?),
            group: row.get(5)?,
        };
        Ok((id, delivery))
    })?;
    let mut deliveries = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    deliveries.sort_by_key(|(id, _)| *id);
    let deliveries: Vec<_> = deliveries.into_iter().map(|(_, delivery)| delivery).collect();
    let next_in = if deliveries.is_empty() { next_in(db, from, now)? } else { None };
    Ok(Taken { deliveries, next_in })
}

fn next_in(db: &Connection, from: Address, now: i64) -> DbResult<Option<Duration>> {
    let next: Option<i64> = db
        .prepare_cached("SELECT min(visible_at) FROM messages WHERE queue = ?1 AND dead = ?2")?
        .query_row(params![from.queue.as_str(), from.dead], |row| row.get(0))?;
    Ok(next.map(|at| time::duration(at - now)))
}

fn settle(db: &Connection, of: Address, id: i64, receipt: &str, disposition: Disposition) -> DbResult<()> {
    let (queue, dead) = (of.queue.as_str(), of.dead);
    let changed = match disposition {
        Disposition::Delete => db
            .prepare_cached(
                "DELETE FROM messages WHERE id = ?1 AND receipt = ?2 AND queue = ?3 AND dead = ?4",
            )?
            .execute(params![id, receipt, queue, dead])?,
        Disposition::Release(delay) => db
            .prepare_cached(
                "UPDATE messages SET visible_at = ?5, receipt = NULL
                 WHERE id = ?1 AND receipt = ?2 AND queue = ?3 AND dead = ?4",
            )?
            .execute(params![id, receipt, queue, dead, time::now() + time::span(delay.min(MAX_DELAY))])?,
    };
    if changed == 0 {
        let there = db
            .prepare_cached("SELECT 1 FROM messages WHERE id = ?1")?
            .query_row([id], |_| Ok(()))
            .optional()?;
        if there.is_some() || disposition != Disposition::Delete {
            return refuse(Fault::NotFound, "settling a delivery: it is not (or no longer) held");
        }
    }
    Ok(())
}

fn parse(receipt: &Receipt) -> Result<(i64, String)> {
    let parts = receipt.0.split_once('.').and_then(|(id, name)| Some((id.parse().ok()?, name.to_owned())));
    parts.ok_or_else(|| PortError::new(Fault::NotFound, "no receipt of this queue"))
}

#[async_trait]
impl QueueAdmin for Queues {
    async fn depth(&self, queue: QueueName) -> Result<Depth> {
        self.db.read("looking at a queue", move |db| depth(db, queue)).await
    }

    async fn redrive(&self, queue: QueueName) -> Result<u64> {
        let moved = self.db.write("moving dead letters back", move |db| {
            Ok(db.execute(
                "UPDATE messages SET dead = 0, receives = 0, receipt = NULL, visible_at = ?1, sent_at = ?1
                 WHERE queue = ?2 AND dead = 1",
                params![time::now(), queue.as_str()],
            )?)
        });
        let moved = moved.await?;
        self.bells.ring(Address::live(queue));
        Ok(moved as u64)
    }

    async fn purge(&self, of: Address) -> Result<u64> {
        let purged = self.db.write("purging a queue", move |db| {
            let parameters = params![of.queue.as_str(), of.dead];
            Ok(db.execute("DELETE FROM messages WHERE queue = ?1 AND dead = ?2", parameters)?)
        });
        Ok(purged.await? as u64)
    }
}

fn depth(db: &Connection, queue: QueueName) -> DbResult<Depth> {
    let now = time::now();
    let mut statement = db.prepare_cached(
        "SELECT count(*) FILTER (WHERE dead = 0 AND visible_at <= ?1),
                count(*) FILTER (WHERE dead = 0 AND visible_at > ?1 AND receipt IS NOT NULL),
                count(*) FILTER (WHERE dead = 0 AND visible_at > ?1 AND receipt IS NULL),
                count(*) FILTER (WHERE dead = 1),
                min(sent_at) FILTER (WHERE dead = 0 AND visible_at <= ?1)
         FROM messages WHERE queue = ?2",
    )?;
    Ok(statement.query_row(params![now, queue.as_str()], |row| {
        let oldest: Option<i64> = row.get(4)?;
        Ok(Depth {
            waiting: row.get(0)?,
            in_flight: row.get(1)?,
            delayed: row.get(2)?,
            dead: row.get(3)?,
            oldest: oldest.map(|at| time::duration(now - at)),
        })
    })?)
}
