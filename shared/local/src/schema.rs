//! What the database holds, and how an older one becomes a newer one.
//!
//! `user_version` counts the steps that were taken; a database with more steps than this release knows is left
//! untouched. Steps are only ever added. Before a step changes data that exists, the file is copied beside
//! itself (`precis.db.before-N`), so that the former release can go on from there.

use rusqlite::{Connection, TransactionBehavior};

/// "PREC": marks the file as ours.
pub(crate) const APPLICATION: i32 = 0x5052_4543;

/// The steps, oldest first.
pub(crate) const STEPS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// The version this release writes.
pub(crate) const VERSION: i64 = version_of(STEPS);

/// The version of a database on which these steps were taken.
pub(crate) const fn version_of(steps: &[&str]) -> i64 {
    steps.len() as i64
}

/// Takes the steps that are missing, in one transaction. Another process may have been quicker.
pub(crate) fn migrate(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let taken = usize::try_from(version).unwrap_or(0);
    for step in steps.iter().skip(taken) {
        transaction.execute_batch(step)?;
    }
    if version < version_of(steps) {
        transaction.pragma_update(None, "user_version", version_of(steps))?;
    }
    transaction.commit()
}
