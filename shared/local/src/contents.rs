//! Claims on content as rows: who is at it or has finished it, and until when.

use crate::db::refuse;
use crate::fault::DbResult;
use crate::time;
use domain::JobId;
use ports::{ContentClaim, Fault};
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

/// A row.
struct Content {
    job: JobId,
    run: u32,
    until: i64,
    finished: bool,
}

fn find(db: &Connection, name: &str) -> DbResult<Option<Content>> {
    let found = db
        .prepare_cached("SELECT job, run, until, finished FROM contents WHERE name = ?1")?
        .query_row([name], |row| {
            Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get::<_, bool>(3)?))
        })
        .optional()?;
    let Some((job, run, until, finished)) = found else { return Ok(None) };
    let job = job.parse().or_else(|error: domain::ids::BadJobId| {
        refuse(Fault::Permanent, format!("a stored claim on content cannot be read: {error}"))
    })?;
    Ok(Some(Content { job, run, until, finished }))
}

/// Claims a content for a run.
pub(crate) fn claim(
    db: &Connection,
    name: &str,
    job: &JobId,
    run: u32,
    lease: Duration,
) -> DbResult<ContentClaim> {
    let now = time::now();
    if let Some(held) = find(db, name)? {
        if held.finished {
            return Ok(ContentClaim::Finished { job: held.job, run: held.run });
        }
        if held.until > now && (held.job != *job || held.run > run) {
            return Ok(ContentClaim::Held { by: held.job, until: time::timestamp(held.until) });
        }
    }
    db.prepare_cached(
        "INSERT INTO contents (name, job, run, until, finished) VALUES (?1, ?2, ?3, ?4, 0)
         ON CONFLICT (name) DO UPDATE SET job = ?2, run = ?3, until = ?4",
    )?
    .execute(params![name, job.as_str(), run, now + time::span(lease)])?;
    Ok(ContentClaim::Won)
}

/// The job and run that have a content.
pub(crate) fn holder(db: &Connection, name: &str) -> DbResult<Option<(JobId, u32)>> {
    let now = time::now();
    let live = find(db, name)?.filter(|content| content.finished || content.until > now);
    Ok(live.map(|content| (content.job, content.run)))
}

/// Keeps a content for the run that holds it, for good.
pub(crate) fn finish(db: &Connection, name: &str, job: &JobId, run: u32) -> DbResult<()> {
    db.prepare_cached("UPDATE contents SET finished = 1 WHERE name = ?1 AND job = ?2 AND run = ?3")?
        .execute(params![name, job.as_str(), run])?;
    Ok(())
}

/// Gives up the claim of a run.
pub(crate) fn release(db: &Connection, name: &str, job: &JobId, run: u32) -> DbResult<()> {
    db.prepare_cached("DELETE FROM contents WHERE name = ?1 AND job = ?2 AND run = ?3 AND finished = 0")?
        .execute(params![name, job.as_str(), run])?;
    Ok(())
}
