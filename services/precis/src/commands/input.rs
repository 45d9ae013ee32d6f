//! The files that a command line names: which there are, what their keys are, whether they can be read.

use crate::show::clean;
use anyhow::{Context, Result, anyhow, bail};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// A file that was named.
pub struct File {
    /// As it was named; `-` is standard input.
    pub path: PathBuf,
    /// Its key.
    pub key: String,
}

/// All files, in order: those named, then those in the folders. Each has a key of its own.
pub fn list(files: &[PathBuf], folders: &[PathBuf]) -> Vec<File> {
    let mut paths = files.to_vec();
    for folder in folders {
        walk(folder, &mut paths);
    }
    let mut seen: HashMap<String, PathBuf> = HashMap::new();
    let mut all = Vec::with_capacity(paths.len());
    for path in paths {
        // Two folders may hold the same relative name (`../a/x` and `a/x`): they are two documents.
        let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        let (plain, mut n) = (key_of(&path), 2);
        let mut key = plain.clone();
        while seen.get(&key).is_some_and(|other| *other != absolute) {
            key = format!("{n}/{plain}");
            n += 1;
        }
        seen.insert(key.clone(), absolute);
        all.push(File { path, key });
    }
    all
}

impl File {
    /// Where its bytes can be read: the file itself, or standard input laid into `scratch`.
    pub fn readable(&self, scratch: &Path) -> Result<PathBuf> {
        if self.path == Path::new("-") {
            let file = scratch.join("stdin");
            // Named twice it is one document: there is nothing more to read the second time.
            if file.exists() {
                return Ok(file);
            }
            let mut kept = std::fs::File::create(&file).context("standard input cannot be kept")?;
            std::io::copy(&mut std::io::stdin().lock(), &mut kept)
                .context("standard input cannot be read")?;
            return Ok(file);
        }
        let found = std::fs::metadata(&self.path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => anyhow!("there is no such file. Do: check the name"),
            std::io::ErrorKind::PermissionDenied => anyhow!("it may not be read. Do: chmod or chown it"),
            _ => anyhow!("it cannot be looked at: {error}"),
        })?;
        if found.is_dir() {
            std::fs::read_dir(&self.path)
                .map_err(|error| anyhow!("the folder may not be listed: {error}. Do: chmod or chown it"))?;
            bail!("it is a folder. Do: `precis summarize -r {}`", clean(&self.path.to_string_lossy()));
        }
        if !found.is_file() {
            bail!("it is no regular file. Do: copy its content into a file, or use `-`");
        }
        std::fs::File::open(&self.path)
            .map_err(|error| anyhow!("it may not be read: {error}. Do: chmod or chown it"))?;
        Ok(self.path.clone())
    }
}

/// The path as a key: its normal parts, seen from here when it lies here.
fn key_of(path: &Path) -> String {
    if path == Path::new("-") {
        return "stdin".to_owned();
    }
    let here = std::env::current_dir().ok();
    let seen = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    let parts: Vec<_> = seen
        .as_deref()
        .unwrap_or(path)
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect();
    parts.join("/")
}

/// Files below a folder by name; hidden ones and links are left out, and so is a data folder, which would feed on
/// its own results. A folder that cannot be listed stands for itself: it is named with the cause when its turn comes,
/// and stops no other.
fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(mut entries) = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
    else {
        into.push(folder.to_owned());
        return;
    };
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let Ok(kind) = entry.file_type() else { continue };
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_dir() && !hidden && !entry.path().join("precis.db").exists() {
            walk(&entry.path(), into);
        } else if kind.is_file() && !hidden {
            into.push(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_is_normal_in_a_path() {
        assert_eq!(key_of(Path::new("../a/./b c.pdf")), "a/b c.pdf");
        assert_eq!(key_of(Path::new("/x/y.txt")), "x/y.txt");
        assert_eq!(key_of(&std::env::current_dir().unwrap().join("z.txt")), "z.txt");
    }

    #[test]
    fn the_same_relative_name_in_two_places_makes_two_keys_and_the_same_file_twice_makes_one() {
        let files: Vec<_> = ["../a/x", "a/x", "a/x"].map(PathBuf::from).into();
        let keys: Vec<_> = list(&files, &[]).into_iter().map(|file| file.key).collect();
        assert_eq!(keys, ["a/x", "2/a/x", "2/a/x"]);
    }
}
