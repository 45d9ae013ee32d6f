//! What crashes leave: files that were being written, and files that no row came to name. They only cost room, so
//! this is done when a folder is opened, and what cannot be removed stays.

use crate::layout::Layout;
use rusqlite::Connection;
use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::path::Path;
use std::time::Duration;

/// Commands beside us may be writing; what is older is nobody's.
const OLD: Duration = Duration::from_secs(600);

/// Removes them.
pub(crate) fn sweep(layout: &Layout, connection: &Connection) -> rusqlite::Result<()> {
    crate::budget::sweep(connection)?;
    for path in entries(&layout.scratch()) {
        match fs::symlink_metadata(&path) {
            // Only the process that does the work makes folders there, and that is us, just starting.
            Ok(found) if found.is_dir() => drop(fs::remove_dir_all(&path)),
            Ok(found) if is_old(&found) => drop(fs::remove_file(&path)),
            _ => {}
        }
    }
    for (table, folder) in [("uploads", layout.uploads()), ("artifacts", layout.artifacts())] {
        let mut statement =
            connection.prepare(&format!("SELECT file FROM {table} WHERE file IS NOT NULL"))?;
        let named =
            statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<HashSet<String>>>()?;
        for path in entries(&folder).into_iter().flat_map(|folder| entries(&folder)) {
            let is_named =
                path.file_name().and_then(|name| name.to_str()).is_none_or(|name| named.contains(name));
            if !is_named && fs::symlink_metadata(&path).is_ok_and(|found| is_old(&found)) {
                let _ = fs::remove_file(&path);
            }
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn is_old(found: &Metadata) -> bool {
    found.modified().ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age > OLD)
}
