//! Jobs as rows: the job itself as JSON, and beside it what is searched for.

use crate::contents;
use crate::db::{Db, refuse};
use crate::erase;
use crate::fault::DbResult;
use crate::time::micros;
use async_trait::async_trait;
use domain::{Job, JobId, Stage, State, event};
use ports::jobs::state_name;
use ports::{ContentClaim, Fault, Filter, Jobs, Result, Tally};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::Duration;

/// Jobs of one listing, unless fewer are asked for.
const PAGE: usize = 1000;
/// Keys that a tally names.
const EXAMPLES: usize = 3;

/// The jobs of a data folder.
pub(crate) struct JobStore {
    pub(crate) db: Db,
}

fn read(body: &str) -> DbResult<Job> {
    Ok(serde_json::from_str(body)?)
}

fn find(db: &Connection, id: &JobId) -> DbResult<Option<String>> {
    let mut statement = db.prepare_cached("SELECT body FROM jobs WHERE id = ?1")?;
    Ok(statement.query_row([id.as_str()], |row| row.get(0)).optional()?)
}

#[async_trait]
impl Jobs for JobStore {
    async fn create(&self, job: &Job) -> Result<Option<Job>> {
        let (job, body) = written(job)?;
        let found = self.db.write("storing a new job", move |db| {
            if let Some(found) = find(db, &job.id)? {
                return Ok(Some(found));
            }
            insert(db, &job, &body)?;
            Ok(None)
        });
        let found = found.await?;
        found.map(|body| read(&body).map_err(|error| error.into_port("reading a job"))).transpose()
    }

    async fn get(&self, id: &JobId) -> Result<Option<Job>> {
        let id = id.clone();
        self.db.read("reading a job", move |db| find(db, &id)?.as_deref().map(read).transpose()).await
    }

    async fn replace(&self, job: &Job) -> Result<()> {
        let (job, body) = written(job)?;
        self.db.write("writing a job", move |db| replace(db, &job, &body)).await
    }

    async fn replace_claiming(&self, job: &Job, name: &str, lease: Duration) -> Result<ContentClaim> {
        let ((job, body), name) = (written(job)?, name.to_owned());
        self.db
            .write("writing a job with its claim on content", move |db| {
                // What is refused below undoes the claim: each request has a savepoint of its own.
                let claim = contents::claim(db, &name, &job.id, job.run, lease)?;
                if claim == ContentClaim::Won {
                    replace(db, &job, &body)?;
                }
                Ok(claim)
            })
            .await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Job>> {
        let filter = filter.clone();
        self.db.read("listing jobs", move |db| list(db, &filter)).await
    }

    async fn counts(&self) -> Result<Vec<(State, u64)>> {
        self.db.read("counting jobs", counts).await
    }

    async fn newest_of_key(&self, bucket: &str, key: &str) -> Result<Option<Job>> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.db.read("looking for the newest job of a key", move |db| newest_of_key(db, &bucket, &key)).await
    }

    async fn of_key(&self, bucket: &str, key: &str) -> Result<Vec<Job>> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.db
            .read("listing the jobs of a key", move |db| {
                let mut statement =
                    db.prepare_cached("SELECT body FROM jobs WHERE bucket = ?1 AND key = ?2")?;
                let mut rows = statement.query([bucket, key])?;
                let mut jobs = Vec::new();
                while let Some(row) = rows.next()? {
                    jobs.push(read(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
                }
                Ok(jobs)
            })
            .await
    }

    async fn known(&self, ids: &[JobId]) -> Result<BTreeSet<JobId>> {
        let ids = ids.to_vec();
        self.db
            .read("looking which jobs there are", move |db| {
                let mut there = db.prepare_cached("SELECT 1 FROM jobs WHERE id = ?1")?;
                let mut known = BTreeSet::new();
                for id in ids {
                    if there.exists([id.as_str()])? {
                        known.insert(id);
                    }
                }
                Ok(known)
            })
            .await
    }

    async fn forget(&self, job: &Job) -> Result<()> {
        let id = job.id.clone();
        self.db.write("forgetting what hangs on a job", move |db| erase::hanging(db, &id)).await
    }

    async fn claim_content(
        &self,
        name: &str,
        job: &JobId,
        run: u32,
        lease: Duration,
    ) -> Result<ContentClaim> {
        let (name, job) = (name.to_owned(), job.clone());
        self.db.write("claiming content", move |db| contents::claim(db, &name, &job, run, lease)).await
    }

    async fn content(&self, name: &str) -> Result<Option<(JobId, u32)>> {
        let name = name.to_owned();
        self.db.read("looking who has a content", move |db| contents::holder(db, &name)).await
    }

    async fn finish_content(&self, name: &str, job: &JobId, run: u32) -> Result<()> {
        let (name, job) = (name.to_owned(), job.clone());
        self.db.write("finishing content", move |db| contents::finish(db, &name, &job, run)).await
    }

    async fn release_content(&self, name: &str, job: &JobId, run: u32) -> Result<()> {
        let (name, job) = (name.to_owned(), job.clone());
        self.db.write("releasing content", move |db| contents::release(db, &name, &job, run)).await
    }

    async fn tally(&self, cause: &str, window: i64, job: &JobId, run: u32, key: &str) -> Result<Tally> {
        let (cause, job, key) = (cause.to_owned(), job.clone(), key.to_owned());
        self.db
            .write("counting a cause", move |db| {
                db.prepare_cached(
                    "INSERT INTO tallies (cause, window, job, run, key, place)
                     SELECT ?1, ?2, ?3, ?4, ?5, count(*) + 1 FROM tallies WHERE cause = ?1 AND window = ?2
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![cause, window, job.as_str(), run, key])?;
                tallied(db, &cause, window, Some((&job, run)))
            })
            .await
    }

    async fn tallied(&self, cause: &str, window: i64) -> Result<Tally> {
        let cause = cause.to_owned();
        self.db.read("reading a tally", move |db| tallied(db, &cause, window, None)).await
    }
}

fn written(job: &Job) -> Result<(Job, String)> {
    let body = serde_json::to_string(job);
    let body =
        body.map_err(|error| ports::PortError::new(Fault::Permanent, format!("writing a job: {error}")))?;
    Ok((job.clone(), body))
}

fn insert(db: &Connection, job: &Job, body: &str) -> DbResult<()> {
    db.prepare_cached(
        "INSERT INTO jobs (id, bucket, key, schema, revision, state, reason, sequencer, uploaded_at, created_at,
                           updated_at, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        job.id.as_str(),
        job.document.bucket,
        job.document.key,
        job.schema,
        revision(job.revision),
        state_name(job.state),
        reason(job),
        job.document.sequencer,
        micros(job.document.uploaded_at),
        micros(job.created_at),
        micros(job.updated_at),
        body,
    ])?;
    Ok(())
}

fn revision(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

fn reason(job: &Job) -> Option<&'static str> {
    job.outcome.as_ref().and_then(|outcome| outcome.reason).map(domain::Reason::code)
}

fn replace(db: &Connection, job: &Job, body: &str) -> DbResult<()> {
    let changed = db
        .prepare_cached(
            "UPDATE jobs SET schema = ?2, revision = ?3, state = ?4, reason = ?5, sequencer = ?6, uploaded_at = ?7,
                             updated_at = ?8, body = ?9
             WHERE id = ?1 AND revision = ?3 - 1 AND schema <= ?2",
        )?
        .execute(params![
            job.id.as_str(),
            job.schema,
            revision(job.revision),
            state_name(job.state),
            reason(job),
            job.document.sequencer,
            micros(job.document.uploaded_at),
            micros(job.updated_at),
            body,
        ])?;
    if changed == 1 {
        return rename(db, job);
    }
    let stored = db
        .prepare_cached("SELECT revision, schema FROM jobs WHERE id = ?1")?
        .query_row([job.id.as_str()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?)))
        .optional()?;
    match stored {
        None => refuse(Fault::NotFound, format!("writing job {}: there is no such job", job.id)),
        Some((_, schema)) if schema > job.schema => refuse(
            Fault::Permanent,
            format!("writing job {}: a newer Precis wrote it (shape {schema})", job.id),
        ),
        Some((stored, _)) => refuse(
            Fault::Conflict,
            format!(
                "writing job {}: revision {stored} is stored, {} was read",
                job.id,
                job.revision.saturating_sub(1)
            ),
        ),
    }
}

/// A tombstone has no key, and whoever comes back from there has one again. Else it never changes.
fn rename(db: &Connection, job: &Job) -> DbResult<()> {
    let (id, document) = (job.id.as_str(), &job.document);
    let mut differs = db.prepare_cached("SELECT 1 FROM jobs WHERE id = ?1 AND key <> ?2")?;
    if differs.exists([id, &document.key])? {
        db.execute(
            "UPDATE jobs SET bucket = ?2, key = ?3 WHERE id = ?1",
            [id, &document.bucket, &document.key],
        )?;
    }
    Ok(())
}

fn list(db: &Connection, filter: &Filter) -> DbResult<Vec<Job>> {
    let mut sql = String::from("SELECT body FROM jobs WHERE 1");
    let mut values: Vec<Value> = Vec::new();
    let mut and = |condition: &str, given: Vec<Value>| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.extend(given);
    };
    if let Some(state) = filter.state {
        and("state = ?", vec![state_name(state).to_owned().into()]);
    }
    if filter.unfinished {
        and("state <> ?", vec![state_name(State::Ended).to_owned().into()]);
    }
    if let Some(reason) = filter.reason {
        and(
            "reason = ? AND state = ?",
            vec![reason.code().to_owned().into(), state_name(State::Ended).to_owned().into()],
        );
    }
    // No key holds the last character there is, so this is where the prefix's keys end.
    for (column, prefix) in [("key", &filter.key_prefix), ("id", &filter.id_prefix)] {
        if let Some(prefix) = prefix {
            let end = format!("{prefix}\u{10FFFF}");
            and(&format!("{column} >= ? AND {column} < ?"), vec![prefix.clone().into(), end.into()]);
        }
    }
    if let Some(since) = filter.still_since {
        and("updated_at <= ?", vec![micros(since).into()]);
    }
    if let Some(after) = &filter.after {
        let condition = "(created_at, id) < (SELECT created_at, id FROM jobs WHERE id = ?)";
        and(condition, vec![after.as_str().to_owned().into()]);
    }
    let limit = if filter.limit == 0 { PAGE } else { filter.limit.min(PAGE) };
    sql.push_str(" ORDER BY created_at DESC, id DESC LIMIT ?");
    values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(read(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(jobs)
}

fn counts(db: &Connection) -> DbResult<Vec<(State, u64)>> {
    let states = Stage::ALL.into_iter().map(State::At).chain([State::Ended]);
    let mut statement = db.prepare_cached("SELECT count(*) FROM jobs WHERE state = ?1")?;
    states.map(|state| Ok((state, statement.query_row([state_name(state)], |row| row.get(0))?))).collect()
}

pub(crate) fn newest_of_key(db: &Connection, bucket: &str, key: &str) -> DbResult<Option<Job>> {
    struct Place {
        id: String,
        sequencer: Option<String>,
        times: (i64, i64),
    }
    let mut statement = db.prepare_cached(
        "SELECT id, sequencer, uploaded_at, created_at FROM jobs WHERE bucket = ?1 AND key = ?2",
    )?;
    let places = statement.query_map([bucket, key], |row| {
        Ok(Place { id: row.get(0)?, sequencer: row.get(1)?, times: (row.get(2)?, row.get(3)?) })
    })?;
    let places = places.collect::<rusqlite::Result<Vec<_>>>()?;
    let newest = places.into_iter().max_by(|a, b| {
        let by_sequencer = match (&a.sequencer, &b.sequencer) {
            (Some(a), Some(b)) => event::compare_sequencers(a, b),
            _ => Ordering::Equal,
        };
        by_sequencer.then(a.times.cmp(&b.times))
    });
    let Some(newest) = newest else { return Ok(None) };
    let mut statement = db.prepare_cached("SELECT body FROM jobs WHERE id = ?1")?;
    let body: String = statement.query_row([newest.id], |row| row.get(0))?;
    read(&body).map(Some)
}

fn tallied(db: &Connection, cause: &str, window: i64, of: Option<(&JobId, u32)>) -> DbResult<Tally> {
    let count = db
        .prepare_cached("SELECT count(*) FROM tallies WHERE cause = ?1 AND window = ?2")?
        .query_row(params![cause, window], |row| row.get(0))?;
    let place = match of {
        None => 0,
        Some((job, run)) => db
            .prepare_cached(
                "SELECT place FROM tallies WHERE cause = ?1 AND window = ?2 AND job = ?3 AND run = ?4",
            )?
            .query_row(params![cause, window, job.as_str(), run], |row| row.get(0))?,
    };
    let mut statement = db.prepare_cached(
        "SELECT key FROM tallies WHERE cause = ?1 AND window = ?2 AND key <> '' ORDER BY place LIMIT ?3",
    )?;
    let limit = i64::try_from(EXAMPLES).unwrap_or(i64::MAX);
    let examples = statement.query_map(params![cause, window, limit], |row| row.get(0))?;
    Ok(Tally { count, place, examples: examples.collect::<rusqlite::Result<_>>()? })
}
