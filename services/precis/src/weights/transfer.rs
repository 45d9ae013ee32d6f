//! One file from its source to this disk: begun, broken off, gone on with, and held against its hash.
//!
//! What comes is `NAME.part` until its bytes are known to be right. A try that brought something is worth another one at
//! once; one that brought nothing is repeated a few times with growing waits, and then told. A part that turns out not to
//! be the beginning of the file, or whose bytes are wrong in the end, is thrown away once and the file taken anew.

use super::manifest::{self, Recorded};
use super::progress::Bar;
use super::source::{Digest, Listing, Offer, Source, Trouble};
use anyhow::anyhow;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Tries in a row that bring nothing.
const TRIES: u32 = 4;
/// The first wait; each is twice the one before.
const WAIT: Duration = Duration::from_millis(500);
/// Longest that a source may make us wait without anybody being asked.
const LONGEST_WAIT: Duration = Duration::from_secs(90);
const PIECE: usize = 1 << 20;

/// A file that is coming.
pub struct Part<'a> {
    path: PathBuf,
    file: File,
    len: u64,
    size: u64,
    bar: &'a Bar,
}

impl<'a> Part<'a> {
    fn open(path: PathBuf, size: u64, bar: &'a Bar) -> Result<Self, Trouble> {
        let no_link = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let opened = File::options().create(true).append(true).custom_flags(no_link).open(&path);
        let file = opened.map_err(|error| Trouble::of_disk(error, &path))?;
        let mut part = Self { path, file, len: 0, size, bar };
        part.measure()?;
        if part.len > size {
            part.restart()?;
        }
        Ok(part)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that are here.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Looks at the disk, for whoever writes there by the path.
    pub fn measure(&mut self) -> Result<(), Trouble> {
        let found = self.file.metadata().map_err(|error| Trouble::of_disk(error, &self.path))?;
        self.len = found.len();
        self.bar.at(self.len.min(self.size));
        Ok(())
    }

    /// Takes more bytes.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        if self.len + bytes.len() as u64 > self.size {
            return Err(anyhow!("it is longer than the {} bytes that were told", self.size).into());
        }
        let written = self.file.write_all(bytes);
        // Also of a piece that did not fit some bytes were written.
        self.measure()?;
        written.map_err(|error| Trouble::of_disk(error, &self.path))
    }

    /// Throws away what is here.
    pub fn restart(&mut self) -> Result<(), Trouble> {
        let _ = fs::remove_file(self.tag_path());
        self.file.set_len(0).map_err(|error| Trouble::of_disk(error, &self.path))?;
        self.measure()
    }

    fn tag_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".etag");
        path.into()
    }

    /// What the server called the bytes whose beginning is here.
    pub fn tag(&self) -> Option<String> {
        fs::read_to_string(self.tag_path()).ok().filter(|tag| !tag.is_empty())
    }

    /// Notes what the server calls them. Without the note a part is thrown away rather than trusted.
    pub fn set_tag(&self, tag: &str) {
        let _ = fs::write(self.tag_path(), tag);
    }
}

/// Brings a file into the folder `work`. `Passing` comes back only after several tries.
pub fn deliver(
    source: &dyn Source,
    offer: &Offer,
    listing: &Listing,
    work: &Path,
    bar: &Bar,
) -> Result<Recorded, Trouble> {
    let target = work.join(&offer.path);
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(|error| Trouble::of_disk(error, folder))?;
    }
    bar.name(&offer.path);
    if let Some(recorded) = there_already(&target, offer, bar)? {
        return Ok(recorded);
    }
    let mut path = target.clone().into_os_string();
    path.push(".part");
    let mut part = Part::open(path.into(), offer.size, bar)?;
    let sha256 = bring(source, offer, listing, &mut part, bar)?;
    part.file.sync_all().map_err(|error| Trouble::of_disk(error, &part.path))?;
    let _ = fs::remove_file(part.tag_path());
    fs::rename(&part.path, &target).map_err(|error| Trouble::of_disk(error, &target))?;
    Ok(recorded(offer, sha256, bar))
}

fn recorded(offer: &Offer, sha256: String, bar: &Bar) -> Recorded {
    bar.file_done(offer.size);
    Recorded { name: offer.path.clone(), size: offer.size, sha256, version: offer.version.clone() }
}

/// A file that came before this pull was begun anew.
fn there_already(target: &Path, offer: &Offer, bar: &Bar) -> Result<Option<Recorded>, Trouble> {
    let found = match fs::symlink_metadata(target) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Trouble::of_disk(error, target)),
    };
    if found.is_file() && found.len() == offer.size {
        let hash = check(target, offer).map_err(|error| Trouble::of_disk(error, target))?;
        if let Some(sha256) = hash {
            return Ok(Some(recorded(offer, sha256, bar)));
        }
    }
    fs::remove_file(target).map_err(|error| Trouble::of_disk(error, target))?;
    Ok(None)
}

/// Fills a part; gives the SHA-256 of what came.
fn bring(
    source: &dyn Source,
    offer: &Offer,
    listing: &Listing,
    part: &mut Part<'_>,
    bar: &Bar,
) -> Result<String, Trouble> {
    let (mut fruitless, mut anew) = (0, false);
    loop {
        let before = part.len();
        let came = source.go_on(offer, listing, part);
        part.measure()?;
        let lacking = offer.size.saturating_sub(part.len());
        let again = |what: &str| format!("{}: {what}", offer.path);
        match came {
            Ok(()) if lacking == 0 => {
                bar.name(&format!("checking {}", offer.path));
                let hash = check(&part.path, offer).map_err(|error| Trouble::of_disk(error, &part.path))?;
                if let Some(hash) = hash {
                    return Ok(hash);
                }
                part.restart()?;
                if before == 0 || anew {
                    return Err(wrong(offer).into());
                }
                anew = true;
                bar.say(&again("its bytes were not what they should be; it is taken anew"));
            }
            Err(Trouble::Changed) if !anew => {
                anew = true;
                part.restart()?;
                bar.say(&again(
                    "what was here is not the beginning of what is offered now; it is taken anew",
                ));
            }
            Err(Trouble::Changed) => {
                return Err(anyhow!("{}: the source keeps changing it", offer.path).into());
            }
            Ok(()) => wait(&mut fruitless, part.len() > before, bar, again("the connection was cut"), None)?,
            Err(Trouble::Passing { what, after }) => {
                wait(&mut fruitless, part.len() > before, bar, again(&what), after)?;
            }
            Err(Trouble::Final(error)) => return Err(error.context(offer.path.clone()).into()),
            Err(Trouble::Full) => return Err(Trouble::Full),
        }
    }
}

fn wrong(offer: &Offer) -> anyhow::Error {
    anyhow!(
        "{} came with other bytes than its source says it has, and was thrown away. Something between here and there \
         changes them (a proxy, a mirror), or the source is damaged. Do: try again; if it stays so, take another source",
        offer.path
    )
}

/// Waits before the next try, or gives back why there is none.
pub fn wait(
    fruitless: &mut u32,
    brought: bool,
    bar: &Bar,
    what: String,
    after: Option<Duration>,
) -> Result<(), Trouble> {
    *fruitless = if brought { 0 } else { *fruitless + 1 };
    let pause = after.unwrap_or(WAIT * 2_u32.saturating_pow(fruitless.saturating_sub(1)));
    if *fruitless >= TRIES || pause > LONGEST_WAIT {
        return Err(Trouble::Passing { what, after });
    }
    bar.say(&format!("{what}; going on in {:.1} s", pause.as_secs_f64()));
    std::thread::sleep(pause);
    Ok(())
}

/// The SHA-256 of a file's bytes, if they are those of the offer.
fn check(path: &Path, offer: &Offer) -> io::Result<Option<String>> {
    let Digest::GitBlob(name) = &offer.digest else {
        let hash = manifest::sha256(path)?;
        let right = !matches!(&offer.digest, Digest::Sha256(wanted) if !wanted.eq_ignore_ascii_case(&hash));
        return Ok(right.then_some(hash));
    };
    let (mut blob, mut hash) = (Sha1::new(), Sha256::new());
    blob.update(format!("blob {}\0", offer.size));
    let mut file = File::open(path)?;
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        blob.update(&piece[..read]);
        hash.update(&piece[..read]);
    }
    let right = hex::encode(blob.finalize()).eq_ignore_ascii_case(name);
    Ok(right.then(|| hex::encode(hash.finalize())))
}
