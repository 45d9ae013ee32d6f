//! What a bucket holds, and reads that go on where they broke off: for whoever takes documents by their prefix, and not
//! because an event told of them.

use crate::body::Folder;
use crate::fault::{self, DbResult};
use crate::objects::UPLOADS;
use crate::time;
use domain::Document;
use ports::{Fault, Listing, PortError, Result};
use rusqlite::{Connection, params};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

/// Documents of one page.
const PAGE: usize = 1000;

/// The newest version of each key that begins so.
pub(crate) fn newest(db: &Connection, prefix: &str) -> DbResult<Vec<Document>> {
    newest_behind(db, prefix, "", usize::MAX)
}

/// A page of the same, behind a key.
pub(crate) fn page(db: &Connection, prefix: &str, after: &str) -> DbResult<Listing> {
    let mut documents = newest_behind(db, prefix, after, PAGE + 1)?;
    let more = documents.len() > PAGE;
    documents.truncate(PAGE);
    let next = documents.last().filter(|_| more).map(|last| last.key.clone());
    Ok(Listing { documents, next })
}

fn newest_behind(db: &Connection, prefix: &str, after: &str, most: usize) -> DbResult<Vec<Document>> {
    let end = format!("{prefix}\u{10FFFF}");
    // Of several rows SQLite takes the bare columns from the one with the maximum.
    let mut statement = db.prepare_cached(
        "SELECT key, version, size, max(sequencer), uploaded_at FROM uploads
         WHERE bucket = ?1 AND key >= ?2 AND key < ?3 AND key > ?4 GROUP BY key ORDER BY key LIMIT ?5",
    )?;
    let documents = statement.query_map(
        params![UPLOADS, prefix, end, after, i64::try_from(most).unwrap_or(-1)],
        |row| {
            Ok(Document {
                bucket: UPLOADS.to_owned(),
                key: row.get(0)?,
                version: row.get(1)?,
                size: row.get(2)?,
                sequencer: row.get(3)?,
                uploaded_at: time::timestamp(row.get(4)?),
            })
        },
    )?;
    Ok(documents.collect::<rusqlite::Result<_>>()?)
}

/// Where a document's bytes are.
pub(crate) enum Bytes {
    Inline(Vec<u8>),
    Stored(Folder, String),
}

/// Appends to `into` what it lacks of a document of so many bytes.
pub(crate) fn append(bytes: &Bytes, size: u64, into: &Path) -> Result<()> {
    let writing = |error: io::Error| fault::io("writing the fetched document", &error);
    let mut target = File::options().create(true).append(true).open(into).map_err(writing)?;
    let there = target.metadata().map_err(writing)?.len();
    if there > size {
        return Err(PortError::new(Fault::TooLarge, "fetching a document: the file is longer than it"));
    }
    match bytes {
        Bytes::Inline(bytes) => {
            let rest = usize::try_from(there).ok().and_then(|there| bytes.get(there..));
            target.write_all(rest.unwrap_or_default()).map_err(writing)
        }
        Bytes::Stored(folder, name) => {
            let reading = |error: io::Error| fault::io("reading a stored document", &error);
            let mut source = File::open(folder.path(name)?).map_err(reading)?;
            source.seek(SeekFrom::Start(there)).map_err(reading)?;
            io::copy(&mut source, &mut target).map_err(writing)?;
            Ok(())
        }
    }
}
