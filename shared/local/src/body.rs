//! Bodies of objects: small ones within the database, large ones as files beside it.
//!
//! A file costs two fsyncs of its own (its bytes, its name) before the commit that makes it known; a small body
//! within the database shares the commit's one fsync with everything else that is written then. So small bodies
//! are rows. A file is written under a temporary name, synced, renamed, and its folder synced before the row
//! that names it is committed: a crash leaves at worst a file that no row names, never a row without its file.
//!
//! No path is ever made from a key: files are named by what they hold, or by chance.

use crate::fault;
use ports::{Fault, PortError, Result};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The largest body that is a row, in bytes. See `examples/commits.rs`, which measures both ways.
pub(crate) const INLINE: u64 = 64 * 1024;
const CHUNK: usize = 128 * 1024;

/// Where a body is.
pub(crate) enum Body {
    /// Within the row.
    Inline(Vec<u8>),
    /// In the file of this name.
    File(String),
}

impl Body {
    /// The row's two columns, of which one is NULL.
    pub(crate) fn columns(&self) -> (Option<&[u8]>, Option<&str>) {
        match self {
            Self::Inline(bytes) => (Some(bytes), None),
            Self::File(name) => (None, Some(name)),
        }
    }
}

/// A body that was taken in.
pub(crate) struct Stored {
    pub(crate) body: Body,
    pub(crate) size: u64,
    /// In hexadecimal.
    pub(crate) sha256: String,
}

/// A folder of bodies, with the folder for what is being written.
#[derive(Clone)]
pub(crate) struct Folder {
    pub(crate) files: PathBuf,
    pub(crate) scratch: PathBuf,
}

impl Folder {
    /// The path of a stored file. Names are ours, but a database may be anybody's.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf> {
        if name.len() < 4 || !name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(PortError::new(
                Fault::Permanent,
                "the database names an object's file as none is named",
            ));
        }
        Ok(self.files.join(&name[..2]).join(name))
    }

    /// Takes a file in by streaming it. A large one is named by its hash, or by chance where `unique`.
    pub(crate) fn take_file(&self, file: &mut File, unique: bool) -> Result<Stored> {
        let reading = |error: io::Error| fault::io("reading the file to store", &error);
        let found = file.metadata().map_err(reading)?;
        if !found.is_file() {
            return Err(PortError::new(Fault::Permanent, "reading the file to store: it is not a file"));
        }
        let mut start = Vec::new();
        Read::by_ref(file).take(INLINE + 1).read_to_end(&mut start).map_err(reading)?;
        if start.len() as u64 <= INLINE {
            let sha256 = hex::encode(Sha256::digest(&start));
            return Ok(Stored { size: start.len() as u64, sha256, body: Body::Inline(start) });
        }
        self.take_large(&start, file, unique)
    }

    /// Takes bytes in.
    pub(crate) fn take_bytes(&self, bytes: Vec<u8>) -> Result<Stored> {
        if bytes.len() as u64 <= INLINE {
            let size = bytes.len() as u64;
            return Ok(Stored { size, sha256: String::new(), body: Body::Inline(bytes) });
        }
        self.take_large(&bytes, &mut io::empty(), true)
    }

    fn take_large(&self, start: &[u8], rest: &mut dyn Read, unique: bool) -> Result<Stored> {
        let writing = |error: io::Error| fault::io("storing an object", &error);
        let mut temporary = tempfile::NamedTempFile::new_in(&self.scratch).map_err(writing)?;
        let mut hash = Sha256::new();
        hash.update(start);
        temporary.write_all(start).map_err(writing)?;
        let mut size = start.len() as u64;
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match rest.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(fault::io("reading the file to store", &error)),
            };
            hash.update(&chunk[..read]);
            temporary.write_all(&chunk[..read]).map_err(writing)?;
            size += read as u64;
        }
        temporary.as_file().sync_all().map_err(writing)?;
        let sha256 = hex::encode(hash.finalize());
        let name = if unique { format!("{}{}", &sha256[..16], random_hex()) } else { sha256.clone() };
        let path = self.path(&name)?;
        let parent = path.parent().unwrap_or(&self.files);
        fs::create_dir_all(parent).map_err(writing)?;
        temporary.persist(&path).map_err(|error| writing(error.error))?;
        // The folder of the file, and the one above in case that folder is new.
        sync_folder(parent).and_then(|()| sync_folder(&self.files)).map_err(writing)?;
        Ok(Stored { body: Body::File(name), size, sha256 })
    }

    /// Deletes a stored body's file, where it has one. What stays behind costs room and nothing else.
    pub(crate) fn discard(&self, body: &Body) {
        if let Body::File(name) = body
            && let Ok(path) = self.path(name)
        {
            let _ = fs::remove_file(path);
        }
    }

    /// Deletes a stored file for good; one that is gone is no failure.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        match fs::remove_file(self.path(name)?) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(fault::io("deleting a stored object", &error))
            }
            _ => Ok(()),
        }
    }

    /// Streams a stored file into the new file `into`, and checks what came.
    pub(crate) fn copy_out(&self, name: &str, sha256: &str, into: &Path) -> Result<()> {
        let reading = |error: io::Error| fault::io("reading a stored document", &error);
        let mut source = File::open(self.path(name)?).map_err(reading)?;
        let writing = |error: io::Error| fault::io("writing the fetched document", &error);
        let mut target = File::create_new(into).map_err(writing)?;
        let result = copy(&mut source, &mut target, sha256);
        if result.is_err() {
            // A part of a document must not be taken for the document.
            let _ = fs::remove_file(into);
        }
        result
    }
}

fn copy(source: &mut File, target: &mut File, sha256: &str) -> Result<()> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = source.read(&mut chunk).map_err(|error| fault::io("reading a stored document", &error))?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
        target
            .write_all(&chunk[..read])
            .map_err(|error| fault::io("writing the fetched document", &error))?;
    }
    if hex::encode(hash.finalize()) == sha256 {
        return Ok(());
    }
    Err(PortError::new(
        Fault::Permanent,
        "reading a stored document: its bytes changed on the disk since it came",
    ))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// 64 bits of chance, in hexadecimal.
pub(crate) fn random_hex() -> String {
    use std::hash::{BuildHasher, Hasher};
    // Each RandomState is keyed anew from the system's randomness.
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_i64(crate::time::now());
    format!("{:016x}", hasher.finish())
}
