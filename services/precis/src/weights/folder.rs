//! Models of a folder of this machine: copied, so that removing the one leaves the other.
//!
//! Links are followed, since the hub's own cache is made of them and whoever names a folder may read it. A record that lies
//! there is believed: what is copied must be what came.

use super::manifest::Manifest;
use super::source::{Digest, Listing, Offer, Source, Trouble};
use super::transfer::Part;
use anyhow::{Context, Result, anyhow, bail};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

const PIECE: usize = 1 << 20;

/// A model in a folder.
pub struct Folder(PathBuf);

impl Folder {
    /// Of this folder.
    pub fn new(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            bail!(
                "there is no folder {}. Do: check its name; a model of the hub is hf:OWNER/NAME, one of a bucket \
                 s3://BUCKET/PREFIX/",
                path.display()
            );
        }
        Ok(Self(fs::canonicalize(path).with_context(|| format!("{}", path.display()))?))
    }

    /// Its whole path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn offers(&self, below: &str, record: Option<&Manifest>) -> Result<Vec<Offer>> {
        let folder = self.0.join(below);
        let mut offers = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
            let entry = entry.with_context(|| format!("{}", folder.display()))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(found) = fs::metadata(entry.path()) else { continue };
            if found.is_file() {
                let path = format!("{below}{name}");
                let of = record.and_then(|record| record.files.iter().find(|file| file.name == path));
                let digest = of.map_or(Digest::Unknown, |file| Digest::Sha256(file.sha256.clone()));
                offers.push(Offer { path, size: found.len(), digest, version: version(&found) });
            }
        }
        Ok(offers)
    }
}

/// Another content has another time or another size.
fn version(found: &fs::Metadata) -> String {
    let changed = found.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    format!("{}-{}", changed.unwrap_or_default().as_nanos(), found.len())
}

impl Source for Folder {
    fn list(&self) -> Result<Listing, Trouble> {
        let record = Manifest::of(&self.0)?;
        let mut offers = self.offers("", record.as_ref())?;
        if self.0.join("1_Pooling").is_dir() {
            offers.extend(self.offers("1_Pooling/", record.as_ref())?);
        }
        let origin = record.map(|record| record.origin.clone().unwrap_or_else(|| record.shown()));
        Ok(Listing { revision: None, origin, offers })
    }

    fn go_on(&self, offer: &Offer, _: &Listing, part: &mut Part<'_>) -> Result<(), Trouble> {
        let path = self.0.join(&offer.path);
        let reading = |error: std::io::Error| anyhow!("{}: {error}", path.display());
        let mut source = File::open(&path).map_err(reading)?;
        if version(&source.metadata().map_err(reading)?) != offer.version {
            return Err(
                anyhow!("{} was changed meanwhile. Do: the same command again", path.display()).into()
            );
        }
        source.seek(SeekFrom::Start(part.len())).map_err(reading)?;
        let mut piece = vec![0; PIECE];
        loop {
            let read = source.read(&mut piece).map_err(reading)?;
            if read == 0 {
                return Ok(());
            }
            part.append(&piece[..read])?;
        }
    }
}
