//! From a key to the name of a file that people can read and that leads nowhere else.
//!
//! A key of ordinary characters is its own name. Any other has its dangerous characters replaced and a piece of
//! its hash added, so two keys never have the same name; `result_files` has the last word on that.

use domain::JobId;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use std::collections::HashSet;

use crate::fault::DbResult;
use crate::objects::UPLOADS;

/// The longest part of a path, in bytes; file systems take 255, and an ending and a hash must fit.
const PART: usize = 180;
/// The longest path, in bytes; systems take 4,096 with the data folder's own.
const WHOLE: usize = 1000;
const ENDINGS: [&str; 3] = [".md", ".json", ".txt"];

/// A relative path for a key: never absolute, never with `..`, never hidden, never empty.
pub(crate) fn readable(key: &str) -> String {
    let parts: Vec<&str> = key.split('/').collect();
    let last = parts.len() - 1;
    let made: Vec<String> = parts.iter().enumerate().map(|(at, name)| part(name, at < last)).collect();
    let mut path = made.join("/");
    if path.len() > WHOLE {
        path = part(parts[last], false);
    }
    if path == key { path } else { with_hash(&path, key, 8) }
}

fn with_hash(path: &str, key: &str, digits: usize) -> String {
    let hash = hex::encode(Sha256::digest(key.as_bytes()));
    format!("{path}-{}", &hash[..digits])
}

/// One part of the path; `is_folder` ones do not look like one of the files beside them.
fn part(name: &str, is_folder: bool) -> String {
    let mut out = String::with_capacity(name.len());
    for character in name.chars() {
        let bad = character.is_control() || is_invisible(character) || r#"\:*?"<>|"#.contains(character);
        let next = if bad { '_' } else { character };
        if out.len() + next.len_utf8() > PART {
            break;
        }
        out.push(next);
    }
    if out.starts_with(['.', '~', '-', ' ']) {
        out.replace_range(..1, "_");
    }
    if out.ends_with(['.', ' ']) {
        out.truncate(out.len() - 1);
        out.push('_');
    }
    if out.is_empty()
        || (is_folder && ENDINGS.iter().any(|ending| out.to_ascii_lowercase().ends_with(ending)))
    {
        out.push('_');
    }
    out
}

/// Characters that change how a name is shown rather than being part of it.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// The path for the results of this run; `None` if a newer run or a newer document has it already.
pub(crate) fn assign(db: &Connection, key: &str, job: &JobId, run: u32) -> DbResult<Option<String>> {
    let held = db
        .prepare_cached("SELECT path, job, run FROM result_files WHERE bucket = ?1 AND key = ?2")?
        .query_row([UPLOADS, key], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, u32>(2)?))
        })
        .optional()?;
    let path = match held {
        Some((path, holder, held_run)) => {
            let is_older = if holder == job.as_str() {
                held_run > run
            } else {
                let newest = crate::jobs::newest_of_key(db, UPLOADS, key)?;
                newest.is_some_and(|newest| newest.id.as_str() == holder)
            };
            if is_older {
                return Ok(None);
            }
            path
        }
        None => free_path(db, key)?,
    };
    db.prepare_cached(
        "INSERT INTO result_files (path, bucket, key, job, run) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (path) DO UPDATE SET job = ?4, run = ?5",
    )?
    .execute(params![path, UPLOADS, key, job.as_str(), run])?;
    Ok(Some(path))
}

fn free_path(db: &Connection, key: &str) -> DbResult<String> {
    let path = readable(key);
    let mut taken = db.prepare_cached("SELECT 1 FROM result_files WHERE path = ?1")?;
    if taken.exists([&path])? { Ok(with_hash(&path, key, 64)) } else { Ok(path) }
}

/// The name of an `.eml` in `outbox/`, without its ending.
pub(crate) fn of_mail(id: &str) -> String {
    readable(&id.replace('/', "_"))
}

/// Which of these paths came twice: only the last of a batch may be written.
pub(crate) fn superseded_in_batch(paths: &[Option<String>]) -> Vec<bool> {
    let mut seen = HashSet::new();
    let mut out: Vec<bool> =
        paths.iter().rev().map(|path| path.as_ref().is_some_and(|path| !seen.insert(path))).collect();
    out.reverse();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Component, Path};

    #[test]
    fn an_ordinary_key_is_its_own_name() {
        for key in ["contracts/2026/mill-road-4.pdf", "Bericht März.docx", "报告.txt", "a+b 100%.md"] {
            assert_eq!(readable(key), key);
        }
    }

    #[test]
    fn no_key_leads_out_of_the_folder_nor_hides_nor_collides() {
        let long = "x".repeat(1024);
        let deep = "a/".repeat(500);
        let keys = [
            "",
            ".",
            "..",
            "/",
            "../../etc/passwd",
            "/etc/passwd",
            "a/../b",
            "a//b",
            "a/",
            "a\0b",
            "a\nb",
            "C:\\x",
            ".bashrc",
            "-rf",
            "~$x",
            "a\u{202E}fdp.exe",
            &long,
            &deep,
            "a.md/b",
            "x.",
            "x ",
            "🦀\u{200B}",
        ];
        let mut seen = HashSet::new();
        for key in keys {
            let path = readable(key);
            assert!(seen.insert(path.clone()), "{key:?} {path:?}");
            assert!(!path.is_empty() && path.len() <= WHOLE + 70, "{key:?}");
            for component in Path::new(&path).components() {
                let Component::Normal(name) = component else { panic!("{key:?} became {path:?}") };
                let name = name.to_str().unwrap();
                assert!(name.len() <= 255 && !name.starts_with('.'), "{key:?} became {path:?}");
                assert!(!name.chars().any(char::is_control), "{key:?} became {path:?}");
            }
            assert!(!path.contains("//"), "{key:?} became {path:?}");
        }
    }
}
