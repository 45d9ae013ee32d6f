//! Budgets as rows: each spending of a cap by its name, so that counting is a sum and taking twice is one row.

use crate::db::Db;
use crate::fault::DbResult;
use crate::time;
use async_trait::async_trait;
use ports::{Budget, Cap, Result, Taken};
use rusqlite::{Connection, params};
use std::time::Duration;

/// How long a month's spending is remembered.
const KEPT: Duration = Duration::from_secs(100 * 86_400);

/// The budgets of a data folder.
pub(crate) struct Budgets {
    pub(crate) db: Db,
}

#[async_trait]
impl Budget for Budgets {
    async fn take(&self, name: &str, pages: u64, of: &[Cap]) -> Result<Taken> {
        let (name, of) = (name.to_owned(), of.to_vec());
        self.db.write("taking pages of a budget", move |db| take(db, &name, pages, &of)).await
    }

    async fn give_back(&self, name: &str, of: &[Cap]) -> Result<()> {
        let (name, of) = (name.to_owned(), of.to_vec());
        self.db
            .write("giving pages of a budget back", move |db| {
                let mut delete = db.prepare_cached("DELETE FROM spending WHERE cap = ?1 AND name = ?2")?;
                of.iter().try_for_each(|cap| Ok(delete.execute([&cap.name, &name]).map(drop)?))
            })
            .await
    }

    async fn spent(&self, cap: &Cap) -> Result<u64> {
        let cap = cap.clone();
        self.db.read("looking at a budget", move |db| spent(db, &cap)).await
    }
}

fn spent(db: &Connection, cap: &Cap) -> DbResult<u64> {
    let mut sum = db.prepare_cached("SELECT coalesce(sum(pages), 0) FROM spending WHERE cap = ?1")?;
    Ok(sum.query_row([&cap.name], |row| row.get(0))?)
}

fn take(db: &Connection, name: &str, pages: u64, of: &[Cap]) -> DbResult<Taken> {
    let now = time::now();
    let mut known = db.prepare_cached("SELECT 1 FROM spending WHERE cap = ?1 AND name = ?2")?;
    let mut new = Vec::new();
    for cap in of {
        if known.exists([&cap.name, name])? {
            continue;
        }
        if spent(db, cap)?.saturating_add(pages) > cap.pages {
            return Ok(Taken::Exceeds(cap.clone()));
        }
        new.push(cap);
    }
    let mut insert =
        db.prepare_cached("INSERT INTO spending (cap, name, pages, at) VALUES (?1, ?2, ?3, ?4)")?;
    for cap in new {
        insert.execute(params![cap.name, name, pages, now])?;
    }
    Ok(Taken::Yes)
}

/// Forgets the months that are long over.
pub(crate) fn sweep(db: &Connection) -> rusqlite::Result<()> {
    db.execute("DELETE FROM spending WHERE at < ?1", [time::now() - time::span(KEPT)]).map(drop)
}
