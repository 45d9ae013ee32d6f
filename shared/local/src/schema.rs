//! What the database holds, and how an older one becomes a newer one.
//!
//! `user_version` counts the steps that were taken; a database with more steps than this release knows is left
//! untouched. Steps are only ever added. Before a step changes data that exists, the file is copied beside
//! itself (`precis.db.before-N`), so that the former release can go on from there.

use rusqlite::Connection;

/// "PREC": marks the file as ours.
pub(crate) const APPLICATION: i32 = 0x5052_4543;

/// The steps, oldest first.
pub(crate) const STEPS: &[&str] =
    &[include_str!("schema/1.sql"), include_str!("schema/2.sql"), include_str!("schema/3.sql")];

/// The version this release writes.
pub(crate) const VERSION: i64 = version_of(STEPS);

/// The version of a database on which these steps were taken.
pub(crate) const fn version_of(steps: &[&str]) -> i64 {
    steps.len() as i64
}

/// Takes the steps that are missing in a database of this version, within a transaction.
pub(crate) fn take(db: &Connection, version: i64, steps: &[&str]) -> rusqlite::Result<()> {
    for step in steps.iter().skip(usize::try_from(version).unwrap_or(0)) {
        db.execute_batch(step)?;
    }
    if version < version_of(steps) {
        db.pragma_update(None, "user_version", version_of(steps))?;
    }
    Ok(())
}
