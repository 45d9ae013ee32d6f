//! Deleting for good: rows, and the files that no other row names.
//!
//! SQLite leaves what was deleted in pages that it does not use any more; [`crate::Local::compact`] takes those away.

use crate::body::Folder;
use crate::fault::DbResult;
use domain::{Document, JobId};
use rusqlite::{Connection, OptionalExtension, params};

/// Every version of a key, the newest first.
pub(crate) fn versions(db: &Connection, bucket: &str, key: &str) -> DbResult<Vec<Document>> {
    let mut statement = db.prepare_cached(
        "SELECT version, size, sequencer, uploaded_at FROM uploads WHERE bucket = ?1 AND key = ?2
         ORDER BY sequencer DESC",
    )?;
    let rows = statement.query_map([bucket, key], |row| {
        Ok(Document {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version: row.get(0)?,
            size: row.get(1)?,
            sequencer: row.get(2)?,
            uploaded_at: crate::time::timestamp(row.get(3)?),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Deletes one version. The file goes within the transaction: whoever uploads the same bytes under another key
/// waits for its end to name the file, and finds it missing then rather than later.
pub(crate) fn upload(db: &Connection, folder: &Folder, document: &Document) -> DbResult<bool> {
    let file: Option<Option<String>> = db
        .prepare_cached("DELETE FROM uploads WHERE bucket = ?1 AND key = ?2 AND version = ?3 RETURNING file")?
        .query_row([&document.bucket, &document.key, &document.version], |row| row.get(0))
        .optional()?;
    let Some(file) = file else { return Ok(false) };
    if let Some(name) = file {
        let mut others = db.prepare_cached("SELECT 1 FROM uploads WHERE file = ?1")?;
        if !others.exists([&name])? {
            folder.remove(&name)?;
        }
    }
    Ok(true)
}

/// Deletes the artifacts below a prefix. Gives their number.
pub(crate) fn artifacts(db: &Connection, folder: &Folder, prefix: &str) -> DbResult<u64> {
    let mut delete =
        db.prepare_cached("DELETE FROM artifacts WHERE key >= ?1 AND key < ?2 RETURNING file")?;
    let files = delete
        .query_map([prefix, &format!("{prefix}\u{10FFFF}")], |row| row.get::<_, Option<String>>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for name in files.iter().flatten() {
        // Each artifact has a file of its own.
        folder.remove(name)?;
    }
    Ok(files.len() as u64)
}

/// Forgets what hangs on a job beside its record. A counted run stays counted, without its key.
pub(crate) fn hanging(db: &Connection, job: &JobId) -> DbResult<()> {
    db.execute("DELETE FROM contents WHERE job = ?1", params![job.as_str()])?;
    db.execute("UPDATE tallies SET key = '' WHERE job = ?1", params![job.as_str()])?;
    Ok(())
}
