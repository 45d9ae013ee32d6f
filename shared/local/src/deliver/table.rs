//! The rows that wait to be delivered.

use super::{Address, DeliveryStatus, Due, Lane};
use crate::fault::DbResult;
use crate::time;
use ports::Result;
use rusqlite::{Connection, params};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn due(db: &Connection, lane: Lane) -> DbResult<Vec<Due>> {
    let [one, other] = lane.kinds();
    let mut statement = db.prepare_cached(
        "SELECT d.id, d.endpoint, d.attempts, d.created_at, n.published_at, n.body, n.seq
         FROM deliveries d JOIN notifications n ON n.seq = d.notification
         WHERE d.state = 'pending' AND d.kind IN (?1, ?2) AND d.due_at <= ?3 AND n.body IS NOT NULL
         ORDER BY d.due_at, d.id LIMIT ?4",
    )?;
    let limit = i64::try_from(lane.at_once()).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![one, other, time::now(), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        found.push(Due {
            id: row.get(0)?,
            seq: row.get(6)?,
            address: serde_json::from_str(text(1)?)?,
            attempts: row.get(2)?,
            created_at: row.get(3)?,
            published_at: time::timestamp(row.get(4)?),
            notification: Arc::new(serde_json::from_str(text(5)?)?),
        });
    }
    Ok(found)
}

pub(super) fn settle(db: &Connection, due: &Due, result: &Result<()>) -> DbResult<()> {
    let now = time::now();
    let Err(error) = result else {
        db.prepare_cached("UPDATE deliveries SET state = 'done', attempts = attempts + 1 WHERE id = ?1")?
            .execute([due.id])?;
        return drop_told(db, due.seq);
    };
    let hopeless = due.is_hopeless(error);
    let pause = pause_after(due.attempts + 1, matches!(due.address, Address::Results | Address::Outbox(_)));
    db.prepare_cached(
        "UPDATE deliveries SET state = ?2, attempts = attempts + 1, due_at = ?3, last_error = ?4 WHERE id = ?1",
    )?
    .execute(params![due.id, if hopeless { "dead" } else { "pending" }, now + time::span(pause), error.what])?;
    Ok(())
}

/// The row of a notification stays and remembers; its body goes when nobody waits for it any more.
pub(crate) fn drop_told(db: &Connection, seq: i64) -> DbResult<()> {
    db.prepare_cached(
        "UPDATE notifications SET body = NULL WHERE seq = ?1
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.notification = ?1 AND d.state <> 'done')",
    )?
    .execute([seq])?;
    Ok(())
}

/// 2 s, 4 s, 8 s … to an hour; files no longer than a minute.
fn pause_after(attempts: u32, is_file: bool) -> Duration {
    let longest = Duration::from_secs(if is_file { 60 } else { 60 * 60 });
    Duration::from_secs(1 << attempts.min(12)).min(longest)
}

pub(super) fn list(db: &Connection) -> DbResult<Vec<DeliveryStatus>> {
    let mut statement = db.prepare_cached(
        "SELECT d.id, d.endpoint, n.id, d.state, d.attempts, d.due_at, d.created_at, d.last_error
         FROM deliveries d JOIN notifications n ON n.seq = d.notification
         WHERE d.state IN ('pending', 'dead') ORDER BY d.id",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let address: Address =
            serde_json::from_str(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
        let state: String = row.get(3)?;
        found.push(DeliveryStatus {
            id: row.get(0)?,
            kind: address.kind().to_owned(),
            to: match address {
                Address::Results => "results".into(),
                Address::Outbox(people) => people.join(", "),
                Address::Email(to) | Address::Webhook(to) => to,
            },
            notification: row.get(2)?,
            dead: state == "dead",
            attempts: row.get(4)?,
            due_at: time::timestamp(row.get(5)?),
            created_at: time::timestamp(row.get(6)?),
            last_error: row.get(7)?,
        });
    }
    Ok(found)
}
