//! Taking over from a process that died.
//!
//! The folder's lock proves that nobody else works in it, so whatever a former process held, nobody holds now:
//! deliveries become visible, claims and leases end, half-written files go. Without this they would end by
//! themselves, after half a minute in which a restart does nothing.
//!
//! What the former process put off is looked at again as well. It may have waited for a claim that has just ended;
//! and waits grow with the count of receives, to which each death adds one, so that after some kills a single
//! hiccup would cost a document minutes. Whatever has a better reason to wait is put off again by whoever looks.
//!
//! A claim is given back with its attempt: the power cut, the out-of-memory killer and `kill -9` hit everything
//! that was at work, and one more of them must not fail a good document. What *makes* the process die is ended
//! all the same: its message keeps its count of receives, which ends it among the dead letters. So that the
//! innocent do not die of its company, what was at work in several deaths comes back one by one, the least
//! suspicious first (but never later than it was to come anyway, else a storm of restarts would keep it waiting);
//! and whatever was at work goes behind what was waiting, so that the others have their turn.

use crate::fault::{DbError, DbResult};
use crate::layout::Layout;
use crate::time;
use domain::Job;
use domain::job::JOB_SCHEMA;
use rusqlite::{Connection, TransactionBehavior, params};
use std::fs;
use std::time::Duration;

/// Receives that make a message suspicious: it was at work in so many deaths, or nearly.
const SUSPICIOUS: u32 = 3;
/// Time that a suspicious message has for itself: most documents need less.
const ALONE: Duration = Duration::from_secs(1);
/// Suspicious messages that are told apart; those after them come together, not minutes later.
const APART: u32 = 30;

/// What history says of an attempt that was cut off.
const WHY: &str = "the process that worked on it ended";

/// Gives back what a former process held. A failure is only logged: all of it ends by itself, later.
pub(crate) fn take_over(layout: &Layout, connection: &mut Connection) {
    clean(layout);
    match give_back(connection) {
        Ok((0, 0)) => {}
        Ok((deliveries, claims)) => {
            tracing::info!(deliveries, claims, "work of a process that ended is taken up again");
        }
        Err(error) => {
            let error = error.into_port("giving back what a former process held");
            tracing::warn!(error = %error, "work of a process that ended waits until it expires");
        }
    }
}

fn give_back(connection: &mut Connection) -> DbResult<(usize, usize)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let now = time::now();
    let suspicious = transaction.execute(
        "WITH suspects AS (
             SELECT id, min(row_number() OVER (ORDER BY receives, id), ?2) AS place
             FROM messages WHERE visible_at > ?1 AND receives >= ?3 AND (receipt IS NOT NULL OR NOT dead)
         )
         UPDATE messages SET visible_at = min(visible_at, ?1 + place * ?4), receipt = NULL
         FROM suspects WHERE messages.id = suspects.id",
        params![now, APART, SUSPICIOUS, time::span(ALONE)],
    )?;
    let others = transaction.execute(
        "UPDATE messages SET visible_at = ?1, receipt = NULL
         WHERE visible_at > ?1 AND receives < ?2 AND (receipt IS NOT NULL OR NOT dead)",
        params![now, SUSPICIOUS],
    )?;
    let claims = end_claims(&transaction)?;
    transaction.execute("DELETE FROM leases", [])?;
    transaction.commit()?;
    Ok((suspicious + others, claims))
}

fn end_claims(db: &Connection) -> DbResult<usize> {
    let mut statement = db.prepare(
        "SELECT body FROM jobs WHERE state <> 'ended' AND schema <= ?1
         AND json_extract(body, '$.claim') IS NOT NULL",
    )?;
    let bodies = statement.query_map([JOB_SCHEMA], |row| row.get::<_, String>(0))?;
    let now = time::timestamp(time::now());
    let mut ended = 0;
    for body in bodies.collect::<rusqlite::Result<Vec<_>>>()? {
        let job: Job = serde_json::from_str(&body)?;
        let Some(claim) = &job.claim else { continue };
        let Ok(released) = job.release(&claim.holder, now, WHY) else { continue };
        let body = serde_json::to_string(&released).map_err(DbError::from)?;
        ended += db.execute(
            "UPDATE jobs SET revision = revision + 1, updated_at = ?2, body = ?3 WHERE id = ?1",
            params![released.id.as_str(), time::micros(released.updated_at), body],
        )?;
    }
    Ok(ended)
}

/// Removes the working folders of steps. Files that a command beside us may be writing stay.
fn clean(layout: &Layout) {
    let Ok(entries) = fs::read_dir(layout.scratch()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // What cannot be removed is only in the way.
        if name.starts_with("ingest-") {
            let _ = fs::remove_dir_all(entry.path());
        } else if name.starts_with("ocr-") {
            let _ = fs::remove_file(entry.path());
        }
    }
}
