//! The state folder: a file for each job, replaced whole by renaming, and one beside it with the pages it read.
//!
//! `jobs/<JobId>.json` says everything about a job and where in `jobs/<JobId>.pages` each page stands (a line of JSON),
//! so that an answer of a thousand blocks reads a few pages and not the document. The pages are written first.

use crate::blocks::ReadPage;
use crate::wire::{NotificationChannel, S3Object, Warning};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How a job stands, by the API's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Accepted.
    InProgress,
    /// Every page was read.
    Succeeded,
    /// Nothing was read.
    Failed,
    /// Some pages could not be read.
    PartialSuccess,
}

/// Where a page stands in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageAt {
    /// Blocks that it makes.
    pub blocks: usize,
    /// First byte.
    pub at: u64,
    /// Bytes.
    pub length: u64,
}

/// What a start asked for: the same token with another request is a mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The document.
    pub location: S3Object,
    /// The caller's own name for it.
    pub tag: Option<String>,
    /// Where its end is told.
    pub channel: Option<NotificationChannel>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// 64 hexadecimal digits.
    pub id: String,
    /// The caller's token.
    pub token: Option<String>,
    /// What was asked for.
    pub request: Request,
    /// Milliseconds since 1970.
    pub started_ms: i64,
    /// Milliseconds since 1970.
    pub finished_ms: Option<i64>,
    /// How it stands.
    pub status: Status,
    /// Why it failed.
    pub message: Option<String>,
    /// Pages of the document, read or not.
    pub total: u32,
    /// Pages that could not be read.
    pub warnings: Vec<Warning>,
    /// Pages that were read, in order.
    pub pages: Vec<PageAt>,
    /// Whether its end was told.
    pub told: bool,
}

/// The folder.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// Opens or makes the folder.
    ///
    /// # Errors
    /// The disk's.
    pub fn open(state: &Path) -> io::Result<Self> {
        let folder = state.join("jobs");
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    fn job_file(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    fn pages_file(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.pages"))
    }

    /// Every job that can be understood; the names of the files that cannot.
    ///
    /// # Errors
    /// The disk's.
    pub fn load(&self) -> io::Result<(Vec<Job>, Vec<PathBuf>)> {
        let (mut jobs, mut damaged) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match serde_json::from_slice(&fs::read(&path)?) {
                Ok(job) => jobs.push(job),
                Err(_) => damaged.push(path),
            }
        }
        jobs.sort_by(|a: &Job, b: &Job| (a.started_ms, &a.id).cmp(&(b.started_ms, &b.id)));
        Ok((jobs, damaged))
    }

    /// Writes a job down, whole or not at all.
    ///
    /// # Errors
    /// The disk's.
    pub fn save(&self, job: &Job) -> io::Result<()> {
        self.replace(&self.job_file(&job.id), &serde_json::to_vec(job)?)
    }

    /// Writes the pages of a job, and says where each stands.
    ///
    /// # Errors
    /// The disk's.
    pub fn save_pages(&self, id: &str, pages: &[ReadPage]) -> io::Result<Vec<PageAt>> {
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        for page in pages {
            let at = bytes.len() as u64;
            serde_json::to_writer(&mut bytes, page)?;
            bytes.push(b'\n');
            places.push(PageAt { blocks: page.blocks(), at, length: bytes.len() as u64 - at });
        }
        self.replace(&self.pages_file(id), &bytes)?;
        Ok(places)
    }

    /// Reads one page of a job.
    ///
    /// # Errors
    /// The disk's, and `InvalidData` for a file that is no longer what was written.
    pub fn page(&self, id: &str, place: &PageAt) -> io::Result<ReadPage> {
        let mut file = File::open(self.pages_file(id))?;
        file.seek(SeekFrom::Start(place.at))?;
        let mut bytes = Vec::new();
        file.take(place.length).read_to_end(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// Forgets a job.
    ///
    /// # Errors
    /// The disk's, but for what is not there.
    pub fn remove(&self, id: &str) -> io::Result<()> {
        for path in [self.job_file(id), self.pages_file(id)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(&self.folder)?.sync_all()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::blocks::tests::page;

    pub(crate) fn job(id: &str) -> Job {
        let location = S3Object { bucket: "bucket".into(), name: "a.pdf".into(), version: None };
        Job {
            id: id.into(),
            token: Some("token".into()),
            request: Request { location, tag: Some("tag".into()), channel: None },
            started_ms: 1,
            finished_ms: None,
            status: Status::InProgress,
            message: None,
            total: 0,
            warnings: Vec::new(),
            pages: Vec::new(),
            told: false,
        }
    }

    #[test]
    fn jobs_and_their_pages_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let pages = [page(1, &["one two"]), page(2, &[]), page(3, &["ä"])];
        let mut job = job("a");
        job.pages = store.save_pages("a", &pages).unwrap();
        store.save(&job).unwrap();
        let (jobs, damaged) = Store::open(folder.path()).unwrap().load().unwrap();
        assert_eq!((jobs, damaged), (vec![job.clone()], vec![]));
        for (place, expected) in job.pages.iter().zip(&pages) {
            assert_eq!(&store.page("a", place).unwrap(), expected);
        }
        store.remove("a").unwrap();
        store.remove("a").unwrap();
        assert_eq!(store.load().unwrap().0, []);
    }

    #[test]
    fn a_file_that_was_damaged_is_named_and_left() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        fs::write(folder.path().join("jobs/x.json"), "{\"id\":").unwrap();
        store.save(&job("a")).unwrap();
        let (jobs, damaged) = store.load().unwrap();
        assert_eq!((jobs.len(), damaged.len()), (1, 1));
    }
}
